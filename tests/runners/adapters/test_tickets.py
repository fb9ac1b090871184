from types import SimpleNamespace

import pytest

from tallow.core.strategies import Outbox
from tallow.domain.errors import UserError
from tallow.domain.orders import Order, Side, Target
from tallow.runners.adapters.tickets import Levels, place

ACCOUNT = SimpleNamespace(changes=[])


@pytest.fixture
def outbox():
    made = Outbox()
    made.is_open = True
    return made


def test_an_entry_goes_before_its_exits(outbox):
    ticket = place(outbox, ACCOUNT, (-1, 2.0, None), Levels(limit=60.0, sl=66.0, tp=50.0, tag="top"))
    entry, stop, limit = outbox.take()
    assert entry == Order(Side.SELL, 2.0, "limit", price=60.0)
    assert stop == Order(Side.BUY, 2.0, "stop", trigger=66.0, reduce_only=True, group=-1, parent=1)
    assert limit == Order(Side.BUY, 2.0, "limit", price=50.0, reduce_only=True, group=-1, parent=1)
    assert (ticket.id, ticket.size, ticket.tag, ticket.is_short, ticket.is_long) == (1, -2.0, "top", True, False)
    assert [(order.id, order.size, order.tag) for order in ticket.exits] == [(2, 2.0, "top"), (3, 2.0, "top")]


def test_the_exits_of_a_target_are_ample(outbox):
    place(outbox, ACCOUNT, (1, 2.0, 1.0), Levels(sl=30.0))
    target, stop = outbox.take()
    assert target == Target(1.0)
    assert (stop.quantity, stop.reduce_only, stop.parent) == (20.0, True, 1)


def test_an_entry_is_not_sent_without_its_exits(outbox):
    with pytest.raises(UserError, match="sl = 61 lies on the wrong side"):
        place(outbox, ACCOUNT, (1, 2.0, None), Levels(limit=60.0, sl=61.0))
    assert outbox.take() == []


def test_cancelling_goes_through_the_outbox(outbox):
    place(outbox, ACCOUNT, (1, 2.0, None), Levels(stop=60.0)).cancel()
    assert outbox.take() == [Order(Side.BUY, 2.0, "stop", trigger=60.0), 1]


@pytest.mark.parametrize(
    ("levels", "entry", "are_none"),
    [(Levels(tag="x"), None, True), (Levels(sl=3.0), None, False), (Levels(stop=2.0), 2.0, False)],
)
def test_levels_tell_the_price_of_the_entry(levels, entry, are_none):
    assert (levels.entry, levels.are_none) == (entry, are_none)
