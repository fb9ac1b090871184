from itertools import pairwise

import empyrical
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.metrics.drawdowns import Drawdown, drawdowns, path_drawdowns
from tallow.domain.results import Path


def times(rows):
    return np.arange(rows, dtype=np.int64) * 10


@pytest.mark.parametrize(
    ("equity", "cash", "expected"),
    [
        ([100.0, 80.0, 90.0, 100.0, 110.0], None, [Drawdown(-20.0, 0, 10, 30, 3)]),
        ([100.0, 90.0, 75.0], None, [Drawdown(-25.0, 0, 20, None, 2)]),
        ([90.0, 100.0], 100.0, [Drawdown(-10.0, 0, 0, 10, 2)]),
        ([90.0, 95.0], 100.0, [Drawdown(-10.0, 0, 0, None, 2)]),
        ([100.0, 100.0, 50.0, 100.0], 100.0, [Drawdown(-50.0, 10, 20, 30, 2)]),
        ([100.0, 110.0], 100.0, []),
        ([50.0], None, []),
        ([], 100.0, []),
        ([], None, []),
    ],
)
def test_by_hand(equity, cash, expected):
    assert drawdowns(np.array(equity), times(len(equity)), cash) == expected


def test_the_deepest_come_first_and_equals_in_order_of_time():
    equity = np.array([100.0, 90.0, 100.0, 70.0, 100.0, 90.0, 120.0])
    assert [(fall.depth_pct, fall.start) for fall in drawdowns(equity, times(7))] == [
        (pytest.approx(-30.0), 20), (pytest.approx(-10.0), 0), (pytest.approx(-10.0), 40)
    ]  # fmt: skip
    assert len(drawdowns(equity, times(7), count=2)) == 2


@given(st.integers(0, 10_000), st.integers(1, 300))
@settings(max_examples=50, deadline=None)
def test_the_deepest_is_empyricals_and_no_two_overlap(seed, rows):
    returns = np.random.default_rng(seed).normal(0, 0.05, rows)
    equity = 1_000.0 * np.cumprod(1 + returns)
    falls = drawdowns(equity, times(rows), 1_000.0, count=1_000)
    assert (falls[0].depth_pct if falls else 0.0) == pytest.approx(100 * empyrical.max_drawdown(returns), abs=1e-9)
    ordered = sorted(falls, key=lambda fall: fall.trough)
    assert all(a.end is not None and a.end <= b.start for a, b in pairwise(ordered))
    assert sum(fall.bars for fall in falls) <= rows


def test_a_peak_ends_with_the_last_row_without_a_position():
    close = np.array([100.0, 105.0, 110.0, 90.0, 130.0, 110.0, 99.0, 88.0])
    path = Path(close, np.array([0, 3, 5]), np.array([0.0, 110.0, 0.0]), np.array([1.0, 0.0, 1.0]))
    (found,) = path_drawdowns(path, np.arange(8) * 60, 100.0)
    # Sold at 110 in row 3 and bought back in row 5 at the same price: that is the last row at the peak.
    assert (found.start, found.trough, found.bars) == (5 * 60, 7 * 60, 2)
    assert found.depth_pct == pytest.approx(-20.0)
    (found,) = path_drawdowns(path._replace(close=close - (np.arange(8) == 5)), np.arange(8) * 60, 100.0)
    assert (found.start, found.bars) == (4 * 60, 3)
