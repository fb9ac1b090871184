"""Strength and direction of a trend: average directional index."""

from typing import NamedTuple

import numpy as np

from tallow.core.indicators.compiled import compiled
from tallow.core.indicators.inputs import checked_columns, checked_window, usable
from tallow.core.indicators.sharing import shared
from tallow.core.indicators.volatility import true_range
from tallow.domain.columns import Floats


class Adx(NamedTuple):
    """Strength of the trend, and the directional indices up and down; all between 0 and 100."""

    adx: Floats
    plus_di: Floats
    minus_di: Floats


class AdxState(NamedTuple):
    """State of an ADX: bars seen up to `2 * window`, the last bar, smoothed sums, and the sum, later average, of DX."""

    window: int
    seen: int
    high: float
    low: float
    close: float
    plus: float
    minus: float
    span: float
    value: float


@shared
def adx(high: Floats, low: Floats, close: Floats, window: int = 14) -> Adx:
    """Measure how one-sided the movement of highs and lows is (J. W. Wilder, 1978).

    `plus_di` and `minus_di` begin in row `window`, `adx` in row `2 * window - 1`: sums of the first `window - 1`
    movements, then Wilder's smoothing; the first `adx` is the plain average of `window` values of DX. A bar in which
    nothing has moved leaves `adx` as it was. A missing value restarts it.

    Raises:
        UserError: BAD_PARAMETER when the window is below 1 or the columns differ in length.
    """
    high, low, close = checked_columns(high, low, close)
    return Adx(*_adx_batch(adx_start(window), high, low, close))


def adx_start(window: int) -> AdxState:
    """Give the state before the first bar."""
    return AdxState(checked_window(window), 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@compiled
def movement(rise: float, fall: float) -> tuple[float, float]:  # pragma: no cover
    """Give the directional movement up and down: only the larger of the two counts, and only when positive."""
    if fall > 0.0 and rise < fall:
        return 0.0, fall
    return (rise, 0.0) if rise > 0.0 and rise > fall else (0.0, 0.0)


@compiled
def directions(plus: float, minus: float, span: float) -> tuple[float, float, float]:  # pragma: no cover
    """Give both directional indices and DX; DX is NaN when nothing moved."""
    if span <= 0.0:
        return 0.0, 0.0, np.nan
    up, down = 100.0 * (plus / span), 100.0 * (minus / span)
    return up, down, 100.0 * (abs(down - up) / (down + up)) if down + up > 0.0 else np.nan


@compiled
def adx_step(
    state: AdxState, high: float, low: float, close: float
) -> tuple[AdxState, float, float, float]:  # pragma: no cover
    """Take in one bar; give adx, plus_di, minus_di."""
    window, count, last_high, last_low, last_close, plus, minus, span, value = state
    if not usable(high + low + close):
        return AdxState(window, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), np.nan, np.nan, np.nan
    if count == 0:
        return AdxState(window, 1, high, low, close, 0.0, 0.0, 0.0, 0.0), np.nan, np.nan, np.nan
    if count >= window:
        plus, minus, span = plus - plus / window, minus - minus / window, span - span / window
    up, down = movement(high - last_high, last_low - low)
    plus, minus, span = plus + up, minus + down, span + true_range(high, low, last_close)
    if count < window:
        return AdxState(window, count + 1, high, low, close, plus, minus, span, 0.0), np.nan, np.nan, np.nan
    plus_di, minus_di, dx = directions(plus, minus, span)
    if count >= 2 * window:
        value = value if np.isnan(dx) else (value * (window - 1) + dx) / window
    else:
        value += 0.0 if np.isnan(dx) else dx
        count += 1
        value = value / window if count == 2 * window else value
    after = AdxState(window, count, high, low, close, plus, minus, span, value)
    return after, value if count == 2 * window else np.nan, plus_di, minus_di


@compiled
def _adx_batch(
    state: AdxState, high: Floats, low: Floats, close: Floats
) -> tuple[Floats, Floats, Floats]:  # pragma: no cover
    line, plus, minus = np.empty(len(close)), np.empty(len(close)), np.empty(len(close))
    for row in range(len(close)):
        state, line[row], plus[row], minus[row] = adx_step(state, high[row], low[row], close[row])
    return line, plus, minus
