"""The range of prices in which all orders sleep: a bar inside it is passed without looking at them."""

import math

import numpy as np
import pytest

from tallow.core.engine import LiveBar
from tallow.core.orders import OrderEngine
from tallow.core.orders.state import M_HIGH, M_LOW, M_UNTIL, MESSAGE_SIZE
from tallow.domain.orders import FillRules, Order, Side
from tallow.domain.scene import Execution

BUY, SELL = Side.BUY, Side.SELL
BELOW_99, ABOVE_101 = np.nextafter(99.0, 0.0), np.nextafter(101.0, math.inf)


def sleeping(orders, rules=None, **settings):
    """The range after a bar that stands still at 100, and the time at which it ends."""
    engine = OrderEngine(Execution(allow_short=True, **settings), 1_000.0, rules or FillRules())
    engine.step(LiveBar(0, 100.0, 100.0, 100.0, 100.0, 5.0))
    for order in orders:
        engine.submit(order)
    engine.step(LiveBar(1, 100.0, 100.0, 100.0, 100.0, 5.0))
    view = engine._session.view
    return view[M_LOW], view[M_HIGH], view[M_UNTIL]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order(BUY, 1, "limit", price=99.0), (BELOW_99, math.inf)),
        (Order(SELL, 1, "limit", price=101.0), (0.0, ABOVE_101)),
        (Order(SELL, 1, "stop", trigger=99.0), (99.0, math.inf)),
        (Order(BUY, 1, "stop", trigger=101.0), (0.0, 101.0)),
        (Order(BUY, 1, "stop_limit", trigger=101.0, price=102.0), (0.0, 101.0)),
        (Order(BUY, 1, "take_profit", trigger=99.0), (99.0, math.inf)),
        (Order(SELL, 1, "take_profit", trigger=101.0), (0.0, 101.0)),
        (Order(SELL, 1, "trailing_stop", trail=0.01), (99.0, np.nextafter(100.0, math.inf))),
        (Order(BUY, 1, "trailing_stop", trail=0.01), (np.nextafter(100.0, 0.0), 101.0)),
    ],
)
def test_an_order_sleeps_until_its_price(order, expected):
    assert sleeping([order])[:2] == expected


def test_a_touch_wakes_where_it_fills():
    assert sleeping([Order(BUY, 1, "limit", price=99.0)], FillRules(touch_fills=True))[0] == 99.0


def test_several_orders_sleep_in_the_range_they_share_and_until_the_first_ends():
    orders = [Order(BUY, 1, "limit", price=99.0, good_till=70), Order(BUY, 1, "limit", price=98.0, good_till=50),
              Order(SELL, 1, "limit", price=101.0)]  # fmt: skip
    assert sleeping(orders) == (BELOW_99, ABOVE_101, 50)


def test_children_that_sleep_bound_nothing():
    entry = Order(BUY, 1, "limit", price=99.0)
    child = Order(SELL, 1, "limit", price=100.5, parent=1, good_till=30)
    assert sleeping([entry, child]) == (BELOW_99, math.inf, math.inf)


def test_a_market_order_that_still_works_never_sleeps():
    low, high, _ = sleeping([Order(BUY, 5)], FillRules(participation=0.1))
    assert low > high


@pytest.mark.parametrize(
    "fields",
    [
        {1: 7.0},
        {1: -1.0},
        {2: 0.0},
        {3: math.nan},
        {3: math.inf},
        {1: 1.0},
        {1: 1.0, 4: -5.0},
        {1: 1.0, 4: math.inf},
        {1: 2.0},
        {1: 3.0, 4: 5.0},
        {1: 5.0},
        {1: 5.0, 6: 1.0},
        {3: -2.0},
    ],
)
def test_a_message_that_is_no_order_is_rejected(fields):
    engine = OrderEngine(Execution(), 1_000.0)
    message = [0.0, 0.0, 1.0, 2.0, *[0.0] * (MESSAGE_SIZE - 4)]
    for place, value in fields.items():
        message[place] = value
    engine._send(message)
    assert engine.ended[0].state == "rejected"
    assert engine.ended[0].reason in ("invalid", "too_small")


def test_a_child_of_a_partly_filled_entry_works_at_once():
    engine = OrderEngine(Execution(), 1_000.0, FillRules(participation=0.1))
    engine.step(LiveBar(0, 100.0, 100.0, 100.0, 100.0, 10.0))
    entry = engine.submit(Order(BUY, 5))
    engine.step(LiveBar(1, 100.0, 100.0, 100.0, 100.0, 10.0))
    child = engine.submit(Order(SELL, 1, "limit", price=100.5, parent=entry, reduce_only=True))
    fills = engine.step(LiveBar(2, 100.0, 101.0, 100.0, 100.0, 100.0))
    assert [fill.order for fill in fills] == [entry, child]
