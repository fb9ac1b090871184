"""Higher timeframes of a strategy's own bars, each candle shown no earlier than its close."""

from typing import NamedTuple

import numpy as np

from tallow.core.bars import close_times, grow, open_times, resample
from tallow.domain.columns import COLUMNS, Bars, Floats, Times
from tallow.domain.errors import UserError
from tallow.domain.ranges import iso
from tallow.domain.timeframes import Timeframe, parse_timeframe


class Finished(NamedTuple):
    """The candles of a higher timeframe that bars finish, and how many of them each bar may know.

    Attributes:
        candles: those that have ended by the close of the last bar, without a first one that began before the bars.
        visible: per bar, how many of the candles have ended by its close.
    """

    candles: Bars
    visible: Times

    def align(self, column: Floats) -> Floats:
        """Give per bar the value of the last candle it may know; NaN before the first.

        Args:
            column: one value a candle.

        Raises:
            UserError: BAD_OUTPUT when the column has another length.
        """
        values = np.asarray(column, np.float64)
        if values.shape != (len(self.candles),):
            raise UserError(
                "BAD_OUTPUT",
                f"the values of a higher timeframe have shape {values.shape} for {len(self.candles)} candles",
                facts={"valid": "one number a candle"},
                exit="failed",
            )
        return np.append(values, np.nan)[self.visible - 1]


def higher(
    bars: Bars, timeframe: str | Timeframe, *, base: str | Timeframe | None = None, developing: bool = False
) -> Bars:
    """Give per bar the candle of a higher timeframe that a strategy may know at the bar's close.

    That is the last candle whose end is not after the close of the bar; NaN before the first. A first candle that
    began before the bars is never shown. A candle of which bars are missing is made of those that exist, and is shown
    from the first bar that closes at or after its end. `time` stays the open of the bar.

    Args:
        bars: ascending and unique by time.
        timeframe: length of the candles, such as ``4h`` or ``1M``.
        base: length of the bars; None takes the shortest distance between two of them.
        developing: show the candle as it stands at the bar's close, finished or not.

    Example:
        >>> prices = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
        >>> bars = Bars.of(np.arange(5) * 60_000_000, (prices, prices, prices, prices, prices))
        >>> higher(bars, "2m").close.tolist()
        [nan, 2.0, 2.0, 4.0, 4.0]
        >>> higher(bars, "2m", developing=True).volume.tolist()
        [1.0, 3.0, 3.0, 7.0, 5.0]

    Raises:
        DataError: UNSORTED.
        UserError: BAD_TIMEFRAME, or CANNOT_RESAMPLE when bars of `base` do not add up to the candles.
    """
    length = parse_timeframe(timeframe)
    if developing:
        grown = developed(bars, length, base)
        return Bars(bars.time, *(getattr(grown, name) for name in COLUMNS[1:]))
    done = finished(bars, length, base)
    return Bars(bars.time, *(done.align(getattr(done.candles, name)) for name in COLUMNS[1:]))


def finished(bars: Bars, timeframe: Timeframe, base: str | Timeframe | None = None) -> Finished:
    """Find the candles that bars finish, and from which bar on each is known; arguments as of `higher`."""
    closes = bar_closes(bars.time, base, timeframe)
    candles = resample(bars, timeframe)[_begun_before(bars.time, timeframe) :]
    ends = close_times(candles.time, timeframe)
    visible = np.searchsorted(ends, closes, side="right").astype(np.int64)
    return Finished(candles[: int(visible[-1]) if len(visible) else 0], visible)


def developed(bars: Bars, timeframe: Timeframe, base: str | Timeframe | None = None) -> Bars:
    """Give per bar the candle it lies in as it stands at its close; `time` is the candle's open.

    Prices and volumes are NaN in a first candle that began before the bars; other arguments as of `higher`.
    """
    bar_closes(bars.time, base, timeframe)
    grown = grow(bars, timeframe)
    if not _begun_before(bars.time, timeframe):
        return grown
    unknown = grown.time == grown.time[0]
    return Bars(grown.time, *(np.where(unknown, np.nan, getattr(grown, name)) for name in COLUMNS[1:]))


def bar_closes(time: Times, base: str | Timeframe | None, coarser: Timeframe | None = None) -> Times:
    """Give when each bar closes: its open plus the length of `base`, or the shortest distance between two bars.

    A length that is too long would show candles before they end, so bars closer together than `base` are refused;
    one that is too short shows them late. Below two bars, and without `base`, the length is 0.

    Raises:
        UserError: CANNOT_RESAMPLE when bars of that length do not add up to the `coarser` ones; BAD_TIMEFRAME when
            two bars are closer together than `base`.
    """
    if base is None:
        shortest = int(np.diff(time).min()) if len(time) > 1 else 0
        if coarser is not None and shortest > coarser.microseconds:
            raise _cannot(f"bars at least {shortest / 1e6:g} s apart", coarser)
        return time + shortest
    given = parse_timeframe(base)
    if coarser is not None and given != coarser and not given.divides(coarser):
        raise _cannot(f"{given} bars", coarser)
    closes = time + given.microseconds if given.is_fixed else close_times(time, given)
    early = np.flatnonzero(closes[:-1] > time[1:])
    # Times that do not rise are another matter, and reported as such by what reads them.
    if len(early) and time[early[0]] < time[early[0] + 1]:
        row = int(early[0])
        raise UserError(
            "BAD_TIMEFRAME",
            f"bars {row} and {row + 1} are closer together than bars of {given}",
            facts={"received": f"{iso(int(time[row]))} and {iso(int(time[row + 1]))}", "valid": "the bars' own length"},
        )
    return closes


def _begun_before(time: Times, timeframe: Timeframe) -> int:
    # 1 when the first candle lacks its beginning, else 0.
    return int(len(time) > 0 and open_times(time[:1], timeframe)[0] < time[0])


def _cannot(bars: str, coarser: Timeframe) -> UserError:
    return UserError(
        "CANNOT_RESAMPLE",
        f"{bars} do not add up to {coarser} candles",
        facts={"valid": "a longer timeframe that the bars divide", "note": "1m is a minute, 1M a month"},
    )
