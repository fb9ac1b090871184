"""Work only where something happens: between two events the account is its cash and a quantity, and closes mark it.

An event is a bar in which the step can do more than move the mark: the target changes, an order waits, funding is
charged, or a price reaches a level. What lies between is found and summed up block by block, with the numbers that the
step would have given: highest and lowest equity to the last bit, sums of returns to their rounding.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from numba import njit

from tallow.core.engine import bits, memory
from tallow.core.engine.bits import WORD, changed_bits, first_bit, last_bit
from tallow.core.engine.fingerprints import fingerprint_of
from tallow.core.engine.memory import Columns, bar_at, borrow, next_paid
from tallow.core.engine.state import State
from tallow.core.engine.step import accept, mark, quiet_range, step
from tallow.core.matching import Config, account_equity, inlined
from tallow.domain.columns import Floats, Times

BLOCK = 64  # rows of a cell of the indices
_PART = 4096  # rows searched for changes before the list of them may grow
LEVELS = 8  # cells of 1, 2, 4 ... 128 blocks
_NONE, _ONE = np.uint64(0), np.uint64(1)
_NO_CASH = 1e-12  # fraction of a position below which the cash beside it is rounding


class Changes(NamedTuple):
    """Rows in which the target changes, and to what; the first change is from 0."""

    row: Times
    target: Floats


class Closes(NamedTuple):
    """Closes as the bits of their numbers, the lowest and highest of runs of blocks, sums up to every row.

    The bits of positive numbers are ordered as the numbers are, and whole numbers are compared in vector instructions.
    Row `level` of the extremes has those of the 2**level blocks from each block on, so that two numbers answer for any
    run of blocks. Summed up are the returns from bar to bar and their squares; there are none of these where prices
    jump so far that differences of sums would lose the small returns.
    """

    bits: Times
    low: Times
    high: Times
    returns: Floats
    squares: Floats


class Reach(NamedTuple):
    """Lowest and highest price of every block, opens included."""

    low: Floats
    high: Floats


class Moments(NamedTuple):
    """What a summary gathers: peak, deepest fall as a fraction of it, returns and their squares, bars in the market."""

    peak: float
    drawdown: float
    returns: float
    squares: float
    exposed: float


@inlined
def borrow_decided(decided: tuple[Changes, Reach]) -> tuple[Changes, Reach]:  # pragma: no cover
    """Borrow every array."""
    changes, reach = decided
    return Changes(borrow(changes.row), borrow(changes.target)), Reach(borrow(reach.low), borrow(reach.high))


@inlined
def borrow_closes(closes: Closes) -> Closes:  # pragma: no cover
    """Borrow every array."""
    return Closes(
        borrow(closes.bits),
        borrow(closes.low),
        borrow(closes.high),
        borrow(closes.returns),
        borrow(closes.squares),
    )


@inlined
def _take(targets: Floats, row: int, kept: tuple[float, int], rows: Times) -> tuple[float, int]:  # pragma: no cover
    # Note a row if its target differs from the one kept; NaN keeps it.
    target, (last, count) = targets[row], kept
    if target == last or target != target:
        return kept
    rows[count] = row
    return target, count + 1


@njit(nogil=True)
def _take_part(
    targets: Floats, span: tuple[int, int], kept: tuple[float, int], rows: Times
) -> tuple[float, int]:  # pragma: no cover
    # Note the rows of a span whose target differs. The row before it must exist, and there must be room for all of it.
    row, stop = span
    while row + WORD <= stop:
        changed = changed_bits(targets, row)
        while changed != _NONE:
            kept = _take(targets, row + first_bit(changed), kept, rows)
            changed &= changed - _ONE
        row += WORD
    for i in range(row, stop):
        kept = _take(targets, i, kept, rows)
    return kept


def _build_find_changes(fingerprint: int) -> Callable[[Any], tuple[Times, Floats]]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def find_changes(targets: Floats) -> tuple[Times, Floats]:  # pragma: no cover
        """Find the rows whose target differs from the last one that is not NaN, and those targets."""
        _ = fingerprint
        targets = borrow(targets)
        rows = np.empty(2 * _PART, np.int64)
        kept: tuple[float, int] = (targets.dtype.type(0), 0)
        if len(targets) > 0:
            kept = _take(targets, 0, kept, borrow(rows))
        for start in range(1, len(targets), _PART):
            if kept[1] + _PART > len(rows):
                rows = np.concatenate((rows, rows))
            kept = _take_part(targets, (start, min(start + _PART, len(targets))), kept, borrow(rows))
        found = rows[: kept[1]].copy()
        return found, targets[found].astype(np.float64)

    return cast(Callable[[Any], tuple[Times, Floats]], find_changes)


find_changes = _build_find_changes(fingerprint_of(bits, memory))


@njit(cache=True, nogil=True, error_model="numpy")
def sum_returns(close: Floats) -> tuple[Floats, Floats]:  # pragma: no cover
    """Give the returns from bar to bar, and their squares, summed up to every row; the first return is 0."""
    close = borrow(close)
    returns, squares = np.zeros(len(close)), np.zeros(len(close))
    total, square = 0.0, 0.0
    for i in range(1, len(close)):
        earned = close[i] / close[i - 1] - 1.0
        total += earned
        square += earned * earned
        returns[i], squares[i] = total, square
    return returns, squares


@njit(nogil=True)
def _extremes(low: Times, high: Times, least: int, most: int) -> tuple[int, int]:  # pragma: no cover
    for i in range(len(low)):
        least, most = min(least, low[i]), max(most, high[i])
    return least, most


@njit(cache=True, nogil=True)
def block_extremes(low: Times, high: Times) -> tuple[Times, Times]:  # pragma: no cover
    """Give the lowest of one column and the highest of another in every block."""
    low, high = borrow(low), borrow(high)
    blocks = (len(low) + BLOCK - 1) // BLOCK
    lowest, highest = np.empty(blocks, np.int64), np.empty(blocks, np.int64)
    for block in range(blocks):
        start, stop = block * BLOCK, min((block + 1) * BLOCK, len(low))
        lowest[block], highest[block] = _extremes(low[start:stop], high[start:stop], low[start], high[start])
    return lowest, highest


def extremes_of_runs(least: Times, most: Times) -> tuple[Times, Times]:
    """Give the extremes of 1, 2, 4 ... blocks from every block on, a row for each of `LEVELS`; shorter at the end.

    Example:
        >>> low, high = extremes_of_runs(np.array([3, 1, 2]), np.array([5, 4, 9]))
        >>> low[1].tolist(), high[2].tolist()
        ([1, 1, 2], [9, 9, 9])
    """
    low, high = np.tile(least, (LEVELS, 1)), np.tile(most, (LEVELS, 1))
    for level in range(1, LEVELS):
        half = 1 << (level - 1)
        low[level:, :-half] = np.minimum(low[level - 1, :-half], low[level - 1, half:])
        high[level:, :-half] = np.maximum(high[level - 1, :-half], high[level - 1, half:])
    return low, high


@inlined
def _of_blocks(closes: Closes, first: int, last: int) -> tuple[int, int]:  # pragma: no cover
    # Lowest and highest close of blocks from `first` to `last`.
    level = min(last_bit(np.uint64(last - first + 1)), LEVELS - 1)
    low, high, width = closes.low[level], closes.high[level], 1 << level
    least, most = min(low[first], low[last - width + 1]), max(high[first], high[last - width + 1])
    for block in range(first + width, last - width + 1, width):
        least, most = min(least, low[block]), max(most, high[block])
    return least, most


@inlined
def _as_prices(least: int, most: int) -> tuple[float, float]:  # pragma: no cover
    return np.int64(least).view(np.float64), np.int64(most).view(np.float64)


@inlined
def _between(closes: Closes, start: int, stop: int) -> tuple[float, float]:  # pragma: no cover
    # Lowest and highest close of the rows from `start` up to, without, `stop`.
    least = most = closes.bits[start]
    first, last = (start + BLOCK - 1) // BLOCK, stop // BLOCK
    head, tail = (first * BLOCK, last * BLOCK) if first < last else (stop, stop)
    part = closes.bits[start:head]
    least, most = _extremes(part, part, least, most)
    if head < stop:
        lowest, highest = _of_blocks(closes, first, last - 1)
        part = closes.bits[tail:stop]
        least, most = _extremes(part, part, min(least, lowest), max(most, highest))
    return _as_prices(least, most)


@inlined
def _around(closes: Closes, start: int, stop: int) -> tuple[float, float]:  # pragma: no cover
    # Lowest and highest close of the blocks that hold these rows, and so of the rows at least and at most.
    least, most = _of_blocks(closes, start // BLOCK, (stop - 1) // BLOCK)
    return _as_prices(least, most)


@inlined
def _fall(moments: Moments, equity: float) -> tuple[float, float]:  # pragma: no cover
    # Peak and deepest fall after one more mark.
    if equity >= moments.peak:
        return equity, moments.drawdown
    return moments.peak, max(moments.drawdown, 1.0 - equity / moments.peak)


@inlined
def gather(moments: Moments, before: float, state: State) -> Moments:  # pragma: no cover
    """Take in the mark of one bar; `before` is the equity at the close of the bar before."""
    equity = state.equity
    earned = (equity - before) / before if before > 0.0 else 0.0
    peak, drawdown = _fall(moments, equity)
    exposed = moments.exposed + (1.0 if state.holding.quantity != 0.0 else 0.0)
    return Moments(peak, drawdown, moments.returns + earned, moments.squares + earned * earned, exposed)


@inlined
def _extreme_equity(cash: float, held: float, prices: tuple[float, float]) -> tuple[float, float]:  # pragma: no cover
    # The lowest and the highest equity between two prices.
    least, most = account_equity(cash, held, prices[0]), account_equity(cash, held, prices[1])
    return (least, most) if held > 0.0 else (most, least)


@inlined
def _deepest(
    moments: Moments, state: State, close: Floats, closes: Closes, span: tuple[int, int]
) -> Moments:  # pragma: no cover
    # Peak and deepest fall over quiet rows: bar by bar only if a fall from a new peak may be the deepest.
    cash, quantity, peak, drawdown = state.cash, state.holding.quantity, moments.peak, moments.drawdown
    # Rounding keeps the order of numbers, so a span that cannot matter by the bounds of its blocks does not matter.
    worst, best = _extreme_equity(cash, quantity, _around(closes, span[0], span[1]))
    if best < peak and 1.0 - worst / peak <= drawdown:
        return moments
    worst, best = _extreme_equity(cash, quantity, _between(closes, span[0], span[1]))
    if best < peak:
        drawdown = max(drawdown, 1.0 - worst / peak)
    elif 1.0 - worst / best <= drawdown:
        peak = best
    else:
        row, stop = span
        while row < stop:
            # A whole block whose own range is no deeper fall only moves the peak.
            if row % BLOCK == 0 and row + BLOCK <= stop:
                worst, best = _extreme_equity(cash, quantity, _around(closes, row, row + BLOCK))
                if 1.0 - worst / max(best, peak) <= drawdown:
                    peak, row = max(best, peak), row + BLOCK
                    continue
            marked = Moments(peak, drawdown, 0.0, 0.0, 0.0)
            peak, drawdown = _fall(marked, account_equity(cash, quantity, close[row]))
            row += 1
    return Moments(peak, drawdown, moments.returns, moments.squares, moments.exposed)


@inlined
def gather_quiet(
    moments: Moments, state: State, close: Floats, closes: Closes, span: tuple[int, int]
) -> Moments:  # pragma: no cover
    """Take in the marks of quiet rows, from the first up to, without, the last of `span`."""
    cash, quantity = state.cash, state.holding.quantity
    start, stop = span
    if quantity == 0.0 or start >= stop:
        return moments
    moments = _deepest(moments, state, close, closes, span)
    returns, squares = moments.returns, moments.squares
    if len(closes.returns) > 0 and abs(cash) <= _NO_CASH * abs(quantity) * close[start - 1]:
        returns += closes.returns[stop - 1] - closes.returns[start - 1]
        squares += closes.squares[stop - 1] - closes.squares[start - 1]
    else:
        before = account_equity(cash, quantity, close[start - 1])
        for i in range(start, stop):
            equity = account_equity(cash, quantity, close[i])
            earned = (equity - before) / before if before > 0.0 else 0.0
            returns += earned
            squares += earned * earned
            before = equity
    return Moments(moments.peak, moments.drawdown, returns, squares, moments.exposed + float(stop - start))


@inlined
def _reached(columns: Columns, row: int, low: float, high: float) -> bool:  # pragma: no cover
    return bool(
        columns.low[row] <= low or columns.open[row] <= low or columns.high[row] >= high or columns.open[row] >= high
    )


@inlined
def _first_reached(
    columns: Columns, reach: Reach, span: tuple[int, int], quiet: tuple[float, float]
) -> int:  # pragma: no cover
    # The first row of the span in which a price leaves the quiet range; its end when there is none.
    row, stop = span
    low, high = quiet
    while row < stop:
        if row % BLOCK == 0 and reach.low[row // BLOCK] > low and reach.high[row // BLOCK] < high:
            row += BLOCK
        elif _reached(columns, row, low, high):
            return row
        else:
            row += 1
    return stop


@inlined
def next_event(
    config: Config, state: State, columns: Columns, reach: Reach, span: tuple[int, int]
) -> int:  # pragma: no cover
    """Find the first row of a span in which more than the mark changes; its end when there is none.

    The span must not contain a change of target or funding before its end.
    """
    if state.order.pending != 0.0:
        return span[0]
    low, high = quiet_range(config, state)
    return _first_reached(columns, reach, span, (low, high)) if low > 0.0 or high < np.inf else span[1]


@inlined
def passes_quietly(config: Config, state: State, columns: Columns, event: tuple[int, int]) -> bool:  # pragma: no cover
    """Say whether the bar of a row does no more than move the mark, whatever is decided at its close.

    `event` is the row and the place of the next funding.
    """
    row, paid = event
    if config.at_close != 0.0 or state.order.pending != 0.0 or row == next_paid(columns, paid):
        return False
    low, high = quiet_range(config, state)
    return not ((low > 0.0 or high < np.inf) and _reached(columns, row, low, high))


@inlined
def advance(
    config: Config,
    held: tuple[State, Moments],
    columns: Columns,
    closes: Closes,
    event: tuple[int, int, int, float],
    log: Floats,
) -> tuple[State, Moments]:  # pragma: no cover
    """Take state and moments over quiet rows and then over the row of an event.

    `event` is the first quiet row, the row of the event, the place of its funding, and the target decided there.
    """
    (state, moments), (start, row, paid, target) = held, event
    quiet = passes_quietly(config, state, columns, (row, paid))
    end = row + 1 if quiet else row
    if end > start:
        moments = gather_quiet(moments, state, columns.close, closes, (start, end))
        state = mark(state, columns.close[end - 1])
    if quiet:
        return accept(config, state, target), moments
    before = state.equity
    state = step(config, state, bar_at(columns, row, paid), target, log)
    return state, gather(moments, before, state)
