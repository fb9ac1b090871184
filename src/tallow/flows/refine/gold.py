"""Gold candles: native ones as they are, others out of finer candles or out of trades."""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tallow.core.bars import close_times, coverage, from_trades, resample
from tallow.core.clean import gaps
from tallow.domain.columns import COLUMNS, Bars, Ticks, Times
from tallow.domain.ranges import EVERYTHING, TimeRange, union
from tallow.domain.tables import GOLD_CANDLES, INCOMPLETE, SILVER_TRADES
from tallow.domain.timeframes import DAY, Timeframe, parse_timeframe
from tallow.flows.read import microseconds, to_bars
from tallow.flows.refine.merge import NOTHING, Settled, settle, settle_gaps, settle_series
from tallow.flows.refine.plan import Task
from tallow.flows.refine.rows import MISSING, Incident, gap_rows
from tallow.flows.refine.trades import to_ticks
from tallow.ports import Lake, Origin

if TYPE_CHECKING:
    import polars as pl

"""Cause: the coarse candle is there, but some of the finer ones it is made of are not."""
CHUNK = 2_000_000  # trades in memory at once


def make_gold(lake: Lake, task: Task, origin: Origin) -> tuple[Settled, Settled]:
    """Bring one gold series up to date; give what became of its rows and of its gaps."""
    timeframe = parse_timeframe(task.where["timeframe"])
    if task.source == SILVER_TRADES:
        return _built(lake, task, timeframe, origin), NOTHING
    if task.origin == "native":
        span = TimeRange(min(one.start for one in task.spans), max(one.end for one in task.spans))
        rows = _gold(lake.read(task.source, task.reads, span), task)
        # Gaps of native candles are told of silver; what is left here is from when the series was built.
        gap = settle_gaps(lake, task.table, task.where, gap_rows(task.table, task.where, []), origin)
        return settle_series(lake, task.table, task.where, rows, origin, span), gap
    fine = to_bars(lake.read(task.source, task.reads))
    bars, incidents = resampled(fine, parse_timeframe(task.origin), timeframe)
    gap = settle_gaps(lake, task.table, task.where, gap_rows(task.table, task.where, incidents), origin)
    return settle(lake, task.table, task.where, _gold(bars_frame(bars), task), origin), gap


def resampled(fine: Bars, timeframe: Timeframe, coarse: Timeframe) -> tuple[Bars, list[Incident]]:
    """Merge finer candles into coarse ones, with what is missing.

    The first and the last coarse candle are left out while finer ones are missing of them: more may come. In the
    middle the venue had nothing more, so the candle is made of what exists, and reported as INCOMPLETE.
    """
    bars = resample(fine, coarse)
    counts = coverage(fine.time, timeframe, coarse)
    kept = np.ones(len(bars), bool)
    kept[[0, -1]] = counts.complete[[0, -1]]
    bars, expected, found = bars[kept], counts.expected[kept], counts.found[kept]
    ends = close_times(bars.time, coarse)
    incidents = [(gap.start, gap.end, gap.missing, MISSING) for gap in gaps(bars.time, coarse)]
    for row in np.flatnonzero(found < expected):
        incidents.append((int(bars.time[row]), int(ends[row]), int(expected[row] - found[row]), INCOMPLETE))
    return bars, incidents


def bars_frame(bars: Bars) -> "pl.DataFrame":
    """Turn columns into rows; NaN becomes null."""
    import polars as pl

    frame = pl.DataFrame({name: getattr(bars, name) for name in COLUMNS})
    return frame.with_columns(pl.col("time").cast(pl.Datetime("us", "UTC")), pl.selectors.float().fill_nan(None))


def _built(lake: Lake, task: Task, timeframe: Timeframe, origin: Origin) -> Settled:
    import polars as pl

    times = microseconds(lake.read(task.source, task.reads, columns=("event_time",)), "event_time")
    touched = _touched(times, task.spans, timeframe)
    span = TimeRange(touched[0].start, touched[-1].end) if touched else EVERYTHING
    # One commit says that the whole span is done, so what no change reaches is carried over.
    kept = lake.read(task.table, task.where, span)
    moment = pl.col("time").to_physical()
    for one in touched:
        kept = kept.filter((moment < one.start) | (moment >= one.end))
    parts = [kept]
    for one in touched:
        for chunk in chunks(times, one, timeframe):
            ticks = to_ticks(lake.read(task.source, task.reads, chunk))
            bars = from_trades(ticks, timeframe) if DAY % timeframe.microseconds == 0 else _from_days(ticks, timeframe)
            # Nobody knows what came before the first trade, or comes after the last one.
            whole = (bars.time >= times[0]) & (close_times(bars.time, timeframe) <= times[-1])
            parts.append(_gold(bars_frame(bars[whole]), task).select(kept.columns))
    return settle_series(lake, task.table, task.where, pl.concat(parts), origin, span)


def chunks(times: Times, span: TimeRange, timeframe: Timeframe) -> list[TimeRange]:
    """Split a span at opens of candles, so that no part holds many more than CHUNK of the ascending times."""
    first, last = np.searchsorted(times, [span.start, span.end])
    cuts = [timeframe.floor(int(times[row])) for row in range(int(first) + CHUNK, int(last), CHUNK)]
    borders = sorted({span.start, *(cut for cut in cuts if span.start < cut), span.end})
    return [TimeRange(a, b) for a, b in pairwise(borders)]


def _from_days(ticks: Ticks, timeframe: Timeframe) -> Bars:
    return resample(from_trades(ticks, Timeframe(1, "d")), timeframe)


def _touched(times: Times, spans: tuple[TimeRange, ...], timeframe: Timeframe) -> list[TimeRange]:
    """Widen what moved to whole candles, and to those of the trades before and after: they may be complete now."""
    found = []
    for span in spans:
        before = max(0, int(np.searchsorted(times, span.start)) - 1)
        after = min(len(times) - 1, int(np.searchsorted(times, span.end)))
        if len(times):
            start = timeframe.floor(min(int(times[before]), max(span.start, int(times[0]))))
            end = max(int(times[after]), min(span.end - 1, int(times[-1])))
            found.append(TimeRange(start, timeframe.next(timeframe.floor(end))))
    return union(found)


def _gold(rows: "pl.DataFrame", task: Task) -> "pl.DataFrame":
    import polars as pl

    named = {**task.where, "origin": task.origin}
    return rows.with_columns(pl.lit(value).alias(name) for name, value in named.items()).select(
        GOLD_CANDLES.column_names
    )
