"""New terms for an order that works: what changes, what is refused, and when its place in line is lost."""

from typing import NamedTuple

from tallow.core.matching import inlined, round_price, round_quantity
from tallow.core.orders.book import DUST, end, is_order, level_of
from tallow.core.orders.ledger import count_in
from tallow.core.orders.state import (
    ARMED,
    ASKED,
    CANCELLED,
    DORMANT,
    FILLED,
    FRESH,
    ID,
    KIND,
    LEFT,
    LIMIT,
    M_POSITION,
    M_WORKING,
    PARENT,
    PRICE,
    QUANTITY,
    QUEUE,
    REDUCE,
    SIDE,
    SLOT_SIZE,
    STATE,
    STATUS,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TO_TARGET,
    TRIGGER,
    WORKING,
    Rules,
    called,
)
from tallow.domain.columns import Floats

FIRST_IN_LINE = float("inf")  # of a queue that is looked at anew when the order arrives


class NewTerms(NamedTuple):
    """The id of an order, and what it is to have; 0 keeps what it has."""

    number: float
    quantity: float
    price: float
    trigger: float


@inlined
def terms_of(message: Floats) -> NewTerms:  # pragma: no cover
    """Read an amendment out of a message."""
    return NewTerms(-message[ID], message[QUANTITY], message[PRICE], message[TRIGGER])


@inlined
def _fits(slots: Floats, k: int, terms: NewTerms) -> bool:  # pragma: no cover
    # A limit needs a kind with one, a trigger one that still waits for it; a target has neither, and no quantity.
    kind = slots[k, KIND]
    priced = terms.price == 0.0 or kind in (LIMIT, STOP_LIMIT)
    triggered = kind in (STOP, STOP_LIMIT, TAKE_PROFIT) and slots[k, ARMED] == 0.0
    return bool(kind != TO_TARGET and priced and (terms.trigger == 0.0 or triggered))


@inlined
def _whole(rules: Rules, m: Floats, slots: Floats, k: int, quantity: float) -> float:  # pragma: no cover
    # A quantity as it would be accepted: what closes a position, and the exits of a bracket, need no whole lots.
    exempt = slots[k, PARENT] != 0.0 or quantity == abs(m[M_POSITION])
    return quantity if exempt else round_quantity(quantity, rules.costs.lot_size)


@inlined
def _left_of(rules: Rules, m: Floats, slots: Floats, k: int, quantity: float) -> float:  # pragma: no cover
    # What is left under a new quantity: what was filled, or taken off by its group, is gone.
    gone = max(slots[k, FILLED], _whole(rules, m, slots, k, slots[k, QUANTITY]) - slots[k, LEFT])
    return _whole(rules, m, slots, k, _whole(rules, m, slots, k, quantity) - gone)


@inlined
def _is_sound(rules: Rules, m: Floats, slots: Floats, k: int, price: float) -> bool:  # pragma: no cover
    # Whether the venue would accept the order with its new terms.
    level, held = level_of(slots, k, price), m[M_POSITION]
    closes = held * slots[k, SIDE] < 0.0 and slots[k, LEFT] >= abs(held)
    large = (slots[k, LEFT] + slots[k, FILLED]) * level >= rules.costs.min_notional
    return is_order(slots, k, level) and (large or closes or slots[k, REDUCE] != 0.0)


@inlined
def _move_to_end(m: Floats, slots: Floats, k: int) -> None:  # pragma: no cover
    # Behind all others; they keep their order.
    for j in range(k, int(m[M_WORKING]) - 1):
        for i in range(SLOT_SIZE):
            slots[j, i], slots[j + 1, i] = slots[j + 1, i], slots[j, i]


@inlined
def _change(
    rules: Rules, m: Floats, slots: Floats, k: int, deal: tuple[NewTerms, float, float]
) -> None:  # pragma: no cover
    # Change order k; `deal` is the terms, the row and the price at hand.
    terms, row, price = deal
    before = slots[k, QUANTITY], slots[k, LEFT], slots[k, PRICE], slots[k, TRIGGER]
    if terms.quantity != 0.0:
        slots[k, LEFT] = _left_of(rules, m, slots, k, terms.quantity)
        slots[k, QUANTITY] = terms.quantity
        if slots[k, LEFT] <= DUST * terms.quantity:
            slots[k, LEFT], slots[k, QUANTITY] = 0.0, max(terms.quantity, slots[k, FILLED])
            end(slots, k, CANCELLED, ASKED, row)
            return
    if terms.price != 0.0:
        slots[k, PRICE] = round_price(terms.price, rules.costs.tick_size, -slots[k, SIDE])
    if terms.trigger != 0.0:
        slots[k, TRIGGER] = terms.trigger
    if not _is_sound(rules, m, slots, k, price):
        slots[k, QUANTITY], slots[k, LEFT], slots[k, PRICE], slots[k, TRIGGER] = before
        count_in(m, 0.0, 1.0)
        return
    same = slots[k, PRICE] == before[2] and slots[k, TRIGGER] == before[3] and slots[k, QUANTITY] <= before[0]
    if not same and slots[k, STATUS] != DORMANT:
        slots[k, STATUS], slots[k, QUEUE] = FRESH, FIRST_IN_LINE
        _move_to_end(m, slots, k)


@called
def amend(
    rules: Rules, m: Floats, slots: Floats, terms: NewTerms, now: tuple[float, float]
) -> None:  # pragma: no cover
    """Give a working order new terms; `now` is the row and the price at hand.

    One that cannot have them stays as it was, and is counted; an id that does not work is left alone. Unless only its
    quantity shrinks the order is from then on as if it had just been sent: it may take, and stands behind all others.
    """
    for k in range(int(m[M_WORKING])):
        if slots[k, ID] == terms.number and slots[k, STATE] == WORKING:
            if _fits(slots, k, terms):
                _change(rules, m, slots, k, (terms, now[0], now[1]))
            else:
                count_in(m, 0.0, 1.0)
            return
