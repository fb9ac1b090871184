"""What the compiled account works on: the instruments' prices where they lie, their holdings, and one cash balance.

Prices are read through addresses, so that any number of instruments is one compiled variant and no column is copied;
whoever starts a loop keeps the columns alive until it ends.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic

from tallow.core.engine.memory import borrow, load_config, with_tiers
from tallow.core.engine.state import EVENT_COLUMNS, Bar, Fill
from tallow.core.matching import Config, Holding, Tiers, exit_levels, inlined
from tallow.domain.columns import Floats, Times

OPEN, HIGH, LOW, CLOSE, VOLUME, AXIS = 0, 1, 2, 3, 4, 5
"""Columns of `Desk.address`; the axis gives an instrument's own row, 0 where its rows are those of all."""

QUANTITY, ENTRY, MARGIN, BEST, FLOOR, CEILING, REASON = 0, 1, 2, 3, 4, 5, 6
TARGET, PENDING, WAITED, LEDGER, READY, REJECTED, AMBIGUOUS = 7, 8, 9, 10, 11, 12, 13
PRICE, REST, WANTED, COLUMN = 14, 15, 16, 17
BOOK_SIZE = 18
"""Columns of `Desk.book`, one row an instrument. The ledger is the cash of an account that made only its fills;
the column is that of its weights."""

CASH, EVENTS, ROW, DECISION, PAYMENT, REFUSED, SHRUNK, LIQUIDATIONS, ORDERS = 0, 1, 2, 3, 4, 5, 6, 7, 8
ACCOUNT_SIZE = 9
"""Places in `Desk.account`: balance, log rows, next row, next decision, next payment, refusal (1 + instrument, or -1
for the sum), times that purchases were shrunk, liquidations of the whole account, orders that wait."""

CROSS, LARGEST, DRIFT, EVERY, GUARDED, AT_CLOSE = 0, 1, 2, 3, 4, 5
"""Places in `Desk.rules`: cross margin, largest sum of absolute weights, drift threshold (0: none), whether a decision
orders all instruments, whether anything but weights closes positions, whether fills are made at the close."""

INSTRUMENT, BALANCE = len(EVENT_COLUMNS), len(EVENT_COLUMNS) + 1
LOG_SIZE = len(EVENT_COLUMNS) + 2
_DUST = 1e-12  # fraction of a closing fill's notional


class TierTable(NamedTuple):
    """Margin tiers of every instrument, as many for each: the last is repeated, which changes nothing.

    Rate and amount have one row an instrument; `largest` is the notional from which its leverage is not allowed.
    """

    rate: Floats
    amount: Floats
    largest: Floats


class Desk(NamedTuple):
    """Everything the compiled account reads and writes.

    Attributes:
        address: where the columns of each instrument lie.
        config: an `Execution` as numbers, one row an instrument.
        book: holdings and orders.
        account: the scalars of the account.
        log: one row an event: `EVENT_COLUMNS`, instrument, balance of the account.
        rules: what holds for the account as a whole.
        tiers: None where no instrument has margin tiers.
    """

    address: Times
    config: Floats
    book: Floats
    account: Floats
    log: Floats
    rules: Floats
    tiers: TierTable | None = None


@intrinsic
def peek(typing_context: Any, address: Any, row: Any) -> Any:  # pragma: no cover
    """Read the float at a row of the column that lies at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], context.get_value_type(types.CPointer(types.float64)))
        return builder.load(builder.gep(pointer, [arguments[1]]))

    return types.float64(types.int64, types.int64), generate


@intrinsic
def peek_row(typing_context: Any, address: Any, row: Any) -> Any:  # pragma: no cover
    """Read the 64-bit whole number at a row of the column that lies at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], context.get_value_type(types.CPointer(types.int64)))
        return builder.load(builder.gep(pointer, [arguments[1]]))

    return types.int64(types.int64, types.int64), generate


@inlined
def borrow_desk(desk: Desk) -> Desk:  # pragma: no cover
    """Borrow every array."""
    return Desk(
        borrow(desk.address),
        borrow(desk.config),
        borrow(desk.book),
        borrow(desk.account),
        borrow(desk.log),
        borrow(desk.rules),
        _borrow_tiers(desk.tiers),
    )


@inlined
def _borrow_tiers(tiers: TierTable | None) -> TierTable | None:  # pragma: no cover
    if tiers is None:
        return None
    return TierTable(borrow(tiers.rate), borrow(tiers.amount), borrow(tiers.largest))


@inlined
def _tiers_at(tiers: TierTable | None, i: int) -> Tiers | None:  # pragma: no cover
    return None if tiers is None else Tiers(tiers.rate[i], tiers.amount[i], tiers.largest[i])


@inlined
def own_row(desk: Desk, i: int, row: int) -> int:  # pragma: no cover
    """Give the instrument's own row at a row of the account.

    Without a bar there it is -2 - r, where r is the row of its last bar before, or -1 before the first.
    """
    axis = desk.address[i, AXIS]
    return row if axis == 0 else peek_row(axis, row)


@inlined
def last_row(own: int) -> int:  # pragma: no cover
    """Give the row of the last bar up to now; -1 before the first."""
    return own if own >= 0 else -2 - own


@inlined
def price_at(desk: Desk, i: int, row: int, column: int) -> float:  # pragma: no cover
    """Give what an instrument is valued at: this bar's open or close, else the close of its last bar, else 0."""
    own = own_row(desk, i, row)
    if own >= 0:
        return float(peek(desk.address[i, column], own))
    last = last_row(own)
    return float(peek(desk.address[i, CLOSE], last)) if last >= 0 else 0.0


@inlined
def trades_at(desk: Desk, i: int, row: int) -> bool:  # pragma: no cover
    """Say whether an instrument trades at a row: it has a bar, and that has volume or does not tell."""
    own = own_row(desk, i, row)
    return own >= 0 and not peek(desk.address[i, VOLUME], own) <= 0.0


@inlined
def bar_at(desk: Desk, i: int, row: int) -> Bar:  # pragma: no cover
    """Give the bar an instrument has at a row, which it must have."""
    own = own_row(desk, i, row)
    return Bar(
        float(row),
        peek(desk.address[i, OPEN], own),
        peek(desk.address[i, HIGH], own),
        peek(desk.address[i, LOW], own),
        peek(desk.address[i, CLOSE], own),
        peek(desk.address[i, VOLUME], own),
        peek(desk.address[i, VOLUME], own - 1) if own > 0 else np.nan,
        0.0,
        0.0,
    )


@inlined
def config_of(desk: Desk, i: int) -> Config:  # pragma: no cover
    """Give the execution settings of an instrument."""
    return with_tiers(load_config(desk.config[i], 0), _tiers_at(desk.tiers, i))


@inlined
def holding_of(desk: Desk, i: int) -> Holding:  # pragma: no cover
    """Give the position of an instrument."""
    book = desk.book
    return Holding(book[i, QUANTITY], book[i, ENTRY], book[i, MARGIN], book[i, BEST])


@inlined
def keep_holding(desk: Desk, i: int, holding: Holding) -> None:  # pragma: no cover
    """Store a position and the prices at which it is closed. Under cross margin no position has a margin of its own."""
    margin = np.inf if desk.rules[CROSS] > 0.0 and holding.quantity != 0.0 else holding.margin
    kept = Holding(holding.quantity, holding.entry_price, margin, holding.best_price)
    levels = exit_levels(config_of(desk, i), kept)
    book = desk.book
    book[i, QUANTITY], book[i, ENTRY], book[i, MARGIN], book[i, BEST] = kept
    book[i, FLOOR], book[i, CEILING], book[i, REASON] = levels


@inlined
def order(desk: Desk, i: int) -> None:  # pragma: no cover
    """Let an order of an instrument wait, in place of an older one."""
    desk.account[ORDERS] += 1.0 - desk.book[i, PENDING]
    desk.book[i, PENDING], desk.book[i, WAITED] = 1.0, 0.0


@inlined
def settle(cash: float, fill: Fill, closed: bool) -> float:  # pragma: no cover
    """Give the cash after a fill. What rounding leaves after a position is closed is no money to trade with."""
    after = cash - fill.quantity * fill.price - fill.fee
    return 0.0 if closed and abs(after) <= _DUST * abs(fill.quantity) * fill.price else after


@inlined
def record(desk: Desk, i: int, row: int, fill: Fill, funding: float) -> None:  # pragma: no cover
    """Write an event to the log."""
    log, book, place = desk.log, desk.book, int(desk.account[EVENTS])
    log[place, 0] = row
    log[place, 1] = fill.quantity
    log[place, 2] = fill.price
    log[place, 3] = fill.fee
    log[place, 4] = fill.slippage
    log[place, 5] = fill.reason
    log[place, 6] = funding
    log[place, 7] = book[i, QUANTITY]
    log[place, 8] = book[i, LEDGER]
    log[place, 9] = book[i, ENTRY]
    log[place, INSTRUMENT] = i
    log[place, BALANCE] = desk.account[CASH]
    desk.account[EVENTS] += 1.0
