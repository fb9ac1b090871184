import numpy as np
import pytest

from tallow.core import metrics
from tallow.core.engine import run
from tallow.core.engine.traced import equity_of, spread
from tallow.domain.columns import Bars
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
