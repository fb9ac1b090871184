"""A compiled strategy writes the messages that Python orders become."""

import numpy as np
from numba import njit

from tallow.core.orders.messages import (
    BUY,
    SELL,
    cancellation,
    lasting,
    limit_order,
    linked,
    market_order,
    send,
    stop_limit_order,
    stop_order,
    take_profit_order,
    target_order,
    trailing_stop_order,
)
from tallow.core.orders.session import message_of
from tallow.core.orders.state import IOC, MESSAGE_SIZE, POST_ONLY
from tallow.domain.orders import Order, Side, Target


@njit
def write(outbox):
    count = send(outbox, 0, market_order(BUY, 2.0))
    count = send(outbox, count, lasting(market_order(BUY, 2.0), IOC, 0.0))
    count = send(outbox, count, lasting(limit_order(SELL, 2.0, 5.0), POST_ONLY, 77.0))
    count = send(outbox, count, stop_order(SELL, 2.0, 5.0))
    count = send(outbox, count, stop_limit_order(BUY, 2.0, 5.0, 6.0))
    count = send(outbox, count, take_profit_order(BUY, 2.0, 5.0))
    count = send(outbox, count, linked(trailing_stop_order(SELL, 2.0, 0.1), 1.0, 3.0, 4.0))
    count = send(outbox, count, target_order(0.5))
    return send(outbox, count, cancellation(9.0))


def test_messages_are_those_of_the_same_orders_in_python():
    outbox = np.full((9, MESSAGE_SIZE), np.nan)
    assert write(outbox) == 9
    expected = [
        Order(Side.BUY, 2.0),
        Order(Side.BUY, 2.0, validity="ioc"),
        Order(Side.SELL, 2.0, "limit", price=5.0, validity="post_only", good_till=77),
        Order(Side.SELL, 2.0, "stop", trigger=5.0),
        Order(Side.BUY, 2.0, "stop_limit", trigger=5.0, price=6.0),
        Order(Side.BUY, 2.0, "take_profit", trigger=5.0),
        Order(Side.SELL, 2.0, "trailing_stop", trail=0.1, reduce_only=True, group=3, parent=4),
        Target(0.5),
    ]
    assert outbox[:-1].tolist() == [message_of(order) for order in expected]
    assert outbox[-1].tolist() == [9.0, *[0.0] * 12]


def test_what_finds_no_place_is_counted_and_not_written():
    outbox = np.zeros((2, MESSAGE_SIZE))
    assert write(outbox) == 9
