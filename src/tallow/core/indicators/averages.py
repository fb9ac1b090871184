"""Moving averages: simple, exponential, weighted."""

from typing import NamedTuple

import numpy as np

from tallow.core.indicators.compiled import compiled
from tallow.core.indicators.inputs import checked_columns, checked_window, usable
from tallow.core.indicators.sharing import held, line_memory, shared
from tallow.core.indicators.sums import (
    PrefixSum,
    RollingSum,
    add,
    multiply,
    prefix_start,
    prefix_step,
    sum_between,
    sum_start,
    sum_step,
)
from tallow.domain.columns import Floats, Mask

_CHUNK = 4096  # rows whose sums stay in the first cache


class EmaState(NamedTuple):
    """State of an exponential average: values seen up to `window`, their sum until then, the average after."""

    window: int
    seen: int
    value: float


class WmaState(NamedTuple):
    """State of a weighted average: the plain sum and the weighted one, each as two numbers."""

    values: RollingSum
    high: float
    low: float


@shared
def sma(values: Floats, window: int) -> Floats:
    """Average the last `window` values.

    NaN in the first `window - 1` rows. A missing value (NaN, infinite) restarts it: that row and the next
    `window - 1` are NaN.

    Example:
        >>> sma(np.array([1.0, 2.0, 3.0, 4.0]), 2).tolist()
        [nan, 1.5, 2.5, 3.5]

    Raises:
        UserError: BAD_PARAMETER when the window is below 1.
    """
    (values,) = checked_columns(values)
    window, sums = checked_window(window), held(prefix_sums, values)
    line = line_memory(len(values))  # from numpy, which asks for large pages: they cost a fraction to touch
    if sums is not None and sums.whole:
        _sma_from(line, window, sums)
    elif sums is not None or not _sma_whole(line, window, values):
        _sma_batch(line, sma_start(window), values)
    return line


class PrefixSums(NamedTuple):
    """Sums of the values before every row and after the last one, each as two numbers.

    Attributes:
        first: row of the first usable value; sums before it are 0.
        whole: whether every value from there on is usable; without that the sums mean nothing.
    """

    first: int
    whole: bool
    highs: Floats
    lows: Floats


def prefix_sums(values: Floats) -> PrefixSums:
    """Sum up a column once for averages over any window.

    Example:
        >>> prefix_sums(np.array([np.nan, 1.0, 2.0])).highs.tolist()
        [0.0, 0.0, 1.0, 3.0]
    """
    first, whole = find_whole(values)
    highs, lows = np.zeros(len(values) + 1), np.zeros(len(values) + 1)
    if whole:
        extend_prefix(values[first:], highs[first:], lows[first:])
    return PrefixSums(first, whole, highs, lows)


def sma_above(values: Floats, fast: int, slow: int) -> Mask:
    """Say in which rows `sma(values, fast) > sma(values, slow)`, without either in memory; False where one is NaN.

    Example:
        >>> sma_above(np.array([1.0, 2.0, 3.0, 1.0]), 1, 2).tolist()
        [False, True, True, False]

    Raises:
        UserError: BAD_PARAMETER when a window is below 1.
    """
    (values,) = checked_columns(values)
    windows = checked_window(fast, "fast"), checked_window(slow, "slow")
    above = np.zeros(len(values), np.bool_)
    return above if _above_whole(above, windows, values) else sma(values, fast) > sma(values, slow)


@shared
def ema(values: Floats, window: int) -> Floats:
    """Average exponentially with weight 2 / (window + 1) on the newest value.

    The first value, in row `window - 1`, is the plain average of the first `window` values. A missing value restarts
    it; leading NaN rows are therefore skipped, so that averages of averages work.

    Example:
        >>> ema(np.array([1.0, 2.0, 3.0, 6.0]), 3).tolist()
        [nan, nan, 2.0, 4.0]

    Raises:
        UserError: BAD_PARAMETER when the window is below 1.
    """
    (values,) = checked_columns(values)
    return _ema_batch(ema_start(window), values)


@shared
def wma(values: Floats, window: int) -> Floats:
    """Average the last `window` values with weights 1, 2, ... `window`, the newest the heaviest.

    NaN in the first `window - 1` rows; a missing value restarts it.

    Example:
        >>> wma(np.array([3.0, 6.0, 9.0]), 2).tolist()
        [nan, 5.0, 8.0]

    Raises:
        UserError: BAD_PARAMETER when the window is below 1.
    """
    (values,) = checked_columns(values)
    return _wma_batch(wma_start(window), values)


def sma_start(window: int) -> PrefixSum:
    """Give the state before the first value."""
    return prefix_start(checked_window(window))


def ema_start(window: int) -> EmaState:
    """Give the state before the first value."""
    return EmaState(checked_window(window), 0, 0.0)


def wma_start(window: int) -> WmaState:
    """Give the state before the first value."""
    return WmaState(sum_start(checked_window(window)), 0.0, 0.0)


@compiled
def sma_step(state: PrefixSum, value: float) -> tuple[PrefixSum, float]:  # pragma: no cover
    """Take in one value and give the average."""
    state, total = prefix_step(state, value)
    return state, total / len(state.highs)


@compiled
def ema_step(state: EmaState, value: float) -> tuple[EmaState, float]:  # pragma: no cover
    """Take in one value and give the average."""
    window, count, average = state
    if not usable(value):
        return EmaState(window, 0, 0.0), np.nan
    if count == window:
        average += (value - average) * (2.0 / (window + 1.0))
        return EmaState(window, count, average), average
    average += value
    count += 1
    if count < window:
        return EmaState(window, count, average), np.nan
    return EmaState(window, count, average / window), average / window


@compiled
def wma_step(state: WmaState, value: float) -> tuple[WmaState, float]:  # pragma: no cover
    """Take in one value and give the average."""
    values, high, low = state
    window = len(values.ring)
    if not usable(value):
        values, _ = sum_step(values, value)
        return WmaState(values, 0.0, 0.0), np.nan
    if values.seen == window:
        # Every weight falls by one: that is the plain sum of the window before.
        high, low = add(high, low, -values.high)
        high, low = add(high, low, -values.low)
    product, error = multiply(float(min(values.seen + 1, window)), value)
    high, low = add(high, low + error, product)
    values, full = sum_step(values, value)
    return WmaState(values, high, low), (high + low) / (0.5 * window * (window + 1)) if full else np.nan


@compiled
def _first_usable(values: Floats) -> int:  # pragma: no cover
    first = 0
    while first < len(values) and not usable(values[first]):
        first += 1
    return first


@compiled
def find_whole(values: Floats) -> tuple[int, bool]:  # pragma: no cover
    """Give the first usable row, and whether every row from there on is usable."""
    first = _first_usable(values)
    part = values[first:]
    missing = 0
    for i in range(len(part)):
        missing += not usable(part[i])
    return first, missing == 0


@compiled
def extend_prefix(values: Floats, highs: Floats, lows: Floats) -> None:  # pragma: no cover
    """Fill in the prefix sums after the first one, which is given."""
    high, low = highs[0], lows[0]
    for i in range(len(values)):
        high, low = add(high, low, values[i])
        highs[i + 1], lows[i + 1] = high, low


@compiled
def average_between(
    line: Floats, window: int, highs: tuple[Floats, Floats], lows: tuple[Floats, Floats]
) -> None:  # pragma: no cover
    """Fill in averages from the prefix sums after each row, and before the window that ends there."""
    high, before_high, low, before_low = highs[0], highs[1], lows[0], lows[1]
    for i in range(len(line)):
        line[i] = sum_between(high[i], low[i], before_high[i], before_low[i]) / window


@compiled
def _keep_last(highs: Floats, lows: Floats, start: int, count: int) -> None:  # pragma: no cover
    # Move sums to the front, for the next chunk; a loop compiles in a tenth of the time of a slice assignment.
    for i in range(count):
        highs[i], lows[i] = highs[start + i], lows[start + i]


@compiled
def _average_chunk(
    line: Floats, window: int, sums: tuple[Floats, Floats], last: int, missing: int
) -> None:  # pragma: no cover
    # Averages of a chunk whose sums end at place `last`; its first rows, as many as are `missing`, have none.
    highs, lows = sums
    line[:missing] = np.nan
    if missing < len(line):
        first = last - len(line) + missing + 1
        high = highs[first : last + 1], highs[first - window : last + 1 - window]
        low = lows[first : last + 1], lows[first - window : last + 1 - window]
        average_between(line[missing:], window, high, low)


@compiled
def _extend_usable(values: Floats, highs: Floats, lows: Floats) -> bool:  # pragma: no cover
    # As `extend_prefix`; say whether every value is usable. A chunk is in the cache, so it is looked at twice.
    missing = 0
    for i in range(len(values)):
        missing += not usable(values[i])
    extend_prefix(values, highs, lows)
    return missing == 0


@compiled
def _sma_whole(line: Floats, window: int, values: Floats) -> bool:  # pragma: no cover
    # The same sums in the same order as the step, a chunk at a time: sums one by one, averages in vector instructions.
    # Say whether that was possible: no value after the first usable one is missing.
    first = _first_usable(values)
    line[:first] = np.nan
    chunk = max(_CHUNK, window)
    highs, lows = np.zeros(window + chunk + 1), np.zeros(window + chunk + 1)
    for start in range(first, len(values), chunk):
        part = values[start : start + chunk]
        count = len(part)
        if not _extend_usable(part, highs[window:], lows[window:]):
            return False
        missing = min(count, max(0, first + window - 1 - start))
        _average_chunk(line[start : start + count], window, (highs, lows), window + count, missing)
        _keep_last(highs, lows, count, window + 1)
    return True


@compiled
def _sma_from(line: Floats, window: int, sums: PrefixSums) -> None:  # pragma: no cover
    missing = min(len(line), sums.first + window - 1)
    _average_chunk(line, window, (sums.highs, sums.lows), len(line), missing)


@compiled
def _above_whole(above: Mask, windows: tuple[int, int], values: Floats) -> bool:  # pragma: no cover
    # Fill in where one average is above the other; say whether that was possible, as `_sma_whole` does.
    longest, first = max(windows[0], windows[1]), _first_usable(values)
    chunk = max(_CHUNK, longest)
    highs, lows = np.zeros(longest + chunk + 1), np.zeros(longest + chunk + 1)
    fast, slow = np.empty(chunk), np.empty(chunk)
    for start in range(first, len(values), chunk):
        part = values[start : start + chunk]
        count = len(part)
        if not _extend_usable(part, highs[longest:], lows[longest:]):
            return False
        for line, window in ((fast, windows[0]), (slow, windows[1])):
            missing = min(count, max(0, first + window - 1 - start))
            _average_chunk(line[:count], window, (highs, lows), longest + count, missing)
        out = above[start : start + count]
        for i in range(count):
            out[i] = fast[i] > slow[i]
        _keep_last(highs, lows, count, longest + 1)
    return True


@compiled
def _sma_batch(line: Floats, state: PrefixSum, values: Floats) -> None:  # pragma: no cover
    for row in range(len(values)):
        state, line[row] = sma_step(state, values[row])


@compiled
def _ema_batch(state: EmaState, values: Floats) -> Floats:  # pragma: no cover
    line = np.empty(len(values))
    for row in range(len(values)):
        state, line[row] = ema_step(state, values[row])
    return line


@compiled
def _wma_batch(state: WmaState, values: Floats) -> Floats:  # pragma: no cover
    line = np.empty(len(values))
    for row in range(len(values)):
        state, line[row] = wma_step(state, values[row])
    return line
