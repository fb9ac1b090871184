"""The compiled loop over rows: events one by one, and between them nothing but the mark."""

from collections.abc import Callable
from typing import cast

import numpy as np
from numba import njit

from tallow.core import matching
from tallow.core.engine import memory as memories
from tallow.core.engine import state as states
from tallow.core.engine import step as steps
from tallow.core.engine.fingerprints import fingerprint_of
from tallow.core.engine.memory import borrow
from tallow.core.matching import inlined
from tallow.core.portfolio import desk as desks
from tallow.core.portfolio import liquidation, moves, orders
from tallow.core.portfolio.desk import (
    AT_CLOSE,
    BEST,
    CEILING,
    CLOSE,
    COLUMN,
    DECISION,
    DRIFT,
    EVENTS,
    EVERY,
    FLOOR,
    GUARDED,
    HIGH,
    LARGEST,
    LOW,
    OPEN,
    ORDERS,
    PAYMENT,
    PENDING,
    QUANTITY,
    READY,
    REFUSED,
    ROW,
    TARGET,
    WAITED,
    Desk,
    borrow_desk,
    config_of,
    holding_of,
    keep_holding,
    order,
    price_at,
    trades_at,
)
from tallow.core.portfolio.liquidation import liquidate, safe_rows
from tallow.core.portfolio.moves import charge, mark_rows, protect, trail
from tallow.core.portfolio.orders import carry_out, latest_weight
from tallow.domain.columns import Floats, Times

_TOLERANCE = 1.0 + 1e-9  # a weight may exceed the leverage by rounding
_SUM = -1.0  # what is refused: 1 + instrument, or this for the sum of all
_EVENTS_A_ROW = 10  # at most, for every instrument
_CELLS = 4096  # weights compared at once
_WATCHED = 128  # rows searched for levels at once: more would be searched again after each event
_BLOCK = 2048  # rows marked at once: they stay in the first cache


@inlined
def _pay(desk: Desk, payments: Floats, row: int, inside: bool) -> None:  # pragma: no cover
    # Payments are sorted by row: row, instrument, rate at the open, rate inside the bar.
    place = int(desk.account[PAYMENT])
    while place < len(payments) and payments[place, 0] == row:
        charge(desk, int(payments[place, 1]), row, payments[place, 3 if inside else 2])
        place += 1
    if inside:
        desk.account[PAYMENT] = place


@inlined
def _guard(desk: Desk, row: int, inside: bool) -> None:  # pragma: no cover
    # What protects the venue, then what protects the account.
    if desk.rules[GUARDED] > 0.0:
        liquidate(desk, row, inside)
        for i in range(len(desk.book)):
            protect(desk, i, row, inside)


@inlined
def _pass_row(desk: Desk, payments: Floats, row: int) -> None:  # pragma: no cover
    _pay(desk, payments, row, False)
    _guard(desk, row, False)
    if desk.rules[AT_CLOSE] == 0.0:
        carry_out(desk, row, False)
    _pay(desk, payments, row, True)
    _guard(desk, row, True)
    if desk.rules[GUARDED] > 0.0:
        for i in range(len(desk.book)):
            trail(desk, i, row)


@inlined
def _check(desk: Desk) -> None:  # pragma: no cover
    # Refuse weights that the settings do not allow.
    total = 0.0
    for i in range(len(desk.book)):
        config, target = config_of(desk, i), desk.book[i, TARGET]
        total += abs(target)
        if not abs(target) <= config.leverage * _TOLERANCE or (target < 0.0 and config.allow_short == 0.0):
            desk.account[REFUSED] = 1.0 + i
    if desk.account[REFUSED] == 0.0 and total > desk.rules[LARGEST] * _TOLERANCE:
        desk.account[REFUSED] = _SUM


@inlined
def _take_weight(desk: Desk, weights: Floats, i: int, span: tuple[int, int]) -> None:  # pragma: no cover
    # Take an instrument's last weight of the rows in the span; a changed one becomes an order, or any one at a
    # decision of all.
    every, kept = desk.rules[EVERY] > 0.0, desk.book[i, TARGET]
    weight = latest_weight(weights, int(desk.book[i, COLUMN]), span[1], span[0])
    changed = weight == weight and weight != kept
    if changed:
        desk.book[i, TARGET] = weight
    if changed or (every and (desk.book[i, QUANTITY] != 0.0 or kept != 0.0)):
        order(desk, i)


@inlined
def _decide(desk: Desk, decisions: Times, weights: Floats, row: int) -> None:  # pragma: no cover
    # Take the weights of a row: of the rows since the last decision where that is one of all instruments.
    place = int(desk.account[DECISION])
    if place >= len(decisions) or decisions[place] != row:
        return
    desk.account[DECISION] += 1.0
    after = row - 1
    if desk.rules[EVERY] > 0.0:
        after = decisions[place - 1] if place > 0 else -1
    for i in range(len(desk.book)):
        _take_weight(desk, weights, i, (after, row))
    _check(desk)


@inlined
def _drifted(desk: Desk, row: int, equity: float) -> bool:  # pragma: no cover
    # Whether a weight is further from its target than the threshold allows. One whose order waits is on its way, and
    # what is not held does not drift: an exit closed it, or it was too little to buy.
    limit = desk.rules[DRIFT] * equity
    for i in range(len(desk.book)):
        if desk.book[i, PENDING] != 0.0 or desk.book[i, QUANTITY] == 0.0:
            continue
        held = desk.book[i, QUANTITY] * price_at(desk, i, row, CLOSE)
        if abs(held - desk.book[i, TARGET] * equity) > limit:
            return bool(limit > 0.0)
    return False


@inlined
def _watch_drift(desk: Desk, row: int, equity: float) -> None:  # pragma: no cover
    # Order all instruments when one has drifted, unless orders wait already.
    if desk.rules[DRIFT] == 0.0 or not _drifted(desk, row, equity):
        return
    for i in range(len(desk.book)):
        if desk.book[i, PENDING] == 0.0 and desk.book[i, QUANTITY] != 0.0:
            order(desk, i)


@inlined
def _ready_row(desk: Desk, i: int, row: int, stop: int) -> int:  # pragma: no cover
    # The first row from here on at which a waiting order can be carried out, as far as `stop`.
    if desk.book[i, WAITED] == 0.0:
        return row
    ready = max(row, int(desk.book[i, READY]))
    while ready < stop and not trades_at(desk, i, ready):
        ready += 1
    desk.book[i, READY] = ready
    return ready


@inlined
def _calm_range(desk: Desk, i: int) -> tuple[float, float]:  # pragma: no cover
    # The open range of prices that reach no level of a position and do not move its trailing stop.
    quantity, low, high = desk.book[i, QUANTITY], desk.book[i, FLOOR], desk.book[i, CEILING]
    if config_of(desk, i).trailing_stop > 0.0 and quantity > 0.0:
        high = min(high, np.nextafter(desk.book[i, BEST], np.inf))
    if config_of(desk, i).trailing_stop > 0.0 and quantity < 0.0:
        low = max(low, np.nextafter(desk.book[i, BEST], 0.0))
    return low, high


@inlined
def _level_row(desk: Desk, i: int, row: int, stop: int) -> int:  # pragma: no cover
    # The first row whose prices leave the calm range of a position.
    low, high = _calm_range(desk, i)
    if desk.book[i, QUANTITY] == 0.0 or (low <= 0.0 and high == np.inf):
        return stop
    for at in range(row, stop):
        opened = price_at(desk, i, at, OPEN)
        if min(opened, price_at(desk, i, at, LOW)) <= low or max(opened, price_at(desk, i, at, HIGH)) >= high:
            return at
    return stop


@inlined
def _quiet_rows(desk: Desk, row: int, stop: int) -> int:  # pragma: no cover
    # The end of the stretch in which nothing but the mark changes.
    if desk.account[ORDERS] > 0.0:
        for i in range(len(desk.book)):
            if desk.book[i, PENDING] > 0.0:
                stop = min(stop, _ready_row(desk, i, row, stop))
    if desk.rules[GUARDED] == 0.0:
        return stop
    stop = min(stop, row + _WATCHED)
    for i in range(len(desk.book)):
        stop = _level_row(desk, i, row, stop)
    return safe_rows(desk, row, stop)


@inlined
def _mark(desk: Desk, equity: Floats, start: int, stop: int) -> None:  # pragma: no cover
    # Mark a stretch block by block. (A range with steps would divide.)
    while start < stop:
        end = min(start + _BLOCK, stop)
        mark_rows(desk, equity, start, end)
        start = end


@inlined
def _quiet_until(desk: Desk, equity: Floats, row: int, stop: int) -> int:  # pragma: no cover
    # The end of a quiet stretch, or the row after the one in which weights drift too far: those are marked to be seen.
    if desk.rules[DRIFT] == 0.0:
        return stop
    for first in range(row, stop, _BLOCK):
        end = min(first + _BLOCK, stop)
        mark_rows(desk, equity, first, end)
        for at in range(first, end):
            if _drifted(desk, at, equity[at]):
                return at + 1
    return stop


@inlined
def _close_row(
    desk: Desk, decisions: Times, weights: Floats, equity: Floats, span: tuple[int, int]
) -> int:  # pragma: no cover
    # Decide at a row's close, and carry it out there where fills are made at the close; give what is not marked yet.
    marked, row = span
    _decide(desk, decisions, weights, row)
    if desk.rules[DRIFT] > 0.0:
        mark_rows(desk, equity, row, row + 1)
        _watch_drift(desk, row, equity[row])
    if desk.rules[AT_CLOSE] > 0.0 and desk.account[ORDERS] > 0.0:
        _mark(desk, equity, marked, row)
        marked = row
        carry_out(desk, row, True)
    return marked


@inlined
def _next_event(desk: Desk, decisions: Times, payments: Floats, count: int) -> int:  # pragma: no cover
    # The row up to which nothing is decided but at the close of the last one, and nothing is paid.
    place, paid, stop = int(desk.account[DECISION]), int(desk.account[PAYMENT]), count
    if place < len(decisions):
        stop = min(stop, decisions[place] + 1)
    if paid < len(payments):
        stop = min(stop, int(payments[paid, 0]))
    return stop


def _build_run(fingerprint: int) -> Callable[..., int]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def run(desk: Desk, decisions: Times, weights: Floats, payments: Floats, equity: Floats) -> int:  # pragma: no cover
        """Run from the account's row until rows end, weights are refused, or the log may not hold another row."""
        _ = fingerprint
        desk, decisions, weights = borrow_desk(desk), borrow(decisions), borrow(weights)
        payments, equity = borrow(payments), borrow(equity)
        row, count, account = int(desk.account[ROW]), len(equity), desk.account
        full = len(desk.log) - _EVENTS_A_ROW * len(desk.book)
        marked = row  # rows from here on are worth what is held now, and are marked before that changes
        while row < count and account[EVENTS] <= full and account[REFUSED] == 0.0:
            stop = _quiet_rows(desk, row, _next_event(desk, decisions, payments, count))
            if stop > row:
                row = _quiet_until(desk, equity, row, stop)
            else:
                _mark(desk, equity, marked, row)
                marked = row
                _pass_row(desk, payments, row)
                row += 1
            marked = _close_row(desk, decisions, weights, equity, (marked, row - 1))
        _mark(desk, equity, marked, row)
        account[ROW] = row
        return row

    return cast(Callable[..., int], run)


def _build_relevel(fingerprint: int) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def relevel(desk: Desk, i: int) -> None:  # pragma: no cover
        """Put the levels of an instrument's position where its config has them now."""
        _ = fingerprint
        desk = borrow_desk(desk)
        keep_holding(desk, i, holding_of(desk, i))

    return cast(Callable[..., None], relevel)


@njit(cache=True, nogil=True, error_model="numpy")
def change_rows(weights: Floats) -> Times:  # pragma: no cover
    """Find the rows with a weight that is neither NaN nor that of the row before; the first row is one of them."""
    rows, columns = weights.shape
    cells, found, count = weights.reshape(rows * columns), np.zeros(64, np.int64), min(1, rows)
    flags, free = np.zeros(_CELLS, np.uint8), columns
    eights = flags.view(np.uint64)
    for first in range(columns, len(cells), _CELLS):
        length = min(_CELLS, len(cells) - first)
        # Compared in vector instructions, one byte a weight, then passed eight at a time.
        now, before = cells[first : first + length], cells[first - columns : first - columns + length]
        for k in range(length):
            flags[k] = (now[k] == now[k]) & (now[k] != before[k])
        flags[length:] = 0
        if count + _CELLS > len(found):
            found = np.concatenate((found, np.zeros(count + _CELLS, np.int64)))
        for word in range(len(eights)):
            if eights[word] == 0:
                continue
            for k in range(8 * word, 8 * word + 8):
                # A row is found once: `free` is the first cell after it. Floats divide several times faster.
                if flags[k] != 0 and first + k >= free:
                    row = int((first + k) / columns)
                    found[count], free = row, (row + 1) * columns
                    count += 1
    return found[:count]


LOG_ROOM = _EVENTS_A_ROW
_FINGERPRINT = fingerprint_of(matching, memories, states, steps, desks, moves, orders, liquidation)
RUN, RELEVEL = _build_run(_FINGERPRINT), _build_relevel(_FINGERPRINT)
