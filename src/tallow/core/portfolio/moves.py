"""What happens to the account within a row: fills, funding, protective exits, marks."""

from tallow.core.engine import step as steps
from tallow.core.engine.state import Bar, Fill
from tallow.core.engine.step import TAKE_PROFIT, TARGET
from tallow.core.matching import Holding, account_equity, inlined
from tallow.core.portfolio.desk import (
    AMBIGUOUS,
    AXIS,
    BEST,
    CASH,
    CEILING,
    CLOSE,
    FLOOR,
    LEDGER,
    QUANTITY,
    REASON,
    Desk,
    bar_at,
    config_of,
    holding_of,
    keep_holding,
    last_row,
    own_row,
    peek,
    record,
    settle,
    trades_at,
)
from tallow.domain.columns import Floats

Four = tuple[int, int, int, int]
Fours = tuple[float, float, float, float]
hold, exit_fill = steps.hold, steps.exit_fill  # the engine's own: one definition of each


@inlined
def apply_fill(desk: Desk, i: int, row: int, fill: Fill) -> None:  # pragma: no cover
    """Carry a fill into position, ledger, cash and log."""
    holding = hold(config_of(desk, i), holding_of(desk, i), fill)
    closed = holding.quantity == 0.0
    desk.account[CASH] = settle(desk.account[CASH], fill, closed)
    desk.book[i, LEDGER] = settle(desk.book[i, LEDGER], fill, closed)
    keep_holding(desk, i, holding)
    record(desk, i, row, fill, 0.0)


@inlined
def charge(desk: Desk, i: int, row: int, rate: float) -> None:  # pragma: no cover
    """Charge funding on the notional at the bar's open: longs pay the rate, from the position's margin."""
    held = holding_of(desk, i)
    if held.quantity == 0.0 or rate == 0.0:
        return
    price = bar_at(desk, i, row).open
    paid = held.quantity * price * rate
    desk.account[CASH] -= paid
    desk.book[i, LEDGER] -= paid
    keep_holding(desk, i, Holding(held.quantity, held.entry_price, held.margin - paid, held.best_price))
    record(desk, i, row, Fill(0.0, price, 0.0, 0.0, TARGET), paid)


@inlined
def _close_at_level(desk: Desk, i: int, row: int, below: bool, above: bool) -> None:  # pragma: no cover
    book, bar, quantity = desk.book, bar_at(desk, i, row), desk.book[i, QUANTITY]
    loses = below if quantity > 0.0 else above
    # A level beyond the open is not there to be had: a gap fills at the open, worse or better.
    at_floor = loses == (quantity > 0.0)
    price = min(bar.open, book[i, FLOOR]) if at_floor else max(bar.open, book[i, CEILING])
    book[i, AMBIGUOUS] += 1.0 if below and above else 0.0
    level = (price, book[i, REASON] if loses else TAKE_PROFIT)
    apply_fill(desk, i, row, exit_fill(config_of(desk, i), holding_of(desk, i), bar, level))


@inlined
def protect(desk: Desk, i: int, row: int, inside: bool) -> None:  # pragma: no cover
    """Close a position whose level the open, or low and high, have reached; the losing side wins over the winning."""
    if desk.book[i, QUANTITY] == 0.0 or not trades_at(desk, i, row):
        return
    bar = bar_at(desk, i, row)
    below = (bar.low if inside else bar.open) <= desk.book[i, FLOOR]
    above = (bar.high if inside else bar.open) >= desk.book[i, CEILING]
    if below or above:
        _close_at_level(desk, i, row, below, above)


@inlined
def trail(desk: Desk, i: int, row: int) -> None:  # pragma: no cover
    """Remember the best price once its bar is over, so that no bar moves the stop it is tested against."""
    held = holding_of(desk, i)
    if config_of(desk, i).trailing_stop == 0.0 or held.quantity == 0.0 or own_row(desk, i, row) < 0:
        return
    bar: Bar = bar_at(desk, i, row)
    best = max(bar.high, held.best_price) if held.quantity > 0.0 else min(bar.low, held.best_price)
    if best != desk.book[i, BEST]:
        keep_holding(desk, i, Holding(held.quantity, held.entry_price, held.margin, best))


@inlined
def _add_four(
    desk: Desk, equity: Floats, span: tuple[int, int, bool], address: Four, quantity: Fours
) -> None:  # pragma: no cover
    # Add the value of four positions in one pass, one after the other; the first pass begins with the cash.
    start, stop, fresh = span
    cash = desk.account[CASH]
    a, b, c, d = address
    first, second, third, fourth = quantity
    for row in range(start, stop):
        value = account_equity(cash if fresh else equity[row], first, peek(a, row))
        value = account_equity(account_equity(value, second, peek(b, row)), third, peek(c, row))
        equity[row] = account_equity(value, fourth, peek(d, row))


@inlined
def _add_sparse(desk: Desk, equity: Floats, i: int, span: tuple[int, int, bool]) -> None:  # pragma: no cover
    # Add the value of a position whose instrument has no bar at some of the rows.
    start, stop, fresh = span
    quantity, close = desk.book[i, QUANTITY], desk.address[i, CLOSE]
    for row in range(start, stop):
        value = desk.account[CASH] if fresh else equity[row]
        equity[row] = account_equity(value, quantity, peek(close, last_row(own_row(desk, i, row))))


@inlined
def _fill_cash(desk: Desk, equity: Floats, start: int, stop: int) -> None:  # pragma: no cover
    for row in range(start, stop):
        equity[row] = desk.account[CASH]


@inlined
def mark_rows(desk: Desk, equity: Floats, start: int, stop: int) -> None:  # pragma: no cover
    """Value the account at every close of a stretch without events: cash, then one position after the other.

    Four positions share a pass over the rows; where there are fewer, the rest of the four is nothing of the first.
    """
    fresh, count = True, 0
    address, quantity = (0, 0, 0, 0), (0.0, 0.0, 0.0, 0.0)
    for i in range(len(desk.book)):
        held, close, sparse = desk.book[i, QUANTITY], desk.address[i, CLOSE], desk.address[i, AXIS] != 0
        if held == 0.0:
            continue
        if count == 4 or (sparse and count > 0):
            _add_four(desk, equity, (start, stop, fresh), address, quantity)
            fresh, count = False, 0
        if sparse:
            _add_sparse(desk, equity, i, (start, stop, fresh))
            fresh = False
            continue
        if count == 0:
            address, quantity = (close, close, close, close), (0.0, 0.0, 0.0, 0.0)
        address = (address[1], address[2], address[3], close)
        quantity = (quantity[1], quantity[2], quantity[3], held)
        count += 1
    if count > 0:
        _add_four(desk, equity, (start, stop, fresh), address, quantity)
    elif fresh:
        _fill_cash(desk, equity, start, stop)
