"""The compiled loops around the tick step: with a compiled strategy, up to a moment for Python, and by the trade."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from numba import njit

from tallow.core.engine.fingerprints import fingerprint_of
from tallow.core.engine.memory import borrow
from tallow.core.matching import account_equity, inlined
from tallow.core.orders import kernels as order_kernels
from tallow.core.orders.kernels import ENDS_A_BAR, FINGERPRINT, Book, View, open_book, with_mark
from tallow.core.orders.state import EVENTS_A_BAR, M_FULL, OUTBOX_FULL, Desk, load_desk, store_desk
from tallow.core.ticks import step as steps
from tallow.core.ticks import tape as tapes
from tallow.core.ticks.step import Tick, Venue, is_quiet, pass_tick, take_messages
from tallow.core.ticks.tape import TickColumns
from tallow.domain.columns import Floats, Times

NEVER, FAR = 2**63 - 1, 2.0**62  # a moment behind every trade, and a time as good as none


class TickLogs(NamedTuple):
    """What a loop writes: the account after the trades at `row`, events, and ended orders."""

    row: Times
    equity: Floats
    position: Floats
    target: Floats
    events: Floats
    ended: Floats


class TickNow(NamedTuple):
    """What a compiled strategy is shown: the last row that has reached it (look no further), the moment, its inputs.

    The row is -1 before the first trade.
    """

    row: int
    time: int
    columns: TickColumns
    inputs: Any


@inlined
def tick_at(columns: TickColumns, row: int) -> Tick:  # pragma: no cover
    """Give the trade at a row."""
    quoted = len(columns.bid) > 0
    return Tick(
        float(row),
        float(columns.time[row]),
        columns.price[row],
        columns.quantity[row],
        1.0 if columns.sold[row] else 0.0,
        columns.bid[row] if quoted else np.nan,
        columns.ask[row] if quoted else np.nan,
        columns.bid_quantity[row] if quoted else np.nan,
        columns.ask_quantity[row] if quoted else np.nan,
        columns.price[row - 1] if row > 0 else np.nan,
    )


def _build_busy(fingerprint: int) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def busy(
        venue: Venue, memory: Floats, slots: Floats, tick: Tick, payments: Any, logs: Any
    ) -> None:  # pragma: no cover
        """Take the flat desk over a trade in which something may happen."""
        _ = fingerprint
        pass_tick(venue, memory, slots, tick, payments, logs)

    return cast(Callable[..., None], busy)


def _build_take(fingerprint: int) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def take_all(venue: Venue, memory: Floats, slots: Floats, sent: Any, now: Any) -> None:  # pragma: no cover
        """Send messages on their way."""
        _ = fingerprint
        take_messages(venue, memory, slots, sent, now)

    return cast(Callable[..., None], take_all)


_FINGERPRINT = FINGERPRINT ^ fingerprint_of(steps, tapes, order_kernels)
pass_any, take_all = _build_busy(_FINGERPRINT), _build_take(_FINGERPRINT)


@inlined
def step(
    venue: Venue, desk: Desk, book: Book, columns: TickColumns, place: tuple[int, Any]
) -> Desk:  # pragma: no cover
    """Take the desk over the trade at a row; a quiet one is marked later. `place` is the row and the logs."""
    row, logs = place
    if is_quiet(desk, columns.price[row], float(columns.time[row])):
        return desk
    store_desk(book.memory, desk)
    payments, tables = (columns.paid, columns.rate), (logs.events, logs.ended)
    pass_any(venue, book.memory, book.slots, tick_at(columns, row), payments, tables)
    return load_desk(book.memory)


@inlined
def take(
    venue: Venue, desk: Desk, book: Book, count: int, now: tuple[float, float, float, Floats]
) -> Desk:  # pragma: no cover
    """Take the messages in the outbox; more than it holds are a fault."""
    store_desk(book.memory, desk)
    if count > len(book.outbox):
        book.memory[M_FULL] = OUTBOX_FULL
    else:
        take_all(venue, book.memory, book.slots, (book.outbox, count), now)
    return load_desk(book.memory)


@inlined
def _has_room(logs: TickLogs, desk: Desk) -> bool:  # pragma: no cover
    events, ended = len(logs.events) - EVENTS_A_BAR, len(logs.ended) - ENDS_A_BAR
    return desk.account.totals.events <= events and desk.ended <= ended and desk.full == 0.0


@inlined
def _write(logs: TickLogs, desk: Desk, place: int, price: float) -> None:  # pragma: no cover
    logs.equity[place] = with_mark(desk, price).account.equity
    logs.position[place] = desk.account.holding.quantity
    logs.target[place] = desk.account.order.target


@inlined
def _borrowed(logs: TickLogs) -> TickLogs:  # pragma: no cover
    return TickLogs(
        borrow(logs.row),
        borrow(logs.equity),
        borrow(logs.position),
        borrow(logs.target),
        borrow(logs.events),
        borrow(logs.ended),
    )


@inlined
def _borrowed_columns(columns: TickColumns) -> TickColumns:  # pragma: no cover
    return TickColumns(
        borrow(columns.time),
        borrow(columns.local),
        borrow(columns.price),
        borrow(columns.quantity),
        borrow(columns.sold),
        borrow(columns.bid),
        borrow(columns.ask),
        borrow(columns.bid_quantity),
        borrow(columns.ask_quantity),
        borrow(columns.paid),
        borrow(columns.rate),
    )


@inlined
def _ask(venue: Venue, desk: Desk, book: Book, logs: TickLogs, decide: Any, call: Any) -> Any:  # pragma: no cover
    # Call a strategy; `call` is what it is shown, the last price and its memory.
    now, price, own = call
    account = desk.account
    equity = account_equity(account.cash, account.holding.quantity, price) if now.row >= 0 else account.cash
    view = View(
        account.holding.quantity, equity, account.cash, account.holding.entry_price, desk.working, desk.next_id
    )  # fmt: skip
    own, sent = decide(now, view, own, book.outbox)
    if sent > 0:
        desk = take(venue, desk, book, sent, (float(now.row), price, float(now.time), logs.ended))
    return desk, own


@inlined
def _skip_quiet(desk: Desk, columns: TickColumns, span: tuple[int, int, int]) -> int:  # pragma: no cover
    # Find the first row of a span (start, last row, moment) that is not quiet, its last, or not known at the moment.
    row, last, moment = span
    floor, ceiling = desk.floor, desk.ceiling
    until = int(desk.until) if desk.until < FAR else NEVER
    while row < last and columns.local[row] <= moment and columns.time[row] < until:
        price = columns.price[row]
        if not (price > floor and price < ceiling):
            break
        row += 1
    return row


@inlined
def _pass_until(
    venue: Venue, desk: Desk, book: Book, columns: TickColumns, logs: TickLogs, span: tuple[int, int, int, int]
) -> tuple[Desk, int, int]:  # pragma: no cover
    # Pass trades (start, stop, place of the next mark) that have reached the strategy by a moment, while there is room.
    row, stop, place, moment = span
    while row < stop and _has_room(logs, desk):
        marked = logs.row[place] if place < len(logs.row) else NEVER
        row = _skip_quiet(desk, columns, (row, min(stop - 1, marked), moment))
        if columns.local[row] > moment:
            break
        desk = step(venue, desk, book, columns, (row, logs))
        if row == marked:
            _write(logs, desk, place, columns.price[row])
            place += 1
        row += 1
    return desk, row, place


def _build_run(fingerprint: int) -> Callable[..., Any]:
    @njit(nogil=True, error_model="numpy")
    def run(
        venue: Venue, book: Book, columns: TickColumns, logs: TickLogs, decide: Any, plan: Any
    ) -> Any:  # pragma: no cover
        """Run a compiled strategy from a row until the trades end, a log is full or an order finds no slot.

        The plan is its inputs, its memory, the row and the place of the next mark.
        """
        _ = fingerprint
        inputs, own, row, place = plan
        book, logs, columns = open_book(book), _borrowed(logs), _borrowed_columns(columns)
        desk, count = load_desk(book.memory), len(columns.time)
        while row < count and _has_room(logs, desk):
            desk = step(venue, desk, book, columns, (row, logs))
            price = columns.price[row]
            if place < len(logs.row) and logs.row[place] == row:
                _write(logs, desk, place, price)
                place += 1
            now = TickNow(row, columns.local[row], columns, inputs)
            desk, own = _ask(venue, desk, book, logs, decide, (now, price, own))
            row += 1
        if row > 0:
            desk = with_mark(desk, columns.price[row - 1])
        store_desk(book.memory, desk)
        return row, place, own

    return cast(Callable[..., Any], run)


def _build_run_at(fingerprint: int) -> Callable[..., Any]:
    @njit(nogil=True, error_model="numpy")
    def run_at(
        venue: Venue, book: Book, columns: TickColumns, logs: TickLogs, decide: Any, plan: Any
    ) -> Any:  # pragma: no cover
        """Run a compiled strategy that is called at moments only; the plan ends with them and the place of the next."""
        _ = fingerprint
        inputs, own, row, place, moments, turn = plan
        book, logs, columns = open_book(book), _borrowed(logs), _borrowed_columns(columns)
        desk, count, moments = load_desk(book.memory), len(columns.time), borrow(moments)
        while (row < count or turn < len(moments)) and _has_room(logs, desk):
            moment = moments[turn] if turn < len(moments) else NEVER
            desk, row, place = _pass_until(venue, desk, book, columns, logs, (row, count, place, moment))
            if moment < NEVER and _has_room(logs, desk):
                price = columns.price[row - 1] if row > 0 else np.nan
                now = TickNow(row - 1, moment, columns, inputs)
                desk, own = _ask(venue, desk, book, logs, decide, (now, price, own))
                turn += 1
        if row > 0:
            desk = with_mark(desk, columns.price[row - 1])
        store_desk(book.memory, desk)
        return row, place, own, turn

    return cast(Callable[..., Any], run_at)


def _build_advance(fingerprint: int) -> Callable[..., Any]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def advance(
        venue: Venue, book: Book, columns: TickColumns, logs: TickLogs, span: tuple[int, int, int]
    ) -> tuple[int, int]:  # pragma: no cover
        """Pass the trades of a span (start, end, place of the next mark); give where it stopped and that place.

        It stops early when a log is full.
        """
        _ = fingerprint
        row, stop, place = span
        book, logs, columns = open_book(book), _borrowed(logs), _borrowed_columns(columns)
        desk = load_desk(book.memory)
        desk, row, place = _pass_until(venue, desk, book, columns, logs, (row, stop, place, NEVER))
        if row > 0:
            desk = with_mark(desk, columns.price[row - 1])
        store_desk(book.memory, desk)
        return row, place

    return cast(Callable[..., Any], advance)


def _build_send(fingerprint: int) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def send(
        venue: Venue, book: Book, logs: TickLogs, count: int, now: tuple[float, float, float]
    ) -> None:  # pragma: no cover
        """Send `count` messages; `now` is the row and price of the last trade seen, and the time."""
        _ = fingerprint
        book, logs = open_book(book), _borrowed(logs)
        desk = take(venue, load_desk(book.memory), book, count, (now[0], now[1], now[2], logs.ended))
        store_desk(book.memory, desk)

    return cast(Callable[..., None], send)


class Kernels(NamedTuple):
    """The compiled entry points."""

    run: Callable[..., Any]
    run_at: Callable[..., Any]
    advance: Callable[..., Any]
    send: Callable[..., None]


KERNELS = Kernels(
    _build_run(_FINGERPRINT), _build_run_at(_FINGERPRINT), _build_advance(_FINGERPRINT), _build_send(_FINGERPRINT)
)
