import math

import numpy as np
import pytest

from tallow.core.ticks import LiveTick, TickEngine, run_ticks
from tallow.core.ticks.live import Grid
from tallow.domain.columns import Ticks
from tallow.domain.errors import DataError, UserError
from tallow.domain.orders import Latency, Order, Side, TickRules
from tallow.domain.scene import Execution

FREE = Execution(maker_fee=0.0, taker_fee=0.0)


def make(count, price=100.0):
    time = np.arange(count) * 10
    ones = np.ones(count)
    return Ticks(time, time, time, price * ones, ones, ones > 0)


def test_an_engine_tells_its_account_its_orders_and_what_ended():
    engine = TickEngine(FREE, 1_000.0, TickRules(Latency(order=5)))
    engine.step(LiveTick(0, 100.0, 1.0, True))
    number = engine.submit(Order(Side.BUY, 2.0))
    assert engine.step(LiveTick(4, 101.0, 1.0, True)) == []
    (fill,) = engine.step(LiveTick(6, 102.0, 1.0, True))
    assert (fill.order, fill.time, fill.quantity, fill.price) == (number, 6, 1, 102)
    assert (engine.position, engine.equity, engine.orders()[0].state) == (1, 1_000, "part_filled")
    engine.cancel(number)
    (fill,) = engine.step(LiveTick(7, 103.0, 0.5, True))
    assert (engine.step(LiveTick(20, 104.0, 1.0, True)), engine.ended[0].reason) == ([], "asked")


@pytest.mark.parametrize(
    "bad", [LiveTick(9, 0.0, 1.0, True), LiveTick(9, math.nan, 1.0, True), LiveTick(9, 1.0, -1.0, True),
            LiveTick(4, 1.0, 1.0, True)]
)  # fmt: skip
def test_a_bad_trade_is_refused(bad):
    engine = TickEngine(FREE, 1_000.0)
    engine.step(LiveTick(5, 1.0, 1.0, True))
    with pytest.raises(DataError, match="trade 1 at") as caught:
        engine.step(bad)
    assert caught.value.code == "BAD_TICKS"


def test_a_strategy_sees_its_account_and_its_orders():
    seen = []

    def decide(place, desk):
        seen.append((desk.position, desk.cash, desk.equity, desk.entry_price, desk.working, len(desk.orders())))
        if place == 0:
            desk.submit(Order(Side.BUY, 1.0))
            desk.submit(Order(Side.BUY, 1.0, "limit", price=9.0))

    run_ticks(make(4), decide, FREE, cash=1_000.0, at=np.array([-5, 15]))
    assert seen == [(0, 1_000, 1_000, 0, 0, 0), (1, 900, 1_000, 100, 1, 1)]


def test_too_many_orders_end_a_run():
    def decide(place, desk):
        for _ in range(33):
            desk.submit(Order(Side.BUY, 1.0, "limit", price=9.0))

    with pytest.raises(UserError, match="more than 32 orders"):
        run_ticks(make(4), decide, FREE, cash=1_000.0, at=np.array([5]))


def test_without_trades_there_is_nothing():
    done = run_ticks(make(0), lambda place, desk: None, FREE, cash=1.0, at=np.array([5]))
    assert (len(done.run.time), len(done.orders), done.run.trades.profit.tolist()) == (0, 0, [])


def test_periods_without_trades_keep_the_mark_before():
    grid = Grid.of(np.array([5, 12, 13, 45]), 10)
    assert grid.time.tolist() == [0, 10, 20, 30, 40]
    assert grid.rows[grid.places].tolist() == [0, 2, 2, 2, 3]


def test_an_order_is_amended_once_the_message_is_there():
    engine = TickEngine(FREE, 1_000.0, TickRules(Latency(order=5)))
    engine.step(LiveTick(0, 100.0, 1.0, True))
    number = engine.submit(Order(Side.BUY, 1.0, "limit", price=90.0))
    engine.step(LiveTick(10, 100.0, 9.0, True))
    engine.amend(number, price=99.5)
    # Under the old price up to 15, and resting after the trade that follows.
    assert [engine.step(LiveTick(time, price, 9.0, True)) for time, price in ((14, 99.0), (16, 100.0))] == [[], []]
    (fill,) = engine.step(LiveTick(17, 99.0, 9.0, True))
    assert (fill.order, fill.price, engine.position) == (number, 99.5, 1)
    with pytest.raises(UserError, match="quantity = -1"):
        engine.amend(number, quantity=-1.0)


def test_funding_is_charged_before_the_first_trade_at_its_time_or_later():
    engine = TickEngine(FREE, 1_000.0, TickRules(Latency()))
    engine.step(LiveTick(0, 100.0, 9.0, True))
    engine.submit(Order(Side.BUY, 2.0))
    engine.step(LiveTick(10, 100.0, 9.0, True))
    engine.fund(25, 0.01)
    engine.fund(15, -0.02)
    equity = []
    for time in (14, 20, 30, 40):
        engine.step(LiveTick(time, 110.0, 9.0, True))
        equity.append(engine.equity)
    assert np.diff(equity).tolist() == pytest.approx([0.02 * 2 * 110, -0.01 * 2 * 110, 0.0])
    with pytest.raises(DataError) as caught:
        engine.fund(50, math.nan)
    assert caught.value.code == "BAD_FUNDING"
