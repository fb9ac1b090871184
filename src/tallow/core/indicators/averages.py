"""Moving averages: simple, exponential, weighted."""

from typing import NamedTuple

import numpy as np

from tallow.core.indicators.compiled import compiled
from tallow.core.indicators.inputs import checked_columns, checked_window, usable
from tallow.core.indicators.sums import RollingSum, add, multiply, sum_start, sum_step
from tallow.domain.columns import Floats


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
    return _sma_batch(sma_start(window), values)


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


def sma_start(window: int) -> RollingSum:
    """Give the state before the first value."""
    return sum_start(checked_window(window))


def ema_start(window: int) -> EmaState:
    """Give the state before the first value."""
    return EmaState(checked_window(window), 0, 0.0)


def wma_start(window: int) -> WmaState:
    """Give the state before the first value."""
    return WmaState(sum_start(checked_window(window)), 0.0, 0.0)


@compiled
def sma_step(state: RollingSum, value: float) -> tuple[RollingSum, float]:  # pragma: no cover
    """Take in one value and give the average."""
    state, full = sum_step(state, value)
    return state, (state.high + state.low) / len(state.ring) if full else np.nan


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
def _sma_batch(state: RollingSum, values: Floats) -> Floats:  # pragma: no cover
    line = np.empty(len(values))
    for row in range(len(values)):
        state, line[row] = sma_step(state, values[row])
    return line


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
