"""What a compiled strategy sends at a close: messages, written to the outbox by `send`.

All of it is for use inside compiled functions; Python strategies submit `tallow.domain.orders.Order`.
"""

from typing import NamedTuple

from tallow.core.matching import inlined
from tallow.core.orders.state import GTC, LIMIT, MARKET, STOP, STOP_LIMIT, TAKE_PROFIT, TO_TARGET, TRAILING_STOP
from tallow.domain.columns import Floats

BUY, SELL = 1.0, -1.0


class Message(NamedTuple):
    """An order to submit, or in `cancels` the id of one to cancel, with a minus of one to amend.

    Other fields as in `tallow.domain.orders.Order`, 0 for none.
    """

    cancels: float
    kind: float
    side: float
    quantity: float
    price: float
    trigger: float
    trail: float
    validity: float
    good_till: float
    reduce_only: float
    group: float
    parent: float
    target: float


@inlined
def send(outbox: Floats, count: int, message: Message) -> int:  # pragma: no cover
    """Write a message behind `count` earlier ones; give the new count, which the strategy returns."""
    if count < len(outbox):
        outbox[count, 0] = message.cancels
        outbox[count, 1] = message.kind
        outbox[count, 2] = message.side
        outbox[count, 3] = message.quantity
        outbox[count, 4] = message.price
        outbox[count, 5] = message.trigger
        outbox[count, 6] = message.trail
        outbox[count, 7] = message.validity
        outbox[count, 8] = message.good_till
        outbox[count, 9] = message.reduce_only
        outbox[count, 10] = message.group
        outbox[count, 11] = message.parent
        outbox[count, 12] = message.target
    return count + 1


@inlined
def _plain(
    kind: float, side: float, quantity: float, levels: tuple[float, float, float]
) -> Message:  # pragma: no cover
    price, trigger, trail = levels
    return Message(0.0, kind, side, quantity, price, trigger, trail, GTC, 0.0, 0.0, 0.0, 0.0, 0.0)


@inlined
def market_order(side: float, quantity: float) -> Message:  # pragma: no cover
    """Buy or sell at the next open."""
    return _plain(MARKET, side, quantity, (0.0, 0.0, 0.0))


@inlined
def limit_order(side: float, quantity: float, price: float) -> Message:  # pragma: no cover
    """Rest at a price."""
    return _plain(LIMIT, side, quantity, (price, 0.0, 0.0))


@inlined
def stop_order(side: float, quantity: float, trigger: float) -> Message:  # pragma: no cover
    """Trade at the market once the price has moved against the trader to the trigger."""
    return _plain(STOP, side, quantity, (0.0, trigger, 0.0))


@inlined
def stop_limit_order(side: float, quantity: float, trigger: float, price: float) -> Message:  # pragma: no cover
    """Rest at a price once the trigger is reached."""
    return _plain(STOP_LIMIT, side, quantity, (price, trigger, 0.0))


@inlined
def take_profit_order(side: float, quantity: float, trigger: float) -> Message:  # pragma: no cover
    """Trade at the market once the price has moved in the trader's favour to the trigger."""
    return _plain(TAKE_PROFIT, side, quantity, (0.0, trigger, 0.0))


@inlined
def trailing_stop_order(side: float, quantity: float, trail: float) -> Message:  # pragma: no cover
    """Stop at a distance, a fraction, from the best price since."""
    return _plain(TRAILING_STOP, side, quantity, (0.0, 0.0, trail))


@inlined
def target_order(fraction: float) -> Message:  # pragma: no cover
    """Bring the position to a fraction of the equity at the next open."""
    return Message(0.0, TO_TARGET, 0.0, 0.0, 0.0, 0.0, 0.0, GTC, 0.0, 0.0, 0.0, 0.0, fraction)


@inlined
def cancellation(number: float) -> Message:  # pragma: no cover
    """Cancel the order with this id."""
    return Message(number, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@inlined
def amendment(number: float, quantity: float, price: float, trigger: float) -> Message:  # pragma: no cover
    """Give the order with this id another quantity, limit or trigger; 0 keeps what it has."""
    return Message(-number, 0.0, 0.0, quantity, price, trigger, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@inlined
def lasting(message: Message, validity: float, good_till: float) -> Message:  # pragma: no cover
    """Set how long an order works: GTC, IOC, FOK or POST_ONLY, and a time in microseconds or 0."""
    m = message
    return Message(
        m.cancels, m.kind, m.side, m.quantity, m.price, m.trigger, m.trail, validity, good_till,
        m.reduce_only, m.group, m.parent, m.target,
    )  # fmt: skip


@inlined
def linked(message: Message, reduce_only: float, group: float, parent: float) -> Message:  # pragma: no cover
    """Tie an order to others: it only reduces (1 or 0), cancels its group, and waits for its parent (0 for none)."""
    m = message
    return Message(
        m.cancels, m.kind, m.side, m.quantity, m.price, m.trigger, m.trail, m.validity, m.good_till,
        reduce_only, group, parent, m.target,
    )  # fmt: skip
