"""Silver candles: one clean row an interval, out of all that bronze holds of a series."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tallow.core.bars import close_times
from tallow.core.clean import CONFLICT, FUTURE, UNFINISHED, check_candles, gaps
from tallow.domain.columns import COLUMNS, Bars
from tallow.domain.tables import SILVER_CANDLES
from tallow.domain.timeframes import Timeframe
from tallow.flows.read import microseconds, to_bars
from tallow.flows.refine.rows import MISSING, flagged, gap_rows, is_quarantined, quarantine_rows

if TYPE_CHECKING:
    import polars as pl


class Refined(NamedTuple):
    """What a stretch of bronze becomes: silver rows, rows of meta.quarantine, rows of meta.gaps."""

    silver: "pl.DataFrame"
    quarantine: "pl.DataFrame"
    gaps: "pl.DataFrame"


def refine_candles(bronze: "pl.DataFrame", where: Mapping[str, str], timeframe: Timeframe) -> Refined:
    """Choose one row an interval.

    The row received first counts. Rows with the same open, high, low, close and volume are the same candle: the one
    that tells most of the other columns is taken. Others are quarantined as CONFLICT. The result depends on the
    rows alone, not on the order in which they came to the lake.
    """
    rows = bronze.sort("time", "received_time", "payload", "row")
    bars = to_bars(rows)
    codes = _checked(rows, bars, timeframe)
    chosen, conflicts = _choose(bars, ~is_quarantined(codes))
    codes[conflicts] = CONFLICT
    silver = rows[chosen].select(SILVER_CANDLES.column_names)
    out = np.flatnonzero(is_quarantined(codes))
    incidents = [(gap.start, gap.end, gap.missing, MISSING) for gap in gaps(bars.time[chosen], timeframe)]
    incidents += flagged(bars.time[chosen], codes[chosen], timeframe)
    return Refined(
        silver,
        quarantine_rows(SILVER_CANDLES, where, rows[out], codes[out]),
        gap_rows(SILVER_CANDLES, where, incidents),
    )


def _checked(rows: "pl.DataFrame", bars: Bars, timeframe: Timeframe) -> NDArray[np.str_]:
    stated = rows["close_time"].to_physical().fill_null(-1).to_numpy()
    codes = check_candles(bars, timeframe, stated)
    received = microseconds(rows, "received_time")
    # Each row is judged by its own moment of receipt; what was unfinished then comes again, finished.
    late = np.where(bars.time > received, FUTURE, UNFINISHED)
    unfinished = (close_times(bars.time, timeframe) > received) & ~is_quarantined(codes)
    codes[unfinished] = late[unfinished]
    return codes


def _choose(bars: Bars, sound: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the rows taken, ascending, and the sound rows that contradict them."""
    rows = np.flatnonzero(sound)
    time = bars.time[rows]
    begins = np.flatnonzero(np.diff(time, prepend=time[:1] - 1))
    first = np.repeat(rows[begins], np.diff(np.append(begins, len(rows))))
    same = np.ones(len(rows), bool)
    for name in COLUMNS[1:6]:
        column = getattr(bars, name)
        same &= column[rows] == column[first]
    told = np.sum([np.isfinite(getattr(bars, name)[rows]) for name in COLUMNS[6:]], axis=0)
    order = np.lexsort((np.arange(len(rows)), -np.where(same, told, -1), time))
    return rows[order[begins]], rows[~same]
