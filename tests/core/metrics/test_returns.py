import math

import empyrical
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.metrics.returns import (
    daily_equity,
    deviation,
    growth,
    monthly_returns,
    rolling_sharpe,
    sharpe,
    sharpe_interval,
    sortino,
    volatility,
)

HOUR = 3_600_000_000
DAY = 24 * HOUR
FOUR = np.array([0.01, -0.01, 0.02, 0.0])


@pytest.mark.parametrize(
    ("hours", "days", "equity"),
    [
        ([0, 23, 24, 47], [0, 1], [2.0, 4.0]),
        ([5], [0], [1.0]),
        ([23, 24 * 3], [0, 3], [1.0, 2.0]),
        ([-1, 0], [-1, 0], [1.0, 2.0]),
        ([], [], []),
    ],
)
def test_daily_equity_is_the_last_of_every_day_that_has_a_bar(hours, days, equity):
    found = daily_equity(np.arange(1.0, len(hours) + 1), np.array(hours, np.int64) * HOUR)
    assert (found.day // DAY).tolist() == days
    assert found.equity.tolist() == equity


def test_monthly_returns_by_hand():
    time = np.array(["2023-12-31T23:00", "2024-01-01", "2024-01-31T23:00", "2024-03-01"], "datetime64[us]")
    found = monthly_returns(np.array([110.0, 90.0, 99.0, 198.0]), time.astype(np.int64), 100.0)
    assert [(r.year, r.month, round(r.return_pct, 9)) for r in found] == [
        (2023, 12, 10.0), (2024, 1, -10.0), (2024, 3, 100.0)
    ]  # fmt: skip
    assert monthly_returns(np.zeros(0), np.zeros(0, np.int64), 100.0) == []


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=50), st.floats(1, 1e6))
@settings(max_examples=50)
def test_growth_multiplies_to_the_total_return(equity, cash):
    assert np.prod(1 + growth(np.array(equity), cash)) == pytest.approx(equity[-1] / cash)


@pytest.mark.parametrize(
    ("equity", "expected"),
    [([50.0, 0.0, 10.0], [-0.5, -1.0]), ([-20.0, 5.0], [-1.2]), ([], [])],
)
def test_growth_ends_where_nothing_is_left(equity, expected):
    assert growth(np.array(equity), 100.0) == pytest.approx(expected)


def test_ratios_by_hand():
    # mean 0.005; squared distances 25, 225, 225, 25 (1e-6): sample variance 500e-6 / 3; downside: root of 1e-4 / 4.
    assert deviation(FOUR) == pytest.approx(math.sqrt(5e-4 / 3))
    assert sharpe(FOUR) == pytest.approx(0.005 / math.sqrt(5e-4 / 3) * math.sqrt(365))
    assert sortino(FOUR) == pytest.approx(0.005 / 0.005 * math.sqrt(365))
    assert volatility(FOUR, 4.0) == pytest.approx(2 * math.sqrt(5e-4 / 3))


@pytest.mark.parametrize("returns", [[], [0.1], [0.0, 0.0, 0.0], [0.001] * 7, [-0.1] * 3])
def test_equal_or_too_few_returns_have_no_ratio(returns):
    returns = np.array(returns)
    assert sharpe(returns) is None
    assert sharpe_interval(returns) == (None, None)
    assert volatility(returns) == (None if len(returns) < 2 else 0.0)


@pytest.mark.parametrize("returns", [[], [-0.1], [0.0, 0.0], [0.1, 0.2]])
def test_without_a_loss_there_is_no_sortino(returns):
    assert sortino(np.array(returns)) is None


@given(st.integers(0, 10_000), st.integers(2, 400))
@settings(max_examples=40, deadline=None)
def test_empyrical_agrees_on_daily_returns(seed, count):
    returns = np.random.default_rng(seed).standard_t(4, count) * 0.02
    assert sharpe(returns) == pytest.approx(empyrical.sharpe_ratio(returns, annualization=365), rel=1e-9)
    assert volatility(returns) == pytest.approx(empyrical.annual_volatility(returns, annualization=365), rel=1e-9)
    if (returns < 0).any():
        assert sortino(returns) == pytest.approx(empyrical.sortino_ratio(returns, annualization=365), rel=1e-9)


def test_interval_by_hand():
    # Three times 0 and once 4: mean 1, sample deviation 2, so s = 0.5; scores -+ 1/sqrt(3), 3/sqrt(3):
    # skewness (3 * -1 + 27) / (4 * 3 * sqrt(3)) = 2/sqrt(3), kurtosis (3 + 81) / (4 * 9) = 7/3.
    low, high = sharpe_interval(np.array([0.0, 0.0, 0.0, 4.0]), 9.0)
    error = math.sqrt((1 - 2 / math.sqrt(3) * 0.5 + (7 / 3 - 1) / 4 * 0.25) / 4)
    assert (low, high) == pytest.approx((3 * (0.5 - 1.95996398 * error), 3 * (0.5 + 1.95996398 * error)))


def test_interval_of_normal_returns_is_lo_2002():
    returns = np.random.default_rng(1).normal(0.001, 0.02, 200_000)
    low, high = sharpe_interval(returns, 1.0)
    ratio = sharpe(returns, 1.0)
    assert (high - low) / 2 == pytest.approx(1.959964 * math.sqrt((1 + ratio**2 / 2) / len(returns)), rel=1e-3)
    assert (low + high) / 2 == pytest.approx(ratio)


def test_interval_holds_the_true_value_in_95_of_100_cases():
    # Skewed returns of mean 0.1 and deviation 1.
    rng = np.random.default_rng(7)
    intervals = [sharpe_interval(rng.exponential(1.0, 500) - 0.9, 1.0) for _ in range(1_000)]
    inside = sum(low <= 0.1 <= high for low, high in intervals)
    assert 930 <= inside <= 970


def test_negative_skew_widens_the_interval_of_a_good_ratio():
    good = np.array([0.02] * 19 + [-0.1])
    skewed, mirrored = sharpe_interval(good), sharpe_interval(2 * good.mean() - good)
    assert skewed[1] - skewed[0] > mirrored[1] - mirrored[0]


def test_rolling_sharpe_is_the_sharpe_of_every_window():
    returns = np.random.default_rng(3).normal(0, 0.01, 30)
    returns[5:12] = 0.002
    line = rolling_sharpe(returns, 6)
    assert np.isnan(line[:5]).all()
    for row in range(5, 30):
        expected = sharpe(returns[row - 5 : row + 1])
        assert line[row] == pytest.approx(math.nan if expected is None else expected, nan_ok=True)


@pytest.mark.parametrize(("rows", "window"), [(3, 4), (3, 1), (0, 5)])
def test_rolling_sharpe_without_a_full_window_is_unknown(rows, window):
    line = rolling_sharpe(np.linspace(0, 1, rows), window)
    assert len(line) == rows
    assert np.isnan(line).all()
