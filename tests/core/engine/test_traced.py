import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core import metrics
from tallow.core.engine import extend, run, run_path
from tallow.core.engine.traced import equity_of, spread
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.errors import UserError
from tallow.domain.results import Path, Run
from tallow.domain.scene import Execution
from tallow.domain.timeframes import parse_timeframe

HOUR = 3_600_000_000
FIELDS = ("time", "equity", "position", "target", "fills", "trades", "ambiguous_bars", "rejected_orders")


def traced(rows=900, execution=None):
    random = np.random.default_rng(4)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.01, rows))), 2)
    bars = Bars.of(np.arange(rows) * HOUR, (close, close * 1.01, close * 0.99, close, np.full(rows, 9.0)))
    targets = np.repeat(random.choice([0.0, 0.5, 1.0], rows // 9 + 1), 9)[:rows]
    return bars, run(bars, targets, execution or Execution(), cash=1_000.0), targets


def test_marks_are_worked_out_from_events():
    path = Path(
        np.array([10.0, 11.0, 12.0, 13.0]),
        np.array([0, 1, 1, 3]),
        np.array([5.0, 4.0, 3.0, 50.0]),
        np.array([0, 1.0, 2, 0]),
    )
    assert equity_of(path).tolist() == [5.0, 25.0, 27.0, 50.0]
    assert spread(path.row, path.quantity, 4).tolist() == [0.0, 2.0, 2.0, 0.0]


def test_a_traced_run_is_the_run_of_its_marks():
    _, done, targets = traced()
    plain = Run(*(getattr(done, name) for name in FIELDS))
    assert plain.digest() == done.digest()
    assert done.target.tolist() == targets.tolist()
    assert done.exposed_bars == plain.exposed_bars == np.count_nonzero(done.position)
    assert (equity_of(plain.path) == done.equity).all()


@pytest.mark.parametrize("execution", [Execution(), Execution(fill="close", taker_fee=0.02, stop_loss=0.01)])
def test_metrics_from_events_are_metrics_from_marks(execution):
    bars, done, _ = traced(execution=execution)
    plain = Run(*(getattr(done, name) for name in FIELDS))
    both = [metrics.summary(one, bars, parse_timeframe("1h"), execution, 1_000.0) for one in (done, plain)]
    assert both[0] == both[1]
    assert both[0]["trades"] > 5


def test_marks_are_computed_once():
    _, done, _ = traced()
    assert done.equity is done.equity
    assert done.position is done.position


def test_no_bars_no_marks():
    none = np.zeros(0)
    done = run(Bars.of(np.zeros(0, np.int64), (none, none, none, none, none)), none, Execution(), cash=7.0)
    assert (len(done.equity), len(done.position), len(done.target), done.exposed_bars) == (0, 0, 0, 0)


@pytest.mark.parametrize("execution", [Execution(), Execution(fill="close", stop_loss=0.02), Execution(leverage=2.0)])
@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 99), st.booleans())
@settings(max_examples=12, deadline=None)
def test_a_run_that_is_continued_is_the_whole_run(execution, first, second, seed, paid):
    random = np.random.default_rng(seed)
    rows = first + second
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.01, rows))), 2)
    time = np.cumsum(random.choice([1, 1, 1, 7], rows)) * HOUR  # with holes
    volume = random.choice([0.0, 5.0], rows, p=[0.1, 0.9])
    bars = Bars.of(time, (close, close * 1.01, close * 0.99, close, volume))
    targets = np.where(random.random(rows) < 0.1, random.choice([0.0, 1.0, 0.5], rows), np.nan)
    stamps = np.arange(0, int(time[-1]) if rows else 0, 8 * HOUR)
    funding = FundingRates(stamps, np.full(len(stamps), 1e-3)) if paid else None
    whole = run(bars, targets, execution, cash=1_000.0, funding=funding)
    begun = run(bars[:first], targets[:first], execution, cash=1_000.0, funding=funding)
    done = extend(begun.checkpoint, bars, targets, execution, funding=funding)
    assert done.digest() == whole.digest()
    assert done.checkpoint.rows == max(0, rows - 1)
    again = extend(done.checkpoint, bars, targets, execution, funding=funding)
    assert again.digest() == whole.digest()


def test_fewer_bars_continue_nothing():
    bars, done, targets = traced()
    with pytest.raises(UserError, match="do not continue"):
        extend(done.checkpoint, bars[:20], targets[:20], Execution())


def test_a_run_decided_bar_by_bar_has_no_checkpoint():
    bars, _, _ = traced(20)
    with pytest.raises(UserError, match="cannot be continued"):
        _ = run_path(bars, lambda row, account: 1.0, Execution(), cash=1.0).checkpoint
