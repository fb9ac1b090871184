"""The compiled loops around the order step: with a compiled strategy, up to the next event for Python, and by the bar.

As in the engine, machine code is kept on disk under a number made from the rules it was built from.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from numba import njit

from tallow.core import matching
from tallow.core.engine import memory as memories
from tallow.core.engine import state as states
from tallow.core.engine import step as steps
from tallow.core.engine.fingerprints import fingerprint_of
from tallow.core.engine.memory import borrow, borrow_columns
from tallow.core.engine.step import mark
from tallow.core.matching import account_equity, inlined
from tallow.core.orders import amendments, fills, ledger
from tallow.core.orders import book as books
from tallow.core.orders import state as desks
from tallow.core.orders import step as order_steps
from tallow.core.orders.state import (
    EVENTS_A_BAR,
    M_FULL,
    M_FUNDING,
    MESSAGE_SIZE,
    OUTBOX,
    OUTBOX_FULL,
    SLOTS,
    Bar,
    Desk,
    Rules,
    load_desk,
    store_desk,
)
from tallow.core.orders.step import is_quiet, pass_busy, take_messages
from tallow.domain.columns import PRICES, Floats, Times

ENDS_A_BAR = 2 * SLOTS + OUTBOX


Moment = tuple[float, float, Floats]  # row and price at which messages are taken, and the log of ended orders


class Tape(NamedTuple):
    """What a loop reads: the columns of the bars and their times."""

    columns: Any
    time: Times


def tape_until(tape: Tape, stop: int) -> Tape:
    """Give the tape as far as a row, without it; funding that lies behind is never met."""
    if stop == len(tape.time):
        return tape
    cut = {name: getattr(tape.columns, name)[:stop] for name in (*PRICES, "volume")}
    return Tape(tape.columns._replace(**cut), tape.time[:stop])


class Logs(NamedTuple):
    """What a loop writes: marks a bar, events and ended orders; a table without rows keeps nothing."""

    equity: Floats
    position: Floats
    target: Floats
    events: Floats
    ended: Floats


class Book(NamedTuple):
    """The flat desk with the place of the next funding, the slots, and the messages of one close."""

    memory: Floats
    slots: Floats
    outbox: Floats


class Now(NamedTuple):
    """What a compiled strategy is shown at a close: the row, the columns (look no further than it) and its inputs."""

    row: int
    time: Times
    columns: Any
    inputs: Any


class View(NamedTuple):
    """The account at a close, for a compiled strategy; `next_id` is the id that the next order will get."""

    position: float
    equity: float
    cash: float
    entry_price: float
    working: float
    next_id: float


@inlined
def bar_at(tape: Tape, row: int, event: int) -> Bar:  # pragma: no cover
    """Give the bar at a row; `event` is the place of the next bar with funding."""
    columns = tape.columns
    paid = event < len(columns.funding_row) and columns.funding_row[event] == row
    return Bar(
        float(row),
        columns.open[row],
        columns.high[row],
        columns.low[row],
        columns.close[row],
        columns.volume[row],
        columns.volume[row - 1] if row > 0 else np.nan,
        columns.funding_open[event] if paid else 0.0,
        columns.funding_inside[event] if paid else 0.0,
        float(tape.time[row]),
    )


@inlined
def next_paid(tape: Tape, event: int, row: int) -> int:  # pragma: no cover
    """Give the place of the first bar with funding at or after a row, from a place before it."""
    paid = tape.columns.funding_row
    while event < len(paid) and paid[event] < row:
        event += 1
    return event


@inlined
def _write(logs: Logs, desk: Desk, row: int) -> None:  # pragma: no cover
    if len(logs.equity) > 0:
        logs.equity[row] = desk.account.equity
        logs.position[row] = desk.account.holding.quantity
        logs.target[row] = desk.account.order.target


@inlined
def _has_room(logs: Logs, desk: Desk) -> bool:  # pragma: no cover
    if len(logs.events) == 0:
        return desk.full == 0.0
    events, ended = len(logs.events) - EVENTS_A_BAR, len(logs.ended) - ENDS_A_BAR
    return desk.account.totals.events <= events and desk.ended <= ended and desk.full == 0.0


@inlined
def _borrowed(logs: Logs) -> Logs:  # pragma: no cover
    return Logs(
        borrow(logs.equity), borrow(logs.position), borrow(logs.target), borrow(logs.events), borrow(logs.ended)
    )


def _build_busy(fingerprint: int) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def busy(rules: Rules, memory: Floats, slots: Floats, bar: Bar, logs: Any) -> None:  # pragma: no cover
        """Take the flat desk over a bar in which something may happen."""
        _ = fingerprint
        pass_busy(rules, memory, slots, bar, logs)

    return cast(Callable[..., None], busy)


def _build_take(fingerprint: int) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def take(rules: Rules, memory: Floats, slots: Floats, sent: Any, now: Any) -> None:  # pragma: no cover
        """Take what was sent at a close."""
        _ = fingerprint
        take_messages(rules, memory, slots, sent, now)

    return cast(Callable[..., None], take)


BLOCK = 512  # bars looked ahead for one that is not quiet
FINGERPRINT = fingerprint_of(matching, memories, states, steps, desks, ledger, books, fills, amendments, order_steps)
# Called through these, the rules come from the cache on disk whatever strategy is compiled around them.
pass_any, take_all = _build_busy(FINGERPRINT), _build_take(FINGERPRINT)


@inlined
def step(rules: Rules, desk: Desk, book: Book, bar: Bar, logs: Logs) -> Desk:  # pragma: no cover
    """Take the desk over a bar. The slots are touched only when the bar reaches an order."""
    if is_quiet(desk, bar):
        return with_mark(desk, bar.close)
    store_desk(book.memory, desk)
    pass_any(rules, book.memory, book.slots, bar, (logs.events, logs.ended))
    return load_desk(book.memory)


@inlined
def with_mark(desk: Desk, close: float) -> Desk:  # pragma: no cover
    """Value the account at a close."""
    return Desk(
        mark(desk.account, close), desk.working, desk.next_id, desk.floor, desk.ceiling,
        desk.until, desk.budget, desk.ended, desk.full,
    )  # fmt: skip


@inlined
def take(
    rules: Rules, desk: Desk, book: Book, count: int, now: tuple[float, float, Floats]
) -> Desk:  # pragma: no cover
    """Take the messages in the outbox; more than it holds are a fault."""
    store_desk(book.memory, desk)
    if count > len(book.outbox):
        book.memory[M_FULL] = OUTBOX_FULL
    else:
        take_all(rules, book.memory, book.slots, (book.outbox, count), now)
    return load_desk(book.memory)


@inlined
def open_book(book: Book) -> Book:  # pragma: no cover
    """Borrow the arrays of a book."""
    return Book(borrow(book.memory), borrow(book.slots), borrow(book.outbox))


def _build_run(fingerprint: int) -> Callable[..., Any]:
    @njit(nogil=True, error_model="numpy")
    def run(rules: Rules, book: Book, tape: Tape, logs: Logs, decide: Any, plan: Any) -> Any:  # pragma: no cover
        """Run a compiled strategy from `row` until the bars end, a log is full or an order finds no slot."""
        _ = fingerprint
        inputs, own, row = plan
        book, logs = open_book(book), _borrowed(logs)
        tape = Tape(borrow_columns(tape.columns), borrow(tape.time))
        desk, event = load_desk(book.memory), int(book.memory[M_FUNDING])
        while row < len(tape.time) and _has_room(logs, desk):
            bar = bar_at(tape, row, event)
            desk = step(rules, desk, book, bar, logs)
            event = next_paid(tape, event, row + 1)
            account = desk.account
            view = View(
                account.holding.quantity, account.equity, account.cash, account.holding.entry_price,
                desk.working, desk.next_id,
            )  # fmt: skip
            own, count = decide(Now(row, tape.time, tape.columns, inputs), view, own, book.outbox)
            if count > 0:
                desk = take(rules, desk, book, count, (bar.row, bar.close, logs.ended))
            _write(logs, desk, row)
            row += 1
        book.memory[M_FUNDING] = event
        store_desk(book.memory, desk)
        return row, own

    return cast(Callable[..., Any], run)


@inlined
def _mark_quiet(tape: Tape, logs: Logs, desk: Desk, span: tuple[int, int]) -> Desk:  # pragma: no cover
    # Write the marks of bars in which nothing happened; the account then stands at the last of them.
    account = desk.account
    cash, quantity = account.cash, account.holding.quantity
    for i in range(span[0], span[1]):
        logs.equity[i] = account_equity(cash, quantity, tape.columns.close[i])
        logs.position[i] = quantity
        logs.target[i] = account.order.target
    return with_mark(desk, tape.columns.close[span[1] - 1]) if span[1] > span[0] else desk


def _build_advance(fingerprint: int) -> Callable[..., int]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def advance(
        rules: Rules, book: Book, tape: Tape, logs: Logs, span: tuple[int, int], count: int
    ) -> int:  # pragma: no cover
        """Take `count` messages sent at the close of bar `span[1]`, pass the next bar, and look how far all is quiet.

        Bars from `span[0]` to `span[1]` were quiet: only their marks are missing. Give the row of the first bar that
        is not quiet, looking no further than a block.
        """
        _ = fingerprint
        book, logs = open_book(book), _borrowed(logs)
        desk, event = load_desk(book.memory), int(book.memory[M_FUNDING])
        first, last = span
        desk = _mark_quiet(tape, logs, desk, (first, last + 1))
        if count > 0:
            close = tape.columns.close[last] if last >= 0 else np.nan
            desk = take(rules, desk, book, count, (float(last), close, logs.ended))
            if last >= 0:
                _write(logs, desk, last)
        row, stop = last + 1, len(tape.time)
        if row < stop:
            event = next_paid(tape, event, row)
            book.memory[M_FUNDING] = event
            desk = step(rules, desk, book, bar_at(tape, row, event), logs)
            _write(logs, desk, row)
            row += 1
            stop = min(stop, row + BLOCK)
            event = next_paid(tape, event, row)
            while row < stop and is_quiet(desk, bar_at(tape, row, event)):
                row += 1
                event = next_paid(tape, event, row)
        store_desk(book.memory, desk)
        return row

    return cast(Callable[..., int], advance)


def _build_live(fingerprint: int) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def live(rules: Rules, book: Book, bar: Floats, logs: Logs, count: int) -> None:  # pragma: no cover
        """Take `count` messages sent after the bar, or pass it when there are none."""
        _ = fingerprint
        book, logs, m = open_book(book), _borrowed(logs), borrow(bar)
        desk = load_desk(book.memory)
        if count > 0:
            desk = take(rules, desk, book, count, (m[0], m[4], logs.ended))
        else:
            now = Bar(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9])
            desk = step(rules, desk, book, now, logs)
        store_desk(book.memory, desk)

    return cast(Callable[..., None], live)


def _build_replay(fingerprint: int) -> Callable[..., Any]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def replay(
        rules: Rules, book: Book, tape: Tape, logs: Logs, sent: tuple[Times, Floats], place: tuple[int, int]
    ) -> tuple[int, int]:  # pragma: no cover
        """Run recorded messages from `place`, a row and a message, until the bars end, a log is full or a slot lacks.

        `sent` has the row of every message and the messages.
        """
        _ = fingerprint
        book, logs, table = open_book(book), _borrowed(logs), borrow(sent[1])
        rows, row, k = sent[0], place[0], place[1]
        desk, event = load_desk(book.memory), int(book.memory[M_FUNDING])
        while row < len(tape.time) and _has_room(logs, desk):
            bar = bar_at(tape, row, event)
            desk = step(rules, desk, book, bar, logs)
            event = next_paid(tape, event, row + 1)
            count = 0
            while k < len(rows) and rows[k] == row:
                if count < len(book.outbox):
                    for i in range(MESSAGE_SIZE):
                        book.outbox[count, i] = table[k, i]
                count += 1
                k += 1
            if count > 0:
                desk = take(rules, desk, book, count, (bar.row, bar.close, logs.ended))
            _write(logs, desk, row)
            row += 1
        book.memory[M_FUNDING] = event
        store_desk(book.memory, desk)
        return row, k

    return cast(Callable[..., Any], replay)


def _build_adopt(fingerprint: int) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def adopt(
        rules: Rules, old: books.Steps, book: Book, ended: Floats, now: tuple[float, float]
    ) -> None:  # pragma: no cover
        """Put working orders under other trading rules; levels of the position are moved already."""
        _ = fingerprint
        book, log = open_book(book), borrow(ended)
        books.adopt(rules, old, book.memory, book.slots, now)
        books.sweep(book.memory, book.slots, log)
        books.bound(rules, book.memory, book.slots)

    return cast(Callable[..., None], adopt)


class Kernels(NamedTuple):
    """The compiled entry points."""

    run: Callable[..., Any]
    advance: Callable[..., int]
    live: Callable[..., None]
    replay: Callable[..., Any]
    adopt: Callable[..., None]


KERNELS = Kernels(
    _build_run(FINGERPRINT),
    _build_advance(FINGERPRINT),
    _build_live(FINGERPRINT),
    _build_replay(FINGERPRINT),
    _build_adopt(FINGERPRINT),
)
