"""The strategies that come with the package: each one rule, one sentence, no look-ahead.

Each gives the target of every bar, decided with what is known at its close: 1 is all equity long, 0 flat, and -1 all
equity short where `short` is asked for (the execution must allow it). Rows in which an indicator is not defined yet
are 0.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from tallow.core import indicators
from tallow.core.indicators.averages import sma_above
from tallow.core.indicators.inputs import checked_window
from tallow.domain.columns import Bars, Floats, Mask, Targets
from tallow.domain.errors import UserError


def buy_and_hold(bars: Bars) -> Floats:
    """Long from the first bar to the last."""
    return np.ones(len(bars))


def sma_cross(bars: Bars, *, fast: int = 20, slow: int = 100, short: bool = False) -> Targets:
    """Long while the fast simple average of the close is above the slow one; with `short`, short while below.

    Example:
        >>> column = np.array([1.0, 2.0, 3.0, 1.0, 0.0])
        >>> bars = Bars.of(np.arange(5), (column, column, column, column, column))
        >>> sma_cross(bars, fast=1, slow=2).tolist()
        [False, True, True, False, False]

    Raises:
        UserError: BAD_PARAMETER when a window is below 1 or `fast` is not below `slow`.
    """
    _check_order(fast, slow)
    if not short:
        return sma_above(bars.close, fast, slow)
    return _compare(indicators.sma(bars.close, fast), indicators.sma(bars.close, slow), short)


def ema_cross(bars: Bars, *, fast: int = 12, slow: int = 26, short: bool = False) -> Targets:
    """Long while the fast exponential average of the close is above the slow one; with `short`, short while below.

    Raises:
        UserError: BAD_PARAMETER when a window is below 1 or `fast` is not below `slow`.
    """
    _check_order(fast, slow)
    return _compare(indicators.ema(bars.close, fast), indicators.ema(bars.close, slow), short)


def rsi(bars: Bars, *, window: int = 14, low: float = 30.0, high: float = 70.0, short: bool = False) -> Floats:
    """Long from an RSI below `low` until it is above `high`; with `short`, short from there until below `low` again.

    Raises:
        UserError: BAD_PARAMETER when the window is below 1 or `low` is not below `high`.
    """
    if not low < high:
        raise UserError("BAD_PARAMETER", f"low = {low!r} is not below high = {high!r}", facts={"valid": "low < high"})
    line = indicators.rsi(bars.close, window)
    return _hold(line < low, (line > high) | np.isnan(line)) - short * _hold(line > high, (line < low) | np.isnan(line))


def macd(bars: Bars, *, fast: int = 12, slow: int = 26, signal: int = 9, short: bool = False) -> Targets:
    """Long while the MACD line is above its signal line; with `short`, short while below.

    Raises:
        UserError: BAD_PARAMETER when a window is below 1 or `fast` is not below `slow`.
    """
    found = indicators.macd(bars.close, fast, slow, signal)
    return _compare(found.line, found.signal, short)


def adx(bars: Bars, *, window: int = 14, threshold: float = 25.0, short: bool = False) -> Floats:
    """Long while ADX is above `threshold` and +DI above -DI; with `short`, short while above it and +DI below -DI.

    Raises:
        UserError: BAD_PARAMETER when the window is below 1.
    """
    found = indicators.adx(bars.high, bars.low, bars.close, window)
    return np.where(found.adx > threshold, _compare(found.plus_di, found.minus_di, short), 0.0)


def cci(bars: Bars, *, window: int = 20, level: float = 100.0, short: bool = False) -> Floats:
    """Long while CCI is above `level`; with `short`, short while it is below `-level`.

    Raises:
        UserError: BAD_PARAMETER when the window is below 1 or the level is below 0.
    """
    if not level >= 0:
        raise UserError("BAD_PARAMETER", f"level = {level!r} is below 0", facts={"valid": "from 0"})
    line = indicators.cci(bars.high, bars.low, bars.close, window)
    return _signs(line > level, (line < -level) & short)


def bollinger(bars: Bars, *, window: int = 20, width: float = 2.0, short: bool = False) -> Floats:
    """Long from a close below the lower band until one at or above the middle; with `short`, the mirror image.

    Raises:
        UserError: BAD_PARAMETER when the window is below 1 or the width is not above 0.
    """
    upper, middle, lower = indicators.bollinger(bars.close, window, width)
    unknown = np.isnan(middle)
    long = _hold(bars.close < lower, (bars.close >= middle) | unknown)
    return long - short * _hold(bars.close > upper, (bars.close <= middle) | unknown)


def trix(bars: Bars, *, window: int = 15, signal: int = 9, short: bool = False) -> Targets:
    """Long while TRIX is above its own exponential average over `signal` bars; with `short`, short while below.

    The rule waits for the average to turn; it does not look for peaks, which are known only one bar later.

    Raises:
        UserError: BAD_PARAMETER when a window is below 1.
    """
    line = indicators.trix(bars.close, window)
    return _compare(line, indicators.ema(line, signal), short)


BUILT_IN: Mapping[str, Callable[..., Targets]] = MappingProxyType(
    {rule.__name__: rule for rule in (buy_and_hold, sma_cross, ema_cross, rsi, macd, adx, cci, bollinger, trix)}
)
"""The built-in strategies by name."""


def _compare(line: Floats, other: Floats, short: bool) -> Targets:
    # A comparison with NaN is false, which is flat.
    return _signs(line > other, line < other) if short else line > other


def _signs(long: Mask, short: Mask) -> Floats:
    return long.astype(np.float64) - short


def _hold(enter: Mask, leave: Mask) -> Floats:
    # 1 from a row of `enter` up to the row before the next `leave`; 0 before the first. No row is both.
    events = np.flatnonzero(enter | leave)
    states = np.concatenate(([0.0], enter[events]))
    return states[np.searchsorted(events, np.arange(len(enter)), side="right")]


def _check_order(fast: int, slow: int) -> None:
    if checked_window(fast, "fast") >= checked_window(slow, "slow"):
        raise UserError("BAD_PARAMETER", f"fast = {fast} is not below slow = {slow}", facts={"valid": "fast < slow"})
