"""How far prices move: standard deviation, Bollinger bands, average true range."""

import math
from typing import NamedTuple

import numpy as np

from tallow.core.indicators.compiled import compiled
from tallow.core.indicators.inputs import checked_columns, checked_window, usable
from tallow.core.indicators.sharing import shared
from tallow.core.indicators.sums import RollingMoments, moments_start, moments_step
from tallow.domain.columns import Floats
from tallow.domain.errors import UserError


class Bollinger(NamedTuple):
    """The simple average and lines `width` standard deviations above and below it."""

    upper: Floats
    middle: Floats
    lower: Floats


class AtrState(NamedTuple):
    """State of an average true range: bars seen up to `window + 1`, last close, sum and later average of ranges."""

    window: int
    seen: int
    close: float
    value: float


@shared
def rolling_std(values: Floats, window: int) -> Floats:
    """Give the population standard deviation (divided by `window`) of the last `window` values.

    NaN in the first `window - 1` rows; a missing value restarts it. A deviation below 1e-15 of the values' size is 0.

    Example:
        >>> rolling_std(np.array([1.0, 3.0, 3.0]), 2).tolist()
        [nan, 1.0, 0.0]

    Raises:
        UserError: BAD_PARAMETER when the window is below 1.
    """
    (values,) = checked_columns(values)
    return _moments_batch(std_start(window), values)[1]


@shared
def bollinger(values: Floats, window: int = 20, width: float = 2.0) -> Bollinger:
    """Draw bands of `width` population standard deviations around the simple average (J. Bollinger).

    NaN in the first `window - 1` rows; a missing value restarts it.

    Raises:
        UserError: BAD_PARAMETER when the window is below 1 or the width is not a number above 0.
    """
    if not (math.isfinite(width) and width > 0):
        raise UserError("BAD_PARAMETER", f"width = {width!r} is not a number above 0", facts={"valid": "above 0"})
    (values,) = checked_columns(values)
    middle, std = _moments_batch(std_start(window), values)
    return Bollinger(middle + width * std, middle, middle - width * std)


@shared
def atr(high: Floats, low: Floats, close: Floats, window: int = 14) -> Floats:
    """Average the true range, the bar's range extended to the last close, with Wilder's smoothing.

    The first value, in row `window`, is the plain average of the first `window` true ranges (the first bar has none);
    then (window - 1) / window of the old average and 1 / window of the new range (J. W. Wilder, 1978). A missing
    value restarts it.

    Raises:
        UserError: BAD_PARAMETER when the window is below 1 or the columns differ in length.
    """
    high, low, close = checked_columns(high, low, close)
    return _atr_batch(atr_start(window), high, low, close)


def std_start(window: int) -> RollingMoments:
    """Give the state before the first value; its step is `sums.moments_step`."""
    return moments_start(checked_window(window))


def atr_start(window: int) -> AtrState:
    """Give the state before the first bar."""
    return AtrState(checked_window(window), 0, 0.0, 0.0)


@compiled
def true_range(high: float, low: float, last_close: float) -> float:  # pragma: no cover
    """Give the bar's range, extended to the close of the bar before."""
    return max(high - low, max(abs(high - last_close), abs(low - last_close)))


@compiled
def atr_step(state: AtrState, high: float, low: float, close: float) -> tuple[AtrState, float]:  # pragma: no cover
    """Take in one bar and give the average true range."""
    window, count, last_close, value = state
    if not usable(high + low + close):
        return AtrState(window, 0, 0.0, 0.0), np.nan
    if count == 0:
        return AtrState(window, 1, close, 0.0), np.nan
    span = true_range(high, low, last_close)
    if count > window:
        value = (value * (window - 1) + span) / window
        return AtrState(window, count, close, value), value
    value += span
    if count < window:
        return AtrState(window, count + 1, close, value), np.nan
    return AtrState(window, count + 1, close, value / window), value / window


@compiled
def _moments_batch(state: RollingMoments, values: Floats) -> tuple[Floats, Floats]:  # pragma: no cover
    mean, std = np.empty(len(values)), np.empty(len(values))
    for row in range(len(values)):
        state, mean[row], std[row] = moments_step(state, values[row])
    return mean, std


@compiled
def _atr_batch(state: AtrState, high: Floats, low: Floats, close: Floats) -> Floats:  # pragma: no cover
    line = np.empty(len(close))
    for row in range(len(close)):
        state, line[row] = atr_step(state, high[row], low[row], close[row])
    return line
