import numpy as np
import pytest
from numba import njit

from tallow.core.orders import CompiledStrategy
from tallow.core.orders.messages import BUY, SELL, limit_order, market_order, send
from tallow.core.ticks import run_ticks_compiled
from tallow.domain.columns import Ticks
from tallow.domain.errors import UserError
from tallow.domain.scene import Execution

pytestmark = pytest.mark.thorough


def make(count):
    time = np.arange(count) * 10
    return Ticks(time, time, time, 100.0 + np.arange(count) % 2, np.ones(count), np.ones(count) > 0)


@njit
def swing(now, view, own, outbox):
    (calls,) = own
    return (calls + 1,), send(outbox, 0, market_order(SELL if view.position > 0.0 else BUY, 1.0))


@njit
def crowd(now, view, own, outbox):
    return own, send(outbox, 0, limit_order(BUY, 1.0, 9.0))


def test_a_compiled_strategy_trades_over_more_than_one_table_of_events():
    done = run_ticks_compiled(make(3_001), CompiledStrategy(swing, own=(0,)), Execution(taker_fee=0.0), cash=10_000.0)
    assert len(done.run.fills) == 3_000
    assert done.run.equity[-1] == pytest.approx(10_000 - 1_500)
    at = np.arange(0, 30_000, 10)
    same = run_ticks_compiled(
        make(3_001), CompiledStrategy(swing, own=(0,)), Execution(taker_fee=0.0), cash=10_000.0, at=at
    )
    assert same.run.digest() == done.run.digest()


def test_moments_before_and_after_all_trades_are_called_too():
    done = run_ticks_compiled(
        make(3), CompiledStrategy(swing, own=(0,)), Execution(), cash=1_000.0, at=np.array([-7, 500])
    )
    assert (len(done.orders), done.orders.row.tolist(), len(done.run.fills)) == (2, [-1, 2], 1)


def test_a_compiled_strategy_is_told_of_too_many_orders():
    for at in (None, np.arange(40) * 10):
        with pytest.raises(UserError, match="more than 32 orders") as caught:
            run_ticks_compiled(make(50), CompiledStrategy(crowd), Execution(), cash=1_000.0, at=at)
        assert caught.value.code == "TOO_MANY_ORDERS"
