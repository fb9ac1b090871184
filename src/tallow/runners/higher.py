"""Higher timeframes of a strategy's own bars, for frames as well as for columns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tallow.core import strategies
from tallow.core.strategies import Finished, finished
from tallow.domain.columns import COLUMNS, Bars, Floats
from tallow.domain.errors import UserError
from tallow.domain.timeframes import Timeframe, parse_timeframe
from tallow.runners.frames import TIMEFRAME, to_bars, to_frame


def higher(
    bars: pd.DataFrame | Bars,
    timeframe: str | Timeframe,
    compute: Callable[[Any], Any] | None = None,
    *,
    developing: bool = False,
    base: str | Timeframe | None = None,
) -> Any:
    """Give per bar what is known of a higher timeframe at the bar's close: nothing of a candle before it has ended.

    NaN before the first candle that the bars hold from its beginning. With `compute`, an indicator over the finished
    candles is given instead of the candles: ``tallow.higher(bars, "4h", lambda c: c.close.rolling(20).mean())``.

    Args:
        bars: the frame that `signals` is given, or `Bars`.
        timeframe: length of the candles, a multiple of the bars' own.
        compute: is given the finished candles, one row each in the kind of `bars`, and gives a number or a row of
            numbers for each: a Series, an array, or a frame.
        developing: show the candle as it stands at each bar's close, finished or not; not with `compute`.
        base: length of the bars; None takes what a run says of its frame, else the shortest distance between two bars.

    Returns:
        In the rows of `bars`: a frame (or `Bars`) of candles; with `compute` a Series, a frame, or an array.

    Example:
        >>> prices = np.array([1.0, 2.0, 3.0, 4.0])
        >>> bars = to_frame(Bars.of(np.arange(4) * 60_000_000, (prices, prices, prices, prices, prices)))
        >>> higher(bars, "2m").close.tolist()
        [nan, 2.0, 2.0, 4.0]
        >>> higher(bars, "2m", lambda candles: candles.high.diff()).tolist()
        [nan, nan, nan, 2.0]

    Raises:
        DataError: UNSORTED.
        UserError: BAD_TIMEFRAME; CANNOT_RESAMPLE when the bars do not add up to such candles; BAD_FRAME when the frame
            has no times or prices; BAD_OUTPUT when `compute` gives anything but numbers a candle; BAD_PARAMETER when
            it is given together with `developing`.
    """
    if compute is not None and developing:
        raise UserError(
            "BAD_PARAMETER",
            "compute is given together with developing",
            facts={"valid": "one of them: compute sees finished candles"},
        )
    if isinstance(bars, Bars):
        if compute is None:
            return strategies.higher(bars, timeframe, base=base, developing=developing)
        done = finished(bars, parse_timeframe(timeframe), base)
        return _aligned(done, compute(done.candles))
    rows = to_bars(bars)
    base = bars.attrs.get(TIMEFRAME) if base is None else base
    if compute is None:
        shown = strategies.higher(rows, timeframe, base=base, developing=developing)
        return pd.DataFrame({name: getattr(shown, name) for name in COLUMNS[1:]}, index=bars.index)
    done = finished(rows, parse_timeframe(timeframe), base)
    return _framed(done, compute(to_frame(done.candles)), bars.index)


def _framed(done: Finished, output: Any, index: "pd.Index[Any]") -> Any:
    if isinstance(output, pd.DataFrame):
        return pd.DataFrame({name: _aligned(done, output[name]) for name in output.columns}, index=index)
    return pd.Series(_aligned(done, output), index=index, name=getattr(output, "name", None))


def _aligned(done: Finished, output: Any) -> Floats:
    try:
        return done.align(np.asarray(output, np.float64))
    except (TypeError, ValueError) as problem:
        raise UserError(
            "BAD_OUTPUT",
            "the values of a higher timeframe are not numeric",
            facts={"received": type(output).__name__, "valid": "one number a candle"},
            exit="failed",
        ) from problem
