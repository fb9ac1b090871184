import math

import numpy as np
import pytest

from tallow.core.engine import LiveBar
from tallow.core.orders import OrderEngine, run_orders
from tallow.domain.columns import Bars
from tallow.domain.errors import DataError, UserError
from tallow.domain.orders import FillRules, Order, Side, Target
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE
from tallow.domain.venue_rules import VenueRules

FREE = Execution(maker_fee=0.0, taker_fee=0.0)


def flat(count, price=100.0):
    column = np.full(count, price)
    return Bars.of(np.arange(count) * MINUTE, (column, column, column, column, column))


def bar(row, price, high=None):
    return LiveBar(row * MINUTE, price, high or price, price, price, 50.0)


def test_an_engine_tells_its_account_its_orders_and_what_ended():
    engine = OrderEngine(FREE, 1_000.0)
    engine.step(bar(0, 100.0))
    entry, stop, limit = engine.bracket(Order(Side.BUY, 2.0), 90.0, 110.0)
    assert [order.id for order in engine.orders()] == [entry, stop, limit] == [1, 2, 3]
    (fill,) = engine.step(bar(1, 101.0))
    assert (fill.order, fill.time, fill.quantity, fill.price, fill.reason) == (1, MINUTE, 2, 101, "target")
    assert (engine.cash, engine.position, engine.equity) == (798, 2, 1_000)
    assert [(order.id, order.state) for order in engine.ended] == [(1, "filled")]
    (fill,) = engine.step(bar(2, 101.0, high=111.0))
    assert (fill.order, fill.reason) == (3, "take_profit")
    assert {(order.id, order.state, order.reason) for order in engine.ended} == {
        (3, "filled", ""),
        (2, "cancelled", "other_filled"),
    }


def test_a_cancelled_order_is_told_at_once():
    engine = OrderEngine(FREE, 1_000.0)
    number = engine.submit(Order(Side.BUY, 1.0, "limit", price=99.0))
    engine.cancel(number)
    assert (engine.orders(), engine.ended[0].reason) == ([], "asked")


def test_a_partly_filled_order_tells_its_average():
    from tallow.domain.orders import FillRules

    engine = OrderEngine(FREE, 1_000.0, FillRules(participation=0.01))
    engine.step(bar(0, 100.0))
    engine.submit(Order(Side.BUY, 2.0))
    engine.step(bar(1, 101.0))
    (order,) = engine.orders()
    assert (order.state, order.filled, order.average_price) == ("part_filled", 0.5, 101)


@pytest.mark.parametrize(
    "bad", [LiveBar(1, math.nan, 1, 1, 1, 1), LiveBar(0, 1, 1, 1, 1, 1), LiveBar(1, 1, 1, 0, 1, 1)]
)
def test_a_bad_bar_is_refused_and_leaves_the_engine_as_it_was(bad):
    engine = OrderEngine(FREE, 1_000.0)
    engine.step(LiveBar(0, 1.0, 1.0, 1.0, 1.0, 1.0))
    with pytest.raises(DataError, match="bar 1 at") as caught:
        engine.step(bad)
    assert caught.value.code == "BAD_BARS"
    assert engine.step(LiveBar(1, 1.0, 1.0, 1.0, 1.0, 1.0)) == []


def test_orders_do_not_fill_at_the_deciding_close():
    with pytest.raises(UserError, match="fill = 'close'") as caught:
        OrderEngine(Execution(fill="close"), 1.0)
    assert caught.value.code == "BAD_SETTING"


def test_one_order_too_many_is_an_error():
    engine = OrderEngine(FREE, 1_000.0)
    order = Order(Side.BUY, 1.0, "limit", price=9.0)
    for _ in range(32):
        engine.submit(order)
    with pytest.raises(UserError, match="more than 32 orders") as caught:
        engine.submit(order)
    assert caught.value.code == "TOO_MANY_ORDERS"
    engine.cancel(1)
    assert engine.submit(order) == 33


def test_a_strategy_sees_its_account_and_its_orders():
    seen = []

    def decide(row, desk):
        if row == 0:
            desk.submit(Order(Side.BUY, 2.0))
            desk.submit(Order(Side.BUY, 2.0, "limit", price=9.0))
        seen.append((desk.row, desk.position, desk.cash, desk.equity, desk.entry_price, desk.working))
        if row == 1:
            assert [order.id for order in desk.orders()] == [2]
            desk.cancel(2)

    done = run_orders(flat(3), decide, FREE, cash=1_000.0)
    assert seen == [(0, 0, 1_000, 1_000, 0, 0), (1, 2, 800, 1_000, 100, 1), (2, 2, 800, 1_000, 100, 0)]
    assert done.orders[1].reason == "asked"


def test_what_is_sent_at_the_last_close_is_in_the_log():
    def decide(row, desk):
        if row == 1:
            desk.submit(Target(1.0))

    done = run_orders(flat(2), decide, FREE, cash=1_000.0)
    assert (done.orders[0].state, done.orders.row.tolist(), done.run.target.tolist()) == ("working", [1], [0, 1])


def test_too_many_messages_at_one_close_are_an_error():
    def decide(row, desk):
        for _ in range(65):
            desk.cancel(1)

    with pytest.raises(UserError, match="more than 64 messages"):
        run_orders(flat(2), decide, FREE, cash=1_000.0)


def test_too_many_orders_at_work_end_a_run():
    def decide(row, desk):
        for _ in range(33):
            desk.submit(Order(Side.BUY, 1.0, "limit", price=9.0))

    with pytest.raises(UserError, match="more than 32 orders"):
        run_orders(flat(3), decide, FREE, cash=1_000.0)


def test_a_long_run_needs_more_than_one_table_of_events():
    def decide(row, desk):
        desk.submit(Order(Side.BUY if row % 2 == 0 else Side.SELL, 1.0))

    done = run_orders(flat(3_000), decide, Execution(taker_fee=0.0001), cash=10_000.0)
    assert len(done.run.fills) == len(done.fill_order) == 2_999
    assert done.fill_order.tolist() == list(range(1, 3_000))
    assert done.run.equity[-1] == pytest.approx(10_000 - 2_999 * 0.01)


def test_without_bars_there_is_nothing():
    done = run_orders(flat(0), lambda row, desk: None, FREE, cash=1.0)
    assert (len(done.run.equity), len(done.orders), len(done.fill_order)) == (0, 0, 0)


def test_an_id_that_no_order_has_cancels_nothing():
    engine = OrderEngine(FREE, 1_000.0)
    number = engine.submit(Order(Side.BUY, 1.0, "limit", price=99.0))
    for nothing in (0, -1, 7):
        engine.cancel(nothing)
    assert ([order.id for order in engine.orders()], engine.ended) == ([number], [])

    def decide(row, desk):
        desk.cancel(0)
        desk.amend(0, price=5.0)
        assert len(desk.sent()) == 0

    assert len(run_orders(flat(2), decide, FREE, cash=1_000.0).orders) == 0


def test_an_entry_is_not_sent_without_its_exits():
    engine = OrderEngine(FREE, 1_000.0)
    with pytest.raises(UserError, match="losing side"):
        engine.bracket(Order(Side.BUY, 1.0), 110.0, 105.0)
    assert engine.orders() == []


# Rules of the venue that change


SHORT = Execution(maker_fee=0.0, taker_fee=0.0, allow_short=True)
STILL = [LiveBar(row * MINUTE, 100.0, 100.0, 100.0, 100.0, 1e6) for row in range(8)]


@pytest.mark.parametrize(
    ("order", "rules", "filled"),
    [
        (Order(Side.BUY, 7.0), VenueRules(0, lot_size=2.0), (6.0, 100.0)),
        (Order(Side.BUY, 7.0), VenueRules(0, lot_size=8.0), ("rejected", "too_small")),
        (Order(Side.BUY, 7.0), VenueRules(0, min_notional=700.0), (7.0, 100.0)),
        (Order(Side.BUY, 7.0), VenueRules(0, min_notional=701.0), ("rejected", "below_minimum")),
        (Order(Side.BUY, 7.0, "limit", price=103.0), VenueRules(0, tick_size=2.0), (7.0, 100.0)),
        (Order(Side.SELL, 7.0, "limit", price=98.5), VenueRules(0, tick_size=1.0), (7.0, 100.0)),
    ],
)
def test_an_order_that_works_is_put_under_new_rules_before_it_fills(order, rules, filled):
    engine = OrderEngine(SHORT, 10_000.0)
    engine.step(STILL[0])
    engine.submit(order)
    engine.adopt(rules)
    fills = engine.step(STILL[1])
    if isinstance(filled[0], str):
        assert (fills, [(one.state, one.reason) for one in engine.ended]) == ([], [filled])
    else:
        assert [(abs(fill.quantity), fill.price) for fill in fills] == [filled]


def test_a_resting_limit_moves_to_the_new_ticks_in_favour_of_patience():
    engine = OrderEngine(SHORT, 10_000.0)
    engine.step(STILL[0])
    for price in (98.5, 97.5):
        engine.submit(Order(Side.BUY, 1.0, "limit", price=price))
    engine.step(STILL[1])
    engine.adopt(VenueRules(0, tick_size=1.0))
    low = LiveBar(2 * MINUTE, 100.0, 100.0, 90.0, 95.0, 1e6)
    assert [fill.price for fill in engine.step(low)] == [98.0, 97.0]


def test_what_closes_a_position_is_not_too_small_for_new_rules():
    engine = OrderEngine(SHORT, 10_000.0)
    engine.step(STILL[0])
    engine.submit(Order(Side.BUY, 5.0))
    engine.step(STILL[1])
    engine.submit(Order(Side.SELL, 5.0))
    engine.adopt(VenueRules(0, lot_size=8.0, min_notional=1e6))
    assert [fill.quantity for fill in engine.step(STILL[2])] == [-5.0]


def test_a_part_filled_order_that_is_too_small_now_is_cancelled():
    engine = OrderEngine(SHORT, 10_000.0, FillRules(participation=0.5))
    for time in (0, 1):
        engine.step(LiveBar(time, 100.0, 100.0, 100.0, 100.0, 8.0))
        if time == 0:
            engine.submit(Order(Side.BUY, 5.0))
    engine.adopt(VenueRules(0, lot_size=2.0))
    assert engine.step(LiveBar(2, 100.0, 100.0, 100.0, 100.0, 8.0)) == []
    assert [(one.state, one.reason, one.filled) for one in engine.ended] == [("cancelled", "too_small", 4.0)]


def test_a_higher_maintenance_margin_liquidates_a_position_that_orders_made():
    engine = OrderEngine(Execution(maker_fee=0.0, taker_fee=0.0, leverage=5.0, liquidation_fee=0.0), 10_000.0)
    engine.step(STILL[0])
    engine.submit(Order(Side.BUY, 500.0))
    engine.step(STILL[1])
    down = LiveBar(2 * MINUTE, 94.0, 94.0, 94.0, 94.0, 1e6)
    engine.step(down)
    engine.adopt(VenueRules(0, maintenance_margin=0.15))
    (fill,) = engine.step(down._replace(time=3 * MINUTE))
    assert (fill.quantity, fill.price, fill.reason) == (-500.0, 94.0, "liquidation")
    with pytest.raises(UserError, match="maintenance_margin"):
        engine.adopt(VenueRules(0, maintenance_margin=0.25))


def test_an_id_that_no_order_has_is_not_amended():
    engine = OrderEngine(FREE, 1_000.0)
    engine.step(bar(0, 100.0))
    engine.submit(Order(Side.BUY, 1.0, "limit", price=90.0))
    engine.amend(0, price=5.0)
    engine.step(bar(1, 100.0))
    (fill,) = engine.step(LiveBar(2 * MINUTE, 100.0, 100.0, 80.0, 100.0, 50.0))
    assert (fill.order, fill.price) == (1, 90.0)
