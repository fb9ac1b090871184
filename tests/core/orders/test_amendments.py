"""New terms for working orders, each rule with numbers that can be checked by hand. docs/orders.md names every test."""

import numpy as np
import pytest
from numba import njit

from tallow.core.engine import LiveBar
from tallow.core.orders import CompiledStrategy, OrderEngine, run_compiled, run_orders
from tallow.core.orders import messages as write
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.orders import Amendment, FillRules, Order, Side
from tallow.domain.scene import Execution

BUY, SELL = Side.BUY, Side.SELL
FREE = Execution(maker_fee=0.0, taker_fee=0.0, allow_short=True)


def started(*orders, rules=None, **settings):
    """An account with these orders, sent after a first bar at 100."""
    execution = Execution(**{"maker_fee": 0.0, "taker_fee": 0.0, "allow_short": True, **settings})
    engine = OrderEngine(execution, 10_000.0, rules or FillRules())
    pass_bar(engine)
    for order in orders:
        engine.submit(order)
    return engine


def pass_bar(engine, low=100.0, high=100.0, *, opened=100.0, volume=1e6):
    """Pass a bar; give (order, quantity, price) of its fills."""
    engine.time = getattr(engine, "time", -1) + 1
    fills = engine.step(LiveBar(engine.time, opened, high, low, opened, volume))
    return [(fill.order, fill.quantity, fill.price) for fill in fills]


def test_a_new_price_and_quantity_hold_from_the_next_open_on():
    engine = started(Order(BUY, 2.0, "limit", price=95.0))
    assert pass_bar(engine) == []
    engine.amend(1, quantity=3.0, price=97.0)
    assert pass_bar(engine, low=96.0) == [(1, 3.0, 97.0)]


def test_new_terms_are_rounded_like_those_of_a_new_order():
    engine = started(Order(BUY, 2.0, "limit", price=95.0), lot_size=2.0, tick_size=1.0)
    engine.amend(1, quantity=5.0, price=97.5)
    assert pass_bar(engine, low=96.0) == [(1, 4.0, 97.0)]


def test_a_new_trigger_moves_a_stop():
    engine = started(Order(BUY, 2.0), Order(SELL, 2.0, "stop", trigger=90.0))
    pass_bar(engine)
    engine.amend(2, trigger=98.0)
    assert pass_bar(engine, low=97.0) == [(2, -2.0, 98.0)]


def test_an_order_with_another_price_stands_behind_all_others():
    first, second = (Order(BUY, 2.0, "limit", price=95.0) for _ in range(2))
    half = FillRules(participation=0.5)
    for new, filled in (({}, 1), ({"price": 96.0}, 2), ({"quantity": 3.0}, 2), ({"quantity": 1.0}, 1)):
        engine = started(first, second, rules=half)
        pass_bar(engine)
        if new:
            engine.amend(1, **new)
            engine.amend(1, **{**new, **({"price": 95.0} if "price" in new else {})})
        # A volume of 2 lets 1 fill: that of the order that stands first.
        assert [order for order, _, _ in pass_bar(engine, low=94.0, volume=2.0)] == [filled]


def test_the_same_price_again_keeps_the_place():
    engine = started(*(Order(BUY, 2.0, "limit", price=95.0) for _ in range(2)), rules=FillRules(participation=0.5))
    pass_bar(engine)
    engine.amend(1, price=95.0)
    assert pass_bar(engine, low=94.0, volume=2.0) == [(1, 1.0, 95.0)]


def test_a_resting_limit_with_a_new_price_takes_where_the_open_is_through_it():
    engine = started(Order(BUY, 2.0, "limit", price=95.0), taker_fee=0.01)
    pass_bar(engine)
    engine.amend(1, price=101.0)
    (fill,) = engine.step(LiveBar(99, 100.0, 100.0, 100.0, 100.0, 1e6))
    assert (fill.price, fill.fee) == (100.0, 2.0)
    resting = started(Order(BUY, 2.0, "limit", price=95.0, validity="post_only"))
    pass_bar(resting)
    resting.amend(1, price=101.0)
    assert pass_bar(resting) == []
    assert (resting.ended[0].state, resting.ended[0].reason) == ("rejected", "would_take")


def test_a_quantity_counts_what_was_filled_already():
    engine = started(Order(BUY, 6.0, "limit", price=95.0), rules=FillRules(participation=0.5))
    assert pass_bar(engine, low=94.0, volume=4.0) == [(1, 2.0, 95.0)]
    engine.amend(1, quantity=3.0)
    assert pass_bar(engine, low=94.0) == [(1, 1.0, 95.0)]
    engine = started(Order(BUY, 6.0, "limit", price=95.0), rules=FillRules(participation=0.5))
    pass_bar(engine, low=94.0, volume=4.0)
    engine.amend(1, quantity=2.0)
    assert [(one.state, one.reason, one.filled) for one in engine.ended] == [("cancelled", "asked", 2.0)]


@pytest.mark.parametrize(
    ("order", "new"),
    [
        (Order(BUY, 2.0, "limit", price=95.0), {"trigger": 97.0}),
        (Order(BUY, 2.0, "stop", trigger=105.0), {"price": 103.0}),
        (Order(BUY, 2.0, "trailing_stop", trail=0.05), {"trigger": 103.0}),
        (Order(BUY, 2.0, "limit", price=95.0), {"quantity": 0.5}),  # below the minimum of 100
    ],
)
def test_terms_that_an_order_cannot_have_leave_it_as_it_was(order, new):
    prices = np.full(9, 100.0)
    bars = Bars.of(np.arange(9), (prices, prices + 6.0, prices - 6.0, prices, prices))
    execution = Execution(maker_fee=0.0, taker_fee=0.0, min_notional=100.0)

    def ask(row, desk):
        if row == 0:
            desk.submit(order)
            desk.amend(1, **new)

    def leave(row, desk):
        if row == 0:
            desk.submit(order)

    asked, plain = (run_orders(bars, decide, execution, cash=10_000.0) for decide in (ask, leave))
    assert asked.run.equity.tobytes() == plain.run.equity.tobytes()
    assert len(asked.run.fills) == 1
    assert asked.run.rejected_orders == plain.run.rejected_orders + 1


def test_a_triggered_stop_limit_keeps_its_trigger_and_may_have_another_limit():
    engine = started(Order(BUY, 2.0, "stop_limit", trigger=105.0, price=103.0))
    assert pass_bar(engine, high=106.0, opened=104.0) == []
    engine.amend(1, trigger=120.0)
    engine.amend(1, price=104.0)
    assert pass_bar(engine, low=103.5, opened=105.0, high=105.0) == [(1, 2.0, 104.0)]


def test_an_entry_may_move_in_front_of_its_sleeping_exits_and_its_exits_may_be_moved():
    engine = started()
    entry, stop, target = engine.bracket(Order(BUY, 2.0, "limit", price=95.0), 90.0, 110.0)
    engine.amend(entry, price=97.0)
    engine.amend(stop, trigger=93.0)
    engine.amend(target, quantity=1.0, price=105.0)
    assert pass_bar(engine, low=96.0) == [(entry, 2.0, 97.0)]
    assert [one.id for one in engine.orders()] == [stop, target]
    assert pass_bar(engine, high=106.0) == [(target, -1.0, 105.0)]
    engine.amend(entry, price=1.0)  # it does not work any more
    engine.amend(0, price=1.0)
    assert pass_bar(engine, low=92.0) == []  # a whole fill of the target has ended the stop
    again = started()
    entry, *_ = again.bracket(Order(BUY, 2.0, "limit", price=95.0), 90.0, 110.0)
    again.amend(entry, price=97.0)
    again.cancel(entry)
    assert again.orders() == []


def test_an_order_that_sleeps_keeps_its_place():
    engine = started()
    _, stop, target = engine.bracket(Order(BUY, 2.0, "limit", price=95.0), 90.0, 110.0)
    engine.amend(stop, trigger=91.0)
    assert [one.id for one in engine.orders()] == [1, stop, target]


@pytest.mark.parametrize("new", [{}, {"price": 0.0}, {"quantity": -1.0}, {"trigger": float("nan")}])
def test_an_amendment_says_something_that_an_order_can_have(new):
    with pytest.raises(UserError) as caught:
        Amendment(1, **new)
    assert caught.value.code == "BAD_ORDER"


@njit
def requote(now, view, own, outbox):
    count = 0
    if now.row == 0:
        count = write.send(outbox, count, write.limit_order(1.0, 2.0, 90.0))
    elif now.row == 1:
        count = write.send(outbox, count, write.amendment(1.0, 0.0, 99.0, 0.0))
    return own, count


def test_a_compiled_strategy_amends():
    prices = np.full(4, 100.0)
    bars = Bars.of(np.arange(4), (prices, prices, prices - 2.0, prices, prices))
    done = run_compiled(bars, CompiledStrategy(requote), FREE, cash=1_000.0)
    assert (done.run.fills.row.tolist(), done.run.fills.price.tolist()) == ([2], [99.0])
