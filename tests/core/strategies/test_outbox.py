from types import SimpleNamespace

import pytest

from tallow.core.strategies import Outbox
from tallow.domain.errors import UserError
from tallow.domain.orders import Amendment, Order, Side, Target

ORDER = Order(Side.BUY, 1.0)
FRESH = SimpleNamespace(changes=[])


@pytest.fixture
def outbox():
    made = Outbox()
    made.is_open = True
    return made


def test_ids_go_on_behind_the_targets_set_before(outbox):
    assert outbox.submit(ORDER, SimpleNamespace(changes=[(3, 1.0), (9, 0.0)])) == 3
    assert outbox.submit(ORDER, SimpleNamespace()) == 4
    assert outbox.take() == [ORDER, ORDER]
    assert outbox.take() == []


def test_a_bracket_is_sent_whole_or_not_at_all(outbox):
    with pytest.raises(UserError, match="stop = 110"):
        outbox.bracket(ORDER, 110.0, 105.0, FRESH)
    assert (outbox.take(), outbox.began) == ([], False)
    assert outbox.bracket(ORDER, 90.0, 105.0, FRESH) == (1, 2, 3)
    _, stop, limit = outbox.take()
    assert (stop.trigger, stop.parent, limit.price, limit.parent) == (90.0, 1, 105.0, 1)


def test_an_id_that_never_was_is_left_alone(outbox):
    outbox.cancel(1)
    number = outbox.submit(ORDER, FRESH)
    for nothing in (0, -1, number + 1):
        outbox.cancel(nothing)
        outbox.amend(Amendment(nothing, price=1.0))
    outbox.cancel(number)
    outbox.amend(Amendment(number, price=1.0))
    assert outbox.take() == [ORDER, number, Amendment(number, price=1.0)]


def test_a_target_is_not_sent_again_while_it_is_in_force(outbox):
    outbox.submit(ORDER, FRESH)
    outbox.aim(0.5, 0)
    outbox.take()
    outbox.aim(0.5, 0)  # an order was sent since: what it made of the position is not known
    assert outbox.take() == [Target(0.5)]
    for same in (0.5, 0.5 + 1e-12, float("nan")):
        outbox.aim(same, 0)
    assert outbox.take() == []
    outbox.forget()
    outbox.aim(0.5, 1)
    assert outbox.take() == [Target(0.5)]
    outbox.aim(0.5, 0)  # an order worked beside it
    assert outbox.take() == [Target(0.5)]
    outbox.aim(0.0, 0)
    assert outbox.take() == [Target(0.0)]


def test_what_is_no_order_is_refused(outbox):
    with pytest.raises(UserError, match="'buy' is no order") as caught:
        outbox.submit("buy", FRESH)
    assert caught.value.code == "BAD_ORDER"
    assert outbox.submit(Target(1.0), FRESH) == 1


def test_nothing_is_sent_before_the_first_bar():
    with pytest.raises(UserError, match="before the first bar") as caught:
        Outbox().submit(ORDER, None)
    assert caught.value.code == "BAD_STRATEGY"


def test_one_close_has_room_for_so_many(outbox):
    for _ in range(64):
        outbox.submit(ORDER, FRESH)
    with pytest.raises(UserError, match="more than 64 messages") as caught:
        outbox.cancel(1)
    assert caught.value.code == "TOO_MANY_ORDERS"
