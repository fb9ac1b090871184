"""Orders of backtesting.py-shaped strategies: an entry with its prices, and the exits that hang from it."""

from dataclasses import dataclass
from typing import Any

from tallow.core.strategies import Outbox
from tallow.domain.orders import Kind, Order, Side, Target, bad_order, bracket

_AMPLE = 10.0  # times the quantity at this close: more than any open would make of a target


@dataclass(frozen=True)
class Levels:
    """Prices of an order; `sl` and `tp` are those of its exits. `tag` is the strategy's own word for it."""

    limit: float | None = None
    stop: float | None = None
    sl: float | None = None
    tp: float | None = None
    tag: Any = None

    @property
    def entry(self) -> float | None:
        """The price of the order itself; None at the market."""
        return self.limit or self.stop

    @property
    def are_none(self) -> bool:
        """Whether there is no price at all."""
        return self == Levels(tag=self.tag)


@dataclass(frozen=True)
class Ticket:
    """An order that was sent.

    Attributes:
        id: what the order log calls it.
        size: signed quantity.
        levels: its prices.
        outbox: through which it is cancelled.
        exits: the orders that wait for it: stop loss, take-profit.
    """

    id: int
    size: float
    levels: Levels
    outbox: Outbox
    exits: "tuple[Ticket, ...]" = ()

    def cancel(self) -> None:
        """Cancel it; the exits of an entry that has not filled end with it."""
        self.outbox.cancel(self.id)

    @property
    def is_long(self) -> bool:
        """Whether it buys."""
        return self.size > 0.0

    @property
    def is_short(self) -> bool:
        """Whether it sells."""
        return self.size < 0.0

    @property
    def tag(self) -> Any:
        """The strategy's own word for it."""
        return self.levels.tag


def place(outbox: Outbox, account: object, wanted: tuple[int, float, float | None], levels: Levels) -> Ticket:
    """Send an entry and its exits; give the entry.

    Args:
        outbox: where orders are sent.
        account: as at this close.
        wanted: side, quantity, and the target that stands for it at the market; None sends the quantity.
        levels: prices.

    Raises:
        UserError: BAD_ORDER, TOO_MANY_ORDERS; BAD_STRATEGY in `init`.
    """
    side, quantity, target = wanted
    # A target is sized when it fills; its exits are cut to the position.
    guarded = quantity if target is None else _AMPLE * quantity
    _exits(Side(side), guarded, levels, 1)  # refused before the entry is sent
    number = outbox.submit(_entry(Side(side), quantity, levels) if target is None else Target(target), account)
    sent = tuple(
        Ticket(outbox.submit(one, account), -side * quantity, Levels(one.price, one.trigger, tag=levels.tag), outbox)
        for one in _exits(Side(side), guarded, levels, number)
    )
    return Ticket(number, side * quantity, levels, outbox, sent)


def _entry(side: Side, quantity: float, levels: Levels) -> Order:
    kinds: dict[tuple[bool, bool], Kind] = {
        (False, False): "market", (True, False): "limit", (False, True): "stop", (True, True): "stop_limit",
    }  # fmt: skip
    kind = kinds[levels.limit is not None, levels.stop is not None]
    return Order(side, quantity, kind, price=levels.limit, trigger=levels.stop)


def _exits(side: Side, quantity: float, levels: Levels, number: int) -> tuple[Order, ...]:
    price = levels.entry
    for name, level, sign in (("sl", levels.sl, -1), ("tp", levels.tp, 1)):
        if level is not None and price is not None and (level - price) * side * sign <= 0:
            raise bad_order(
                f"{name} = {level:g} lies on the wrong side of the entry", f"beyond {price:g}, or no {name}"
            )
    if levels.sl is not None and levels.tp is not None:
        return bracket(Order(side, quantity), number, levels.sl, levels.tp)
    alone = {"reduce_only": True, "parent": number}
    back = Side(-side)
    if levels.sl is not None:
        return (Order(back, quantity, "stop", trigger=levels.sl, **alone),)  # type: ignore[arg-type]
    return (Order(back, quantity, "limit", price=levels.tp, **alone),) if levels.tp is not None else ()  # type: ignore[arg-type]
