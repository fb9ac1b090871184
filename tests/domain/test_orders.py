import math

import numpy as np
import pytest

from tallow.domain.errors import UserError
from tallow.domain.orders import FillRules, Latency, Order, Quotes, Side, Target, TickRules, bracket

BUY = Side.BUY


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"side": 2}, "side"),
        ({"kind": "iceberg"}, "kind"),
        ({"kind": "target"}, "kind"),
        ({"quantity": 0.0}, "quantity"),
        ({"quantity": math.nan}, "quantity"),
        ({"quantity": math.inf}, "quantity"),
        ({"kind": "limit"}, "price"),
        ({"price": 5.0}, "price"),
        ({"kind": "limit", "price": -1.0}, "price"),
        ({"kind": "stop"}, "trigger"),
        ({"kind": "stop_limit", "price": 5.0}, "trigger"),
        ({"kind": "stop", "trigger": math.inf}, "trigger"),
        ({"kind": "trailing_stop"}, "trail"),
        ({"kind": "trailing_stop", "trail": 1.0}, "trail"),
        ({"kind": "stop", "trigger": 5.0, "trail": 0.1}, "trail"),
        ({"parent": -1}, "parent"),
        ({"validity": "day"}, "validity"),
        ({"validity": "post_only"}, "validity"),
        ({"kind": "stop", "trigger": 5.0, "validity": "ioc"}, "validity"),
        ({"validity": "fok", "good_till": 5}, "good_till"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_by_name(fields, name):
    with pytest.raises(UserError, match=rf"\b{name}\b") as caught:
        Order(**{"side": BUY, "quantity": 1.0, **fields})
    assert (caught.value.code, "valid" in caught.value.facts) == ("BAD_ORDER", True)


@pytest.mark.parametrize(
    ("fields", "message", "valid"),
    [
        (
            {"price": 5.25},
            "a market order has no price, and price = 5.25 is given",
            "kind='limit' or kind='stop_limit'",
        ),
        (
            {"kind": "limit", "price": np.float64("nan")},
            "an order with price = nan makes no sense",
            "above 0; a line is NaN until it has its bars",
        ),
        ({"kind": "limit"}, "a limit order needs a price", "Order(side, quantity, kind='limit', price=...)"),
    ],
)
def test_what_a_kind_needs_is_told(fields, message, valid):
    with pytest.raises(UserError) as caught:
        Order(BUY, 1.0, **fields)
    assert (caught.value.message, caught.value.facts["valid"]) == (message, valid)


def test_orders_that_make_sense():
    assert Order(BUY, 1.0, "limit", price=5.0, validity="post_only", good_till=9).good_till == 9
    assert Order(Side.SELL, 1.0, "trailing_stop", trail=0.1, reduce_only=True, group=3, parent=2).trail == 0.1
    assert Order(BUY, 1.0, "limit", price=5.0, validity="fok").validity == "fok"


@pytest.mark.parametrize("fraction", [math.nan, math.inf])
def test_a_target_is_a_number(fraction):
    with pytest.raises(UserError, match="fraction"):
        Target(fraction)


def test_a_bracket_is_a_stop_and_a_limit_that_only_reduce():
    stop, limit = bracket(Order(BUY, 2.0), 7, 95.0, 105.0)
    assert (stop.kind, stop.side, stop.quantity, stop.trigger) == ("stop", Side.SELL, 2, 95)
    assert (limit.kind, limit.price, limit.reduce_only, limit.group, limit.parent) == ("limit", 105, True, -7, 7)
    short = bracket(Order(Side.SELL, 2.0), 8, 105.0, 95.0)
    assert [order.side for order in short] == [BUY, BUY]


@pytest.mark.parametrize(("side", "stop"), [(BUY, 106.0), (BUY, 105.0), (Side.SELL, 104.0)])
def test_the_stop_of_a_bracket_is_on_its_losing_side(side, stop):
    with pytest.raises(UserError, match="stop"):
        bracket(Order(side, 2.0), 7, stop, 105.0)


@pytest.mark.parametrize("share", [0.0, 1.5, math.nan])
def test_participation_is_a_part(share):
    for rules in (FillRules, lambda participation: TickRules(participation=participation)):
        with pytest.raises(UserError, match="participation"):
            rules(participation=share)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Latency(order=-1), "order"),
        (lambda: Latency(data_jitter=4_000_000_000), "data_jitter"),
        (lambda: TickRules(half_spread=-0.1), "half_spread"),
        (lambda: TickRules(queue=math.inf), "queue"),
        (lambda: TickRules(mark_every=0), "mark_every"),
    ],
)
def test_rules_outside_their_range_are_refused_by_name(make, name):
    with pytest.raises(UserError, match=rf"\b{name}\b") as caught:
        make()
    assert caught.value.code == "BAD_SETTING"


def test_quotes_have_a_length():
    assert len(Quotes(*[[1, 2]] * 5)) == 2
