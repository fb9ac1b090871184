"""Speed of price: RSI, MACD, TRIX."""

from typing import NamedTuple

import numpy as np

from tallow.core.indicators.averages import EmaState, ema_start, ema_step
from tallow.core.indicators.compiled import compiled
from tallow.core.indicators.inputs import checked_columns, checked_window, usable
from tallow.core.indicators.sharing import shared
from tallow.domain.columns import Floats
from tallow.domain.errors import UserError


class Macd(NamedTuple):
    """Fast less slow average, the average of that line, and the line less its average."""

    line: Floats
    signal: Floats
    histogram: Floats


class RsiState(NamedTuple):
    """State of a relative strength index: values seen up to `window + 1`, the last one, gains and losses."""

    window: int
    seen: int
    last: float
    gain: float
    loss: float


class MacdState(NamedTuple):
    """State of a MACD: three averages, and how many values the fast one still has to skip."""

    fast: EmaState
    slow: EmaState
    signal: EmaState
    skip: int


class TrixState(NamedTuple):
    """State of a TRIX: three averages in a row, and the last value of the third (NaN before it has one)."""

    first: EmaState
    second: EmaState
    third: EmaState
    last: float


@shared
def rsi(values: Floats, window: int = 14) -> Floats:
    """Compare gains with losses: 100 x average gain / (average gain + average loss), Wilder's smoothing.

    The first value, in row `window`, uses plain averages of the first `window` changes (J. W. Wilder, 1978). 0 when
    nothing has moved at all, as in TA-Lib. A missing value restarts it.

    Example:
        >>> rsi(np.array([1.0, 2.0, 1.0, 2.0]), 2).tolist()
        [nan, nan, 50.0, 75.0]

    Raises:
        UserError: BAD_PARAMETER when the window is below 1.
    """
    (values,) = checked_columns(values)
    return _rsi_batch(rsi_start(window), values)


@shared
def macd(values: Floats, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Take the slow exponential average from the fast one, and average the difference (G. Appel).

    Both averages start in row `slow - 1`: the fast one from the plain average of the `fast` values up to that row.
    All lines begin together in row `slow + signal - 2`. A missing value restarts it.

    Raises:
        UserError: BAD_PARAMETER when a window is below 1 or `fast` is not below `slow`.
    """
    (values,) = checked_columns(values)
    return Macd(*_macd_batch(macd_start(fast, slow, signal), values))


@shared
def trix(values: Floats, window: int = 15) -> Floats:
    """Give the change, in per cent of the bar before, of an exponential average of an average of an average.

    The first value is in row `3 * window - 2`. It looks back only: a peak of the line is known one bar after it was
    reached. A missing value restarts it.

    Raises:
        UserError: BAD_PARAMETER when the window is below 1.
    """
    (values,) = checked_columns(values)
    return _trix_batch(trix_start(window), values)


def rsi_start(window: int) -> RsiState:
    """Give the state before the first value."""
    return RsiState(checked_window(window), 0, 0.0, 0.0, 0.0)


def macd_start(fast: int, slow: int, signal: int) -> MacdState:
    """Give the state before the first value."""
    fast, slow = checked_window(fast, "fast"), checked_window(slow, "slow")
    if fast >= slow:
        raise UserError(
            "BAD_PARAMETER", f"fast = {fast} is not below slow = {slow}", facts={"valid": "fast < slow, as 12 and 26"}
        )
    return MacdState(ema_start(fast), ema_start(slow), ema_start(checked_window(signal, "signal")), slow - fast)


def trix_start(window: int) -> TrixState:
    """Give the state before the first value."""
    return TrixState(ema_start(window), ema_start(window), ema_start(window), float("nan"))


@compiled
def rsi_step(state: RsiState, value: float) -> tuple[RsiState, float]:  # pragma: no cover
    """Take in one value and give the index."""
    window, count, last, gain, loss = state
    if not usable(value):
        return RsiState(window, 0, 0.0, 0.0, 0.0), np.nan
    if count == 0:
        return RsiState(window, 1, value, 0.0, 0.0), np.nan
    rise, fall = max(value - last, 0.0), max(last - value, 0.0)
    if count > window:
        gain = (gain * (window - 1) + rise) / window
        loss = (loss * (window - 1) + fall) / window
    else:
        gain, loss = gain + rise, loss + fall
        if count < window:
            return RsiState(window, count + 1, value, gain, loss), np.nan
        gain, loss, count = gain / window, loss / window, count + 1
    moved = gain + loss
    return RsiState(window, count, value, gain, loss), 100.0 * (gain / moved) if moved > 0.0 else 0.0


@compiled
def macd_step(state: MacdState, value: float) -> tuple[MacdState, float, float, float]:  # pragma: no cover
    """Take in one value; give line, signal, histogram."""
    fast, slow, signal, skip = state
    slow, slow_value = ema_step(slow, value)
    fast_value = np.nan
    if not usable(value):
        skip = slow.window - fast.window
        fast, _ = ema_step(fast, value)
    elif skip > 0:
        skip -= 1
    else:
        fast, fast_value = ema_step(fast, value)
    signal, signal_value = ema_step(signal, fast_value - slow_value)
    line = fast_value - slow_value if not np.isnan(signal_value) else np.nan
    return MacdState(fast, slow, signal, skip), line, signal_value, line - signal_value


@compiled
def trix_step(state: TrixState, value: float) -> tuple[TrixState, float]:  # pragma: no cover
    """Take in one value and give the change in per cent."""
    # NaN of an average that has not begun keeps the next one at its start, too.
    first, once = ema_step(state.first, value)
    second, twice = ema_step(state.second, once)
    third, thrice = ema_step(state.third, twice)
    change = 0.0 if state.last == 0.0 else 100.0 * (thrice / state.last - 1.0)
    return TrixState(first, second, third, thrice), np.nan if np.isnan(thrice) else change


@compiled
def _rsi_batch(state: RsiState, values: Floats) -> Floats:  # pragma: no cover
    line = np.empty(len(values))
    for row in range(len(values)):
        state, line[row] = rsi_step(state, values[row])
    return line


@compiled
def _macd_batch(state: MacdState, values: Floats) -> tuple[Floats, Floats, Floats]:  # pragma: no cover
    line, signal, histogram = np.empty(len(values)), np.empty(len(values)), np.empty(len(values))
    for row in range(len(values)):
        state, line[row], signal[row], histogram[row] = macd_step(state, values[row])
    return line, signal, histogram


@compiled
def _trix_batch(state: TrixState, values: Floats) -> Floats:  # pragma: no cover
    line = np.empty(len(values))
    for row in range(len(values)):
        state, line[row] = trix_step(state, values[row])
    return line
