"""Where the close lies among recent prices: commodity channel index, stochastic."""

from typing import NamedTuple

import numpy as np

from tallow.core.indicators.averages import sma_start, sma_step
from tallow.core.indicators.compiled import compiled
from tallow.core.indicators.extremes import ChannelState, channel_start, channel_step
from tallow.core.indicators.inputs import checked_columns, checked_window, usable
from tallow.core.indicators.sharing import shared
from tallow.core.indicators.sums import PrefixSum
from tallow.domain.columns import Floats

_LAMBERT = 0.015  # puts most values between -100 and 100
_NOTHING = 1e-14  # a mean deviation below this part of the average is rounding: the window is constant


class Stochastic(NamedTuple):
    """The smoothed place of the close in the recent range, 0 to 100, and its average."""

    k: Floats
    d: Floats


class CciState(NamedTuple):
    """State of a commodity channel index: the last typical prices."""

    ring: Floats
    seen: int
    position: int


class StochasticState(NamedTuple):
    """State of a stochastic: the range of the window and two averages in a row."""

    channel: ChannelState
    k: PrefixSum
    d: PrefixSum


@shared
def cci(high: Floats, low: Floats, close: Floats, window: int = 20) -> Floats:
    """Measure how far the typical price is from its average, in units of 0.015 mean absolute deviations.

    Typical price = (high + low + close) / 3 (D. Lambert, 1980). NaN in the first `window - 1` rows; 0 when the window
    is constant; a missing value restarts it. Costs `window` operations a bar.

    Raises:
        UserError: BAD_PARAMETER when the window is below 1 or the columns differ in length.
    """
    high, low, close = checked_columns(high, low, close)
    return _cci_batch(cci_start(window), high, low, close)


@shared
def stochastic(
    high: Floats, low: Floats, close: Floats, window: int = 14, smooth_k: int = 3, smooth_d: int = 3
) -> Stochastic:
    """Place the close in the range of the last `window` bars: 0 is the lowest low, 100 the highest high (G. Lane).

    `k` is the simple average of that place over `smooth_k` bars (1 gives the fast form), `d` the average of `k` over
    `smooth_d`. Both begin in row `window + smooth_k + smooth_d - 3`. A range of zero counts as place 0, as in TA-Lib.
    A missing value restarts it.

    Raises:
        UserError: BAD_PARAMETER when a window is below 1 or the columns differ in length.
    """
    high, low, close = checked_columns(high, low, close)
    return Stochastic(*_stochastic_batch(stochastic_start(window, smooth_k, smooth_d), high, low, close))


def cci_start(window: int) -> CciState:
    """Give the state before the first bar."""
    return CciState(np.zeros(checked_window(window)), 0, 0)


def stochastic_start(window: int, smooth_k: int, smooth_d: int) -> StochasticState:
    """Give the state before the first bar."""
    smooth_k, smooth_d = checked_window(smooth_k, "smooth_k"), checked_window(smooth_d, "smooth_d")
    return StochasticState(channel_start(window), sma_start(smooth_k), sma_start(smooth_d))


@compiled
def cci_step(state: CciState, high: float, low: float, close: float) -> tuple[CciState, float]:  # pragma: no cover
    """Take in one bar and give the index."""
    ring, count, position = state
    typical = (high + low + close) / 3.0
    if not usable(typical):
        return CciState(ring, 0, 0), np.nan
    ring[position] = typical
    count = min(count + 1, len(ring))
    after = CciState(ring, count, 0 if position + 1 == len(ring) else position + 1)
    if count < len(ring):
        return after, np.nan
    mean = ring.sum() / count
    spread = np.abs(ring - mean).sum() / count
    if spread <= _NOTHING * abs(mean):
        return after, 0.0
    return after, (typical - mean) / (_LAMBERT * spread)


@compiled
def stochastic_step(
    state: StochasticState, high: float, low: float, close: float
) -> tuple[StochasticState, float, float]:  # pragma: no cover
    """Take in one bar; give k and d."""
    known = usable(high + low + close)
    channel, highest, lowest, _, _ = channel_step(state.channel, high if known else np.nan, low)
    span = highest - lowest
    place = 0.0 if span == 0.0 else 100.0 * (close - lowest) / span
    k, k_value = sma_step(state.k, place)
    d, d_value = sma_step(state.d, k_value)
    return StochasticState(channel, k, d), k_value if not np.isnan(d_value) else np.nan, d_value


@compiled
def _cci_batch(state: CciState, high: Floats, low: Floats, close: Floats) -> Floats:  # pragma: no cover
    line = np.empty(len(close))
    for row in range(len(close)):
        state, line[row] = cci_step(state, high[row], low[row], close[row])
    return line


@compiled
def _stochastic_batch(
    state: StochasticState, high: Floats, low: Floats, close: Floats
) -> tuple[Floats, Floats]:  # pragma: no cover
    k, d = np.empty(len(close)), np.empty(len(close))
    for row in range(len(close)):
        state, k[row], d[row] = stochastic_step(state, high[row], low[row], close[row])
    return k, d
