"""Rolling highest and lowest values, Donchian channel, Aroon."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tallow.core.indicators.compiled import compiled
from tallow.core.indicators.inputs import checked_columns, checked_window, usable
from tallow.core.indicators.sharing import shared
from tallow.domain.columns import Floats


class ExtremeState(NamedTuple):
    """State of a rolling maximum: the values that may still become one, in falling order, with their rows.

    They lie in two rings from `head` on; `row` counts values since the last restart. A step writes into the rings:
    use only the returned state.
    """

    values: Floats
    rows: NDArray[np.int64]
    head: int
    size: int
    row: int


class ChannelState(NamedTuple):
    """State of a highest high and a lowest low; the low is kept as the maximum of negated lows."""

    high: ExtremeState
    low: ExtremeState


class Donchian(NamedTuple):
    """Highest high, the middle between both, lowest low."""

    upper: Floats
    middle: Floats
    lower: Floats


class Aroon(NamedTuple):
    """How recent the highest high (`up`) and the lowest low (`down`) are: 100 is this bar, 0 is `window` bars ago."""

    up: Floats
    down: Floats


@shared
def rolling_max(values: Floats, window: int) -> Floats:
    """Give the largest of the last `window` values, the row itself included.

    NaN in the first `window - 1` rows; a missing value restarts it.

    Example:
        >>> rolling_max(np.array([1.0, 5.0, 2.0, 3.0]), 2).tolist()
        [nan, 5.0, 5.0, 3.0]

    Raises:
        UserError: BAD_PARAMETER when the window is below 1.
    """
    (values,) = checked_columns(values)
    return _maximum_batch(extreme_start(window), values)


@shared
def rolling_min(values: Floats, window: int) -> Floats:
    """Give the smallest of the last `window` values, the row itself included.

    NaN in the first `window - 1` rows; a missing value restarts it.

    Raises:
        UserError: BAD_PARAMETER when the window is below 1.
    """
    (values,) = checked_columns(values)
    return -_maximum_batch(extreme_start(window), -values)


@shared
def donchian(high: Floats, low: Floats, window: int = 20) -> Donchian:
    """Give the channel between the highest high and the lowest low of the last `window` bars, this bar included.

    A breakout rule compares with the row before: no close lies above its own bar's high. NaN in the first
    `window - 1` rows; a missing value in either column restarts it.

    Raises:
        UserError: BAD_PARAMETER when the window is below 1 or the columns differ in length.
    """
    high, low = checked_columns(high, low)
    return Donchian(*_donchian_batch(channel_start(window), high, low))


@shared
def aroon(high: Floats, low: Floats, window: int = 14) -> Aroon:
    """Say how many bars ago the extremes of the last `window + 1` bars were, as per cent; of equals the latest counts.

    NaN in the first `window` rows; a missing value in either column restarts it.

    Raises:
        UserError: BAD_PARAMETER when the window is below 1 or the columns differ in length.
    """
    high, low = checked_columns(high, low)
    return Aroon(*_aroon_batch(aroon_start(window), high, low))


def extreme_start(window: int) -> ExtremeState:
    """Give the state before the first value."""
    window = checked_window(window)
    return ExtremeState(np.zeros(window), np.zeros(window, np.int64), 0, 0, 0)


def channel_start(window: int) -> ChannelState:
    """Give the state before the first bar."""
    return ChannelState(extreme_start(window), extreme_start(window))


def aroon_start(window: int) -> ChannelState:
    """Give the state before the first bar."""
    return channel_start(checked_window(window) + 1)


@compiled
def extreme_step(state: ExtremeState, value: float) -> tuple[ExtremeState, float, int]:  # pragma: no cover
    """Take in one value; give the maximum (NaN until the window is full) and how many rows ago it was."""
    values, rows, head, size, row = state
    window = len(values)
    if not usable(value):
        return ExtremeState(values, rows, 0, 0, 0), np.nan, 0
    if size > 0 and rows[head] <= row - window:
        head = head + 1 if head + 1 < window else 0
        size -= 1
    while size > 0:
        last = head + size - 1
        last = last if last < window else last - window
        if values[last] > value:
            break
        size -= 1
    slot = head + size
    slot = slot if slot < window else slot - window
    values[slot], rows[slot] = value, row
    after = ExtremeState(values, rows, head, size + 1, row + 1)
    return after, values[head] if row + 1 >= window else np.nan, row - rows[head]


@compiled
def channel_step(
    state: ChannelState, high: float, low: float
) -> tuple[ChannelState, float, float, int, int]:  # pragma: no cover
    """Take in one bar; give highest high, lowest low, and how many rows ago each was."""
    both = high + low
    upper, highest, high_age = extreme_step(state.high, high if usable(both) else np.nan)
    lower, lowest, low_age = extreme_step(state.low, -low if usable(both) else np.nan)
    return ChannelState(upper, lower), highest, -lowest, high_age, low_age


@compiled
def donchian_step(
    state: ChannelState, high: float, low: float
) -> tuple[ChannelState, float, float, float]:  # pragma: no cover
    """Take in one bar; give upper, middle, lower."""
    state, highest, lowest, _, _ = channel_step(state, high, low)
    return state, highest, 0.5 * (highest + lowest), lowest


@compiled
def aroon_step(state: ChannelState, high: float, low: float) -> tuple[ChannelState, float, float]:  # pragma: no cover
    """Take in one bar; give up and down."""
    state, highest, _, high_age, low_age = channel_step(state, high, low)
    window = len(state.high.values) - 1
    if np.isnan(highest):
        return state, np.nan, np.nan
    return state, 100.0 * (window - high_age) / window, 100.0 * (window - low_age) / window


@compiled
def _maximum_batch(state: ExtremeState, values: Floats) -> Floats:  # pragma: no cover
    line = np.empty(len(values))
    for row in range(len(values)):
        state, line[row], _ = extreme_step(state, values[row])
    return line


@compiled
def _donchian_batch(
    state: ChannelState, high: Floats, low: Floats
) -> tuple[Floats, Floats, Floats]:  # pragma: no cover
    upper, middle, lower = np.empty(len(high)), np.empty(len(high)), np.empty(len(high))
    for row in range(len(high)):
        state, upper[row], middle[row], lower[row] = donchian_step(state, high[row], low[row])
    return upper, middle, lower


@compiled
def _aroon_batch(state: ChannelState, high: Floats, low: Floats) -> tuple[Floats, Floats]:  # pragma: no cover
    up, down = np.empty(len(high)), np.empty(len(high))
    for row in range(len(high)):
        state, up[row], down[row] = aroon_step(state, high[row], low[row])
    return up, down
