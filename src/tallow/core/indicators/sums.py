"""Running sums over a window that do not drift.

A sum is kept as two numbers whose exact total is the sum (T. J. Dekker, "A floating-point technique for extending
the available precision", 1971): what a large value took away in the last bits comes back when it leaves the window.
After any number of bars the error is about 1e-32 of the largest value seen since the last restart.
"""

from typing import NamedTuple

import numpy as np

from tallow.core.indicators.compiled import compiled
from tallow.core.indicators.inputs import usable
from tallow.domain.columns import Floats

_SPLIT = 134_217_729.0  # 2**27 + 1 halves the 53 bits of a float64
_NOTHING = 1e-30  # a variance below this part of the mean square is rounding: the window is constant


class RollingSum(NamedTuple):
    """Sum of the last `len(ring)` values: `high + low`. A step writes into `ring`: use only the returned state."""

    ring: Floats
    seen: int
    position: int
    high: float
    low: float


class PrefixSum(NamedTuple):
    """Sum of all values since the last restart, `high + low`, and what it was before each of the last values.

    A step writes into the rings: use only the returned state.
    """

    highs: Floats
    lows: Floats
    seen: int
    position: int
    high: float
    low: float


class RollingMoments(NamedTuple):
    """Sums of the last `len(ring)` values and of their squares, each as two numbers."""

    ring: Floats
    seen: int
    position: int
    high: float
    low: float
    square_high: float
    square_low: float


@compiled
def add(high: float, low: float, value: float) -> tuple[float, float]:  # pragma: no cover
    """Add a value to the sum `high + low` without losing its last bits."""
    total = high + value
    part = total - high
    return total, low + ((high - (total - part)) + (value - part))


@compiled
def multiply(left: float, right: float) -> tuple[float, float]:  # pragma: no cover
    """Give a product as the rounded product and what rounding took away."""
    product = left * right
    shifted_left, shifted_right = _SPLIT * left, _SPLIT * right
    left_high = shifted_left - (shifted_left - left)
    right_high = shifted_right - (shifted_right - right)
    left_low, right_low = left - left_high, right - right_high
    error = ((left_high * right_high - product) + left_high * right_low + left_low * right_high) + left_low * right_low
    return product, error


def sum_start(window: int) -> RollingSum:
    """Give the state before the first value."""
    return RollingSum(np.zeros(window), 0, 0, 0.0, 0.0)


@compiled
def sum_step(state: RollingSum, value: float) -> tuple[RollingSum, bool]:  # pragma: no cover
    """Take in one value; say whether the window is full. A value that is not usable empties the window."""
    ring, count, position, high, low = state
    if not usable(value):
        return RollingSum(ring, 0, 0, 0.0, 0.0), False
    if count == len(ring):
        high, low = add(high, low, -ring[position])
    else:
        count += 1
    high, low = add(high, low, value)
    ring[position] = value
    position = 0 if position + 1 == len(ring) else position + 1
    return RollingSum(ring, count, position, high, low), count == len(ring)


def prefix_start(window: int) -> PrefixSum:
    """Give the state before the first value."""
    return PrefixSum(np.zeros(window), np.zeros(window), 0, 0, 0.0, 0.0)


@compiled
def sum_between(high: float, low: float, before_high: float, before_low: float) -> float:  # pragma: no cover
    """Give the sum of the values between two prefix sums."""
    total, error = add(high, low - before_low, -before_high)
    return total + error


@compiled
def prefix_step(state: PrefixSum, value: float) -> tuple[PrefixSum, float]:  # pragma: no cover
    """Take in one value and give the sum of a full window, NaN until then; a value not usable empties it."""
    highs, lows, seen, position, high, low = state
    if not usable(value):
        return PrefixSum(highs, lows, 0, 0, 0.0, 0.0), np.nan
    highs[position], lows[position] = high, low
    high, low = add(high, low, value)
    seen = min(seen + 1, len(highs))
    position = 0 if position + 1 == len(highs) else position + 1
    after = PrefixSum(highs, lows, seen, position, high, low)
    if seen < len(highs):
        return after, np.nan
    return after, sum_between(high, low, highs[position], lows[position])


def moments_start(window: int) -> RollingMoments:
    """Give the state before the first value."""
    return RollingMoments(np.zeros(window), 0, 0, 0.0, 0.0, 0.0, 0.0)


@compiled
def deviation(state: RollingMoments) -> float:  # pragma: no cover
    """Give the population standard deviation of a full window; exactly 0 when it is constant."""
    count = float(state.seen)
    # count^2 x variance = count x (sum of squares) - (sum)^2: both are huge and nearly equal, so both are exact.
    scaled, scaled_error = multiply(count, state.square_high)
    squared, squared_error = multiply(state.high, state.high)
    difference, error = add(scaled, scaled_error + count * state.square_low, -squared)
    difference += error - (squared_error + 2.0 * state.high * state.low + state.low * state.low)
    if difference <= _NOTHING * scaled:
        return 0.0
    return float(np.sqrt(difference) / count)


@compiled
def moments_step(state: RollingMoments, value: float) -> tuple[RollingMoments, float, float]:  # pragma: no cover
    """Take in one value; give mean and population standard deviation, NaN until the window is full."""
    ring, count, position, high, low, square_high, square_low = state
    if not usable(value):
        return RollingMoments(ring, 0, 0, 0.0, 0.0, 0.0, 0.0), np.nan, np.nan
    if count == len(ring):
        high, low = add(high, low, -ring[position])
        product, error = multiply(ring[position], ring[position])
        square_high, square_low = add(square_high, square_low - error, -product)
    else:
        count += 1
    high, low = add(high, low, value)
    product, error = multiply(value, value)
    square_high, square_low = add(square_high, square_low + error, product)
    ring[position] = value
    position = 0 if position + 1 == len(ring) else position + 1
    after = RollingMoments(ring, count, position, high, low, square_high, square_low)
    if count < len(ring):
        return after, np.nan, np.nan
    return after, (high + low) / count, deviation(after)
