"""Price and volume: on-balance volume, volume-weighted average price."""

from typing import NamedTuple

import numpy as np

from tallow.core.indicators.compiled import compiled
from tallow.core.indicators.inputs import checked_columns, checked_window, usable
from tallow.core.indicators.sharing import shared
from tallow.core.indicators.sums import RollingSum, add, sum_start, sum_step
from tallow.domain.columns import Floats, Times
from tallow.domain.errors import UserError
from tallow.domain.timeframes import DAY


class ObvState(NamedTuple):
    """State of an on-balance volume: the last close (NaN before the first), the running total as two numbers."""

    close: float
    high: float
    low: float


class VwapState(NamedTuple):
    """State of a rolling VWAP: sums of value and volume, and how many bars of the window had volume."""

    value: RollingSum
    volume: RollingSum
    traded: int


class DailyVwapState(NamedTuple):
    """State of a daily VWAP: day number since 1970 UTC, sums of value and volume as two numbers each."""

    day: int
    value_high: float
    value_low: float
    volume_high: float
    volume_low: float


@shared
def obv(close: Floats, volume: Floats) -> Floats:
    """Add the volume of bars that close higher than the bar before, subtract that of bars that close lower.

    It begins with the first bar's volume, as in TA-Lib; only its changes mean something. A missing value gives NaN
    and the next bar begins again with its own volume.

    Example:
        >>> obv(np.array([1.0, 2.0, 2.0, 1.0]), np.array([10.0, 5.0, 7.0, 3.0])).tolist()
        [10.0, 15.0, 15.0, 12.0]

    Raises:
        UserError: BAD_PARAMETER when the columns differ in length.
    """
    close, volume = checked_columns(close, volume)
    return _obv_batch(obv_start(), close, volume)


@shared
def vwap(high: Floats, low: Floats, close: Floats, volume: Floats, window: int = 20) -> Floats:
    """Average the typical price of the last `window` bars, weighted by volume.

    Typical price = (high + low + close) / 3. NaN in the first `window - 1` rows and where no bar of the window had
    volume; a missing value restarts it.

    Raises:
        UserError: BAD_PARAMETER when the window is below 1 or the columns differ in length.
    """
    high, low, close, volume = checked_columns(high, low, close, volume)
    return _vwap_batch(vwap_start(window), high, low, close, volume)


@shared
def daily_vwap(time: Times, high: Floats, low: Floats, close: Floats, volume: Floats) -> Floats:
    """Average the typical price since midnight UTC, weighted by volume; `time` is the bars' open in microseconds.

    NaN before the day's first bar with volume. After a missing value it is NaN up to the end of that day, because the
    rest of the day's average would not be the day's. A first day that begins after midnight counts from its first bar.

    Raises:
        UserError: BAD_PARAMETER when the columns differ in length.
    """
    high, low, close, volume = checked_columns(high, low, close, volume)
    times = np.ascontiguousarray(time, np.int64)
    if times.shape != close.shape:
        facts = {"received": f"{times.shape}, {close.shape}", "valid": "equal lengths"}
        raise UserError("BAD_PARAMETER", "the columns of an indicator differ in shape", facts=facts)
    return _daily_vwap_batch(daily_vwap_start(), times, high, low, close, volume)


def obv_start() -> ObvState:
    """Give the state before the first bar."""
    return ObvState(float("nan"), 0.0, 0.0)


def vwap_start(window: int) -> VwapState:
    """Give the state before the first bar."""
    window = checked_window(window)
    return VwapState(sum_start(window), sum_start(window), 0)


def daily_vwap_start() -> DailyVwapState:
    """Give the state before the first bar."""
    return DailyVwapState(-(2**62), 0.0, 0.0, 0.0, 0.0)


@compiled
def obv_step(state: ObvState, close: float, volume: float) -> tuple[ObvState, float]:  # pragma: no cover
    """Take in one bar and give the running total."""
    last, high, low = state
    if not usable(close + volume):
        return ObvState(np.nan, 0.0, 0.0), np.nan
    if np.isnan(last) or close > last:
        high, low = add(high, low, volume)
    elif close < last:
        high, low = add(high, low, -volume)
    return ObvState(close, high, low), high + low


@compiled
def vwap_step(
    state: VwapState, high: float, low: float, close: float, volume: float
) -> tuple[VwapState, float]:  # pragma: no cover
    """Take in one bar and give the average price."""
    value, quantity, traded = state
    typical = (high + low + close) / 3.0
    if not usable(typical * volume + volume):
        value, _ = sum_step(value, np.nan)
        quantity, _ = sum_step(quantity, np.nan)
        return VwapState(value, quantity, 0), np.nan
    if quantity.seen == len(quantity.ring) and quantity.ring[quantity.position] != 0.0:
        traded -= 1
    traded += volume != 0.0
    value, _ = sum_step(value, typical * volume)
    quantity, full = sum_step(quantity, volume)
    if not full or traded == 0:
        return VwapState(value, quantity, traded), np.nan
    return VwapState(value, quantity, traded), (value.high + value.low) / (quantity.high + quantity.low)


@compiled
def daily_vwap_step(
    state: DailyVwapState, time: int, bar: tuple[float, float, float, float]
) -> tuple[DailyVwapState, float]:  # pragma: no cover
    """Take in one bar (high, low, close, volume) and give the day's average price so far."""
    day, value_high, value_low, volume_high, volume_low = state
    high, low, close, volume = bar
    today = time // DAY
    if today != day:
        value_high, value_low, volume_high, volume_low = 0.0, 0.0, 0.0, 0.0
    value = (high + low + close) / 3.0 * volume
    # A missing value makes the day's sum NaN, and so it stays until the day changes.
    value_high, value_low = add(value_high, value_low, value if usable(value) else np.nan)
    volume_high, volume_low = add(volume_high, volume_low, volume)
    after = DailyVwapState(today, value_high, value_low, volume_high, volume_low)
    quantity = volume_high + volume_low
    return after, (value_high + value_low) / quantity if quantity != 0.0 else np.nan


@compiled
def _obv_batch(state: ObvState, close: Floats, volume: Floats) -> Floats:  # pragma: no cover
    line = np.empty(len(close))
    for row in range(len(close)):
        state, line[row] = obv_step(state, close[row], volume[row])
    return line


@compiled
def _vwap_batch(
    state: VwapState, high: Floats, low: Floats, close: Floats, volume: Floats
) -> Floats:  # pragma: no cover
    line = np.empty(len(close))
    for row in range(len(close)):
        state, line[row] = vwap_step(state, high[row], low[row], close[row], volume[row])
    return line


@compiled
def _daily_vwap_batch(
    state: DailyVwapState, time: Times, high: Floats, low: Floats, close: Floats, volume: Floats
) -> Floats:  # pragma: no cover
    line = np.empty(len(close))
    for row in range(len(close)):
        state, line[row] = daily_vwap_step(state, time[row], (high[row], low[row], close[row], volume[row]))
    return line
