"""Sweeps of moving averages that cross: a block of bars at a time for all pairs, work only where a pair crosses.

Each distinct average is computed once a block and stays in the cache; a comparison of two averages takes a fraction of
a nanosecond a bar. A crossing is carried out by the engine's own step, and the bars between two crossings are summed
up as `engine.summarize` does, so every number is the same to the bit.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tallow.core.engine import Market, prepare
from tallow.core.engine.batch import Summary, read_summary, summary_memory
from tallow.core.engine.bits import WORD, first_bit, greater_bits
from tallow.core.engine.checks import check_cash
from tallow.core.engine.fingerprints import fingerprint_of
from tallow.core.engine.kernels import FINGERPRINT, is_plain, plain
from tallow.core.engine.memory import Columns, borrow, borrow_columns, load, store
from tallow.core.engine.segments import Closes, Moments, advance, borrow_closes, gather_quiet
from tallow.core.engine.state import EVENT_COLUMNS, STATE_SIZE
from tallow.core.engine.step import mark
from tallow.core.indicators import averages, sums
from tallow.core.indicators.averages import EmaState, average_between, ema_start, ema_step, extend_prefix
from tallow.core.indicators.inputs import checked_window
from tallow.core.matching import Config, configure, inlined
from tallow.core.sweep.rules import ALONE, Spread
from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import UserError
from tallow.domain.scene import Execution

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Inputs = tuple[Columns, Closes, tuple[Floats, Floats]]
_BLOCK = 512  # bars a block: an average of them is four kilobytes
_SIZE = STATE_SIZE
_NONE, _ONE, _TOP = np.uint64(0), np.uint64(1), np.uint64(WORD - 1)
_NEXT = _SIZE + len(Moments._fields)  # place of the next row in the memory of a pair


class Averages(NamedTuple):
    """The distinct windows, the state of each exponential average, and whether these are what is compared."""

    windows: Ints
    states: Floats
    exponential: bool


class Desk(NamedTuple):
    """Where the kernel works. It borrows these arrays, so they belong to its caller.

    A block of every average; per pair whether the fast one was above in the row before the block; the places of
    crossings in the block; a log that keeps nothing.
    """

    lines: Floats
    above: Words
    hits: Ints
    log: Floats


def crossings(
    bars: Bars | Market,
    pairs: Sequence[tuple[int, int]],
    execution: Execution,
    *,
    cash: float,
    average: str = "sma",
    spread: Spread = ALONE,
) -> dict[str, Floats]:
    """Backtest "long while the fast average of the close is above the slow one" for many pairs of windows.

    The columns are those of `sweep` for the same rule, bit for bit, however the work is spread. Memory does not
    depend on the number of pairs beyond some hundred bytes for each.

    Args:
        bars: the series, or what `prepare` made of it.
        pairs: fast and slow window of each combination.
        execution: fills and costs without leverage, shorts, exits, impact, lots, ticks and minimum; see `can_cross`.
        cash: starting balance in quote units.
        average: ``sma`` or ``ema``.
        spread: into how many parts the pairs are cut, and who computes them.

    Example:
        >>> close = 100.0 + np.arange(300) % 60
        >>> bars = Bars.of(np.arange(300), (close, close, close, close, close))
        >>> crossings(bars, [(2, 5), (3, 9)], Execution(), cash=1_000.0)["trades"].tolist()
        [4.0, 4.0]

    Raises:
        DataError: BAD_BARS.
        UserError: BAD_PARAMETER, BAD_SETTING.
    """
    market, config = prepare(bars), configure(execution)
    if not can_cross(market, execution):
        raise UserError("BAD_SETTING", "crossings know no leverage, shorts, exits, impact, lots, ticks or funding")
    if average not in ("sma", "ema"):
        raise UserError("BAD_PARAMETER", f"average = {average!r} is unknown", facts={"valid": "sma, ema"})
    chosen = np.array([(checked_window(fast), checked_window(slow)) for fast, slow in pairs], np.int64).reshape(-1, 2)
    order = np.lexsort((chosen[:, 1], chosen[:, 0]))
    parts = [part for part in np.array_split(order, max(1, spread.parts)) if len(part)]
    memory = np.tile(np.append(summary_memory(check_cash(cash)), 0.0), (len(chosen), 1))
    inputs = market.columns, market.closes, prefix_sums(market.columns.close)

    def compute(part: Ints) -> None:
        windows, place = np.unique(chosen[part], return_inverse=True)
        states = np.array([tuple(ema_start(int(window))) for window in windows], np.float64)
        lines = Averages(windows, states, average == "ema")
        rows, places = memory[part], np.ascontiguousarray(place.reshape(-1, 2), np.int64)
        _CROSS(config, rows, inputs, lines, places, _desk(len(windows), len(part)))
        memory[part] = rows

    list(spread.map(compute, parts))
    found = [read_summary(row[:_NEXT], len(market), cash, 1.0) for row in memory]
    return {name: np.array([getattr(one, name) for one in found], np.float64) for name in Summary._fields if found}


def can_cross(market: Market, execution: Execution) -> bool:
    """Say whether `crossings` carries out every rule of these settings."""
    return is_plain(configure(execution), market.columns)


def _desk(windows: int, pairs: int) -> Desk:
    hits, log = np.empty(_BLOCK + 1, np.int64), np.empty((0, len(EVENT_COLUMNS)))
    return Desk(np.zeros((windows, _BLOCK)), np.zeros(pairs, np.uint64), hits, log)


def prefix_sums(close: Floats) -> tuple[Floats, Floats]:
    """Give the sums of the closes before every row, and after the last, each as two numbers."""
    highs, lows = np.zeros(len(close) + 1), np.zeros(len(close) + 1)
    extend_prefix(close, highs, lows)
    return highs, lows


@inlined
def _fill_sma(
    lines: Floats, windows: Ints, sums: tuple[Floats, Floats], start: int, count: int
) -> None:  # pragma: no cover
    highs, lows = sums
    for place in range(len(windows)):
        window, line = windows[place], lines[place]
        skip = min(count, max(0, window - 1 - start))
        line[:skip] = np.nan
        first, last = start + skip + 1, start + count + 1
        high = highs[first:last], highs[first - window : last - window]
        low = lows[first:last], lows[first - window : last - window]
        average_between(line[skip:count], window, high, low)


@inlined
def _fill_ema(lines: Floats, windows: Ints, states: Floats, close: Floats) -> None:  # pragma: no cover
    for place in range(len(windows)):
        state, line = EmaState(windows[place], int(states[place, 1]), states[place, 2]), lines[place]
        for i in range(len(close)):
            state, line[i] = ema_step(state, close[i])
        states[place, 1], states[place, 2] = state.seen, state.value


@inlined
def _find_crossings(
    fast: Floats, slow: Floats, block: tuple[Any, int], hits: Ints
) -> tuple[int, Any]:  # pragma: no cover
    # Write the places of crossings to `hits`; give how many, and whether the fast one is above in the last row. `block`
    # is whether it was above before, and the number of rows.
    found, (last, count) = 0, block
    for row in range(0, count, WORD):
        above = greater_bits(fast, slow, row)
        changed = above ^ ((above << _ONE) | last)
        last = above >> _TOP
        if count - row < WORD:
            changed &= (_ONE << np.uint64(count - row)) - _ONE
        # Most words have one crossing or none; counting instead of asking leaves the processor nothing to guess.
        hits[found] = row + first_bit(changed)
        found += int(changed != _NONE)
        changed &= changed - _ONE
        while changed != _NONE:
            hits[found] = row + first_bit(changed)
            found += 1
            changed &= changed - _ONE
    return found, last


@inlined
def _run_through(
    config: Config, m: Floats, columns: Columns, closes: Closes, block: tuple[int, int, Ints, int], log: Floats
) -> None:  # pragma: no cover
    # Take one pair from where it stands over the crossings of a block, in registers from the first to the last; behind
    # the last row only the marks are left.
    start, found, hits, above = block
    decided = float(above)
    state, row, rows = load(m), int(m[_NEXT]), len(columns.close)
    moments = Moments(m[_SIZE], m[_SIZE + 1], m[_SIZE + 2], m[_SIZE + 3], m[_SIZE + 4])
    hit = 0
    while hit < found:
        stop = start + hits[hit]
        end = row if state.order.pending != 0.0 else stop
        if end >= rows:
            moments = gather_quiet(moments, state, columns.close, closes, (row, rows))
            state = mark(state, columns.close[rows - 1])
            row = rows
            break
        crossed = end == stop
        decided = 1.0 - decided if crossed else decided
        event = row, end, 0, decided if crossed else np.nan
        state, moments = advance(config, (state, moments), columns, closes, event, log)
        row = end + 1
        hit += int(crossed)
    store(m, state)
    m[_SIZE], m[_SIZE + 1], m[_SIZE + 2], m[_SIZE + 3], m[_SIZE + 4] = moments
    m[_NEXT] = row


def _build(fingerprint: int) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def cross(
        config: Config, memory: Floats, inputs: Inputs, averages: Averages, places: Ints, desk: Desk
    ) -> None:  # pragma: no cover
        """Run all pairs over all bars; leave state and moments of each in its row of `memory`."""
        _ = fingerprint
        config = plain(config)
        columns, closes = borrow_columns(inputs[0]), borrow_closes(inputs[1])
        sums = borrow(inputs[2][0]), borrow(inputs[2][1])
        windows, states = borrow(averages.windows), borrow(averages.states)
        memory, log, places = borrow(memory), borrow(desk.log), borrow(places)
        lines, above, hits = borrow(desk.lines), borrow(desk.above), borrow(desk.hits)
        rows = len(columns.close)
        for start in range(0, rows, _BLOCK):
            count = min(_BLOCK, rows - start)
            if averages.exponential:
                _fill_ema(lines, windows, states, columns.close[start : start + count])
            else:
                _fill_sma(lines, windows, sums, start, count)
            for pair in range(len(memory)):
                before, fast, slow = above[pair], lines[places[pair, 0]], lines[places[pair, 1]]
                found, above[pair] = _find_crossings(fast, slow, (before, count), hits)
                if start + count == rows:
                    hits[found] = count
                    found += 1
                if found > 0:
                    _run_through(config, memory[pair], columns, closes, (start, found, hits, before), log)

    return cast(Callable[..., None], cross)


_CROSS = _build(FINGERPRINT ^ fingerprint_of(averages, sums))
