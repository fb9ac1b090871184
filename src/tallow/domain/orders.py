"""Orders, what becomes of them, and the logs they leave."""

import math
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tallow.domain.columns import Floats, Times
from tallow.domain.errors import UserError
from tallow.domain.fill_rules import FillRules as FillRules
from tallow.domain.results import Ints, Run

Kind = Literal["market", "limit", "stop", "stop_limit", "take_profit", "trailing_stop", "target"]
Validity = Literal["gtc", "ioc", "fok", "post_only"]

KINDS: tuple[Kind, ...] = ("market", "limit", "stop", "stop_limit", "take_profit", "trailing_stop", "target")
VALIDITIES: tuple[Validity, ...] = ("gtc", "ioc", "fok", "post_only")
STATES = ("working", "part_filled", "filled", "cancelled", "expired", "rejected")
REASONS = (
    "", "asked", "other_filled", "parent_ended", "position_closed", "nothing_to_reduce", "not_filled_at_once",
    "good_till", "would_take", "too_small", "below_minimum", "insufficient_funds", "short_not_allowed",
    "target_too_large", "invalid", "replaced",
)  # fmt: skip
NEEDS = {"limit": ("price",), "stop": ("trigger",), "stop_limit": ("price", "trigger"), "take_profit": ("trigger",),
         "trailing_stop": ("trail",)}  # fmt: skip


MESSAGES_A_CLOSE = 64
_LONGEST = 3_600_000_000


class Side(IntEnum):
    """Direction of an order: the sign of what it adds to the position."""

    BUY = 1
    SELL = -1


@dataclass(frozen=True)
class Order:
    """A wish to trade a quantity. Prices are in quote units, quantities in base units.

    Attributes:
        quantity: above 0; rounded down to lots when it is submitted.
        kind: ``market``, ``limit``, ``stop``, ``stop_limit``, ``take_profit`` or ``trailing_stop``.
        price: limit of ``limit`` and ``stop_limit``.
        trigger: price at which ``stop``, ``stop_limit`` and ``take_profit`` start to work.
        trail: distance of a ``trailing_stop`` from the best price, a fraction.
        validity: ``gtc``; ``ioc`` fills at once or not; ``fok`` at once and whole or not; ``post_only`` never takes.
        good_till: time, microseconds UTC, from which it no longer works; None is for ever.
        reduce_only: never opens or grows a position.
        group: orders with the same number other than 0 cancel one another; brackets use negative numbers.
        parent: id of the order whose first fill puts this one to work; 0 is none.

    Example:
        >>> Order(Side.BUY, 2.0, "limit", price=99.5).validity
        'gtc'

    Raises:
        UserError: BAD_ORDER.
    """

    side: Side
    quantity: float
    kind: Kind = "market"
    price: float | None = None
    trigger: float | None = None
    trail: float | None = None
    validity: Validity = "gtc"
    good_till: int | None = None
    reduce_only: bool = False
    group: int = 0
    parent: int = 0

    def __post_init__(self) -> None:
        if self.side not in (1, -1):
            raise _bad("side", self.side, "Side.BUY or Side.SELL")
        if self.kind not in KINDS[:-1]:
            raise _bad("kind", self.kind, ", ".join(KINDS[:-1]))
        if not (math.isfinite(self.quantity) and self.quantity > 0):
            raise _bad("quantity", self.quantity, "above 0")
        needed = NEEDS.get(self.kind, ())
        for name in ("price", "trigger", "trail"):
            _check_level(self.kind, name, getattr(self, name), name in needed)
        if self.parent < 0:
            raise _bad("parent", self.parent, "the id of an order, or 0")
        self._check_validity()

    def _check_validity(self) -> None:
        if self.validity not in VALIDITIES:
            raise _bad("validity", self.validity, ", ".join(VALIDITIES))
        if self.validity == "post_only" and self.kind != "limit":
            raise _bad("validity", f"post_only for a {self.kind} order", "post_only for limit orders")
        if self.validity in ("ioc", "fok") and self.kind not in ("market", "limit"):
            raise _bad(
                "validity", f"{self.validity} for a {self.kind} order", "ioc and fok for market and limit orders"
            )
        if self.good_till is not None and self.validity in ("ioc", "fok"):
            raise _bad("good_till", self.good_till, f"none: {self.validity} orders end at once")


@dataclass(frozen=True)
class Target:
    """A market order sized when it fills, so that the position becomes this fraction of the equity."""

    fraction: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.fraction):
            raise _bad("fraction", self.fraction, "a number; 1 is all long, -1 all short")


@dataclass(frozen=True)
class Amendment:
    """New terms of an order that works; None keeps what it has.

    Attributes:
        id: of the order.
        quantity: in all, what has been filled included; one that is reached already ends the order.
        price: limit of ``limit`` and ``stop_limit``.
        trigger: of ``stop``, ``stop_limit`` and ``take_profit`` that were not triggered yet.

    Raises:
        UserError: BAD_ORDER.
    """

    id: int
    quantity: float | None = None
    price: float | None = None
    trigger: float | None = None

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in ("quantity", "price", "trigger")}
        if all(value is None for value in given.values()):
            raise bad_order("an amendment changes nothing", "quantity, price or trigger")
        for name, value in given.items():
            if value is not None and not (math.isfinite(value) and value > 0):
                raise _bad(name, value, "above 0")


@dataclass(frozen=True)
class Fill:
    """One execution of an order; `order` is 0 for exits and liquidations that the execution settings make.

    `quantity` is signed; `price` includes slippage; `fee` and `slippage` are in quote units.
    """

    order: int
    time: int
    quantity: float
    price: float
    fee: float
    slippage: float
    reason: str


@dataclass(frozen=True)
class OrderStatus:
    """What has become of an order: a value of `STATES`, why (of `REASONS`), and what was filled at which average."""

    id: int
    state: str
    reason: str
    filled: float
    average_price: float


@dataclass(frozen=True)
class Latency:
    """How long messages travel, in microseconds.

    Each message takes its fixed time and an equally distributed part of the jitter, drawn from `seed` and the number of
    the message; none overtakes the one before it.

    Attributes:
        order: from the strategy to the venue.
        data: from the venue to the strategy: trades, and what has become of its orders.
    """

    order: int = 0
    data: int = 0
    order_jitter: int = 0
    data_jitter: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("order", "data", "order_jitter", "data_jitter"):
            value = getattr(self, name)
            if not 0 <= value <= _LONGEST:
                raise UserError(
                    "BAD_SETTING",
                    f"{name} = {value!r} is outside its range",
                    facts={"valid": f"0 to {_LONGEST} microseconds"},
                )


@dataclass(frozen=True)
class TickRules:
    """How trades fill orders. Costs and margin are those of `Execution`.

    Attributes:
        half_spread: what a market order pays beyond a trade's price, quote units; unused where quotes are recorded.
        participation: largest part of a trade's quantity that all orders together fill; None is no limit.
        queue: quantity ahead of a new order at its price, as a part of what is shown there; None lets trades fill an
            order only by going through its price. Where nothing is shown the order waits for that too.
        mark_every: spacing of the marks of the account in the result, microseconds.
    """

    latency: Latency = Latency()
    half_spread: float = 0.0
    participation: float | None = 1.0
    queue: float | None = None
    mark_every: int = 60_000_000

    def __post_init__(self) -> None:
        FillRules(self.participation)
        if self.mark_every < 1:
            raise UserError(
                "BAD_SETTING", f"mark_every = {self.mark_every!r} is outside its range", facts={"valid": "1 or above"}
            )
        for name in ("half_spread", "queue"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise UserError(
                    "BAD_SETTING", f"{name} = {value!r} is outside its range", facts={"valid": "0 or above"}
                )


@dataclass(frozen=True)
class Quotes:
    """Best bid and ask by column, one row a change; times are microseconds UTC, ascending."""

    event_time: Times
    bid: Floats
    ask: Floats
    bid_quantity: Floats
    ask_quantity: Floats

    def __len__(self) -> int:
        return len(self.event_time)


@dataclass(frozen=True)
class OrderLog:
    """Every order by column, in order of submission.

    `kind`, `state` and `reason` index `KINDS`, `STATES` and `REASONS`; `side` is 1 or -1 (0 for targets); NaN where an
    order has no such price; `row` and `end_row` index bars or trades, -1 while it works; `filled` is without sign.
    """

    id: Ints
    kind: Ints
    side: Ints
    quantity: Floats
    price: Floats
    trigger: Floats
    trail: Floats
    target: Floats
    group: Ints
    parent: Ints
    row: Ints
    time: Times
    end_row: Ints
    end_time: Times
    state: Ints
    reason: Ints
    filled: Floats
    average_price: Floats

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, place: int) -> OrderStatus:
        return OrderStatus(
            int(self.id[place]),
            STATES[self.state[place]],
            REASONS[self.reason[place]],
            float(self.filled[place]),
            float(self.average_price[place]),
        )


@dataclass(frozen=True)
class OrderRun:
    """A run with what became of every order; `fill_order` gives the order id of each row of `run.fills`, 0 for none."""

    run: Run
    orders: OrderLog
    fill_order: NDArray[np.int64]


def bracket(entry: Order, number: int, stop: float, take_profit: float) -> tuple[Order, Order]:
    """Give the two exits of an entry that was submitted under `number`: a stop and a limit that cancel one another.

    Raises:
        UserError: BAD_ORDER when the stop does not lie on the losing side of the take-profit.
    """
    if (take_profit - stop) * entry.side <= 0:
        raise _bad("stop", stop, f"on the losing side of take_profit = {take_profit:g}")
    exit_ = Order(Side(-entry.side), entry.quantity, reduce_only=True, group=-number, parent=number)
    return replace(exit_, kind="stop", trigger=stop), replace(exit_, kind="limit", price=take_profit)


def _check_level(kind: str, name: str, value: float | None, needed: bool) -> None:
    if value is None and needed:
        raise bad_order(f"a {kind} order needs a {name}", f"Order(side, quantity, kind={kind!r}, {name}=...)")
    if value is not None and not needed:
        kinds = [f"kind={one!r}" for one, names in NEEDS.items() if name in names]
        raise bad_order(f"a {kind} order has no {name}, and {name} = {value:g} is given", " or ".join(kinds))
    if value is not None:
        _check_range(name, value)


def _check_range(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0 and (name != "trail" or value < 1)):
        valid = "above 0, below 1" if name == "trail" else "above 0"
        raise _bad(name, value, f"{valid}; a line is NaN until it has its bars" if value != value else valid)


def _bad(name: str, value: object, valid: str) -> UserError:
    # A number of numpy is written as any other.
    said = repr(float(value)) if isinstance(value, float) else repr(value)
    return bad_order(f"an order with {name} = {said} makes no sense", valid)


def bad_order(what: str, valid: str) -> UserError:
    """Say that something is no order, and what would be one."""
    return UserError("BAD_ORDER", what, facts={"valid": valid}, commands=["tallow explain BAD_ORDER"])


def too_many(limit: int, what: str) -> UserError:
    """Say that a fixed number of places is used up."""
    return UserError(
        "TOO_MANY_ORDERS",
        f"more than {limit} {what}",
        facts={"valid": f"up to {limit}; cancel orders that are no longer wanted, or send fewer"},
        commands=["tallow explain TOO_MANY_ORDERS"],
    )
