import numpy as np
import pytest
from numba import njit

from tallow.core.engine import prepare
from tallow.core.orders import CompiledStrategy, run_compiled
from tallow.core.orders.messages import BUY, SELL, limit_order, market_order, send
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE

pytestmark = pytest.mark.thorough


def wave(count):
    column = 100.0 + np.arange(count) % 2
    return prepare(Bars.of(np.arange(count) * MINUTE, (column, column, column, column, np.full(count, 1e6))))


@njit
def swing(now, view, own, outbox):
    (turns,) = own
    count = send(outbox, 0, market_order(SELL if view.position > 0.0 else BUY, 1.0))
    return (turns + 1,), count


@njit
def talk_too_much(now, view, own, outbox):
    count = 0
    for _ in range(65):
        count = send(outbox, count, limit_order(BUY, 1.0, 9.0))
    return own, count


@njit
def order_too_much(now, view, own, outbox):
    return own, send(outbox, 0, limit_order(BUY, 1.0, 9.0))


def test_a_compiled_strategy_trades_over_more_than_one_table_of_events():
    done = run_compiled(wave(3_001), CompiledStrategy(swing, own=(0,)), Execution(taker_fee=0.0), cash=10_000.0)
    assert len(done.run.fills) == 3_000
    # Bought at 101, sold at 100, 1,500 times.
    assert done.run.equity[-1] == pytest.approx(10_000 - 1_500)


@pytest.mark.parametrize(("decide", "said"), [(talk_too_much, "64 messages"), (order_too_much, "32 orders")])
def test_a_compiled_strategy_is_told_of_too_many(decide, said):
    with pytest.raises(UserError, match=f"more than {said}") as caught:
        run_compiled(wave(40), CompiledStrategy(decide), Execution(), cash=1_000.0)
    assert caught.value.code == "TOO_MANY_ORDERS"
