"""Refine: the flow that turns bronze into silver and silver into gold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tallow.domain.errors import UserError
from tallow.domain.ranges import EVERYTHING, TimeRange, union
from tallow.domain.tables import SILVER_CANDLES, SILVER_TRADES, Layer
from tallow.domain.timeframes import DAY, Timeframe, parse_timeframe
from tallow.flows.read import microseconds
from tallow.flows.refine.candles import refine_candles
from tallow.flows.refine.changes import Changes
from tallow.flows.refine.gold import chunks, make_gold
from tallow.flows.refine.merge import NOTHING, Settled, settle, settle_gaps, settle_quarantine, settle_series
from tallow.flows.refine.plan import Task, plan_gold, plan_silver
from tallow.flows.refine.trades import refine_funding, refine_trades, trade_gaps
from tallow.ports import Lake, Origin, Progress, silent

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Step:
    """One series brought up to date, or that would be.

    Attributes:
        table: table written, and `source` the table read.
        origin: for gold ``native``, ``trades`` or the finer timeframe; else empty.
        spans: event times of the source that moved.
        pending: rows the source got since.
        added: rows added; `changed` those rewritten or taken away.
        quarantined: rows added to meta.quarantine.
        gaps: rows added to meta.gaps.
    """

    table: str
    source: str
    venue: str
    symbol: str
    timeframe: str
    origin: str
    spans: tuple[TimeRange, ...]
    pending: int
    added: int = 0
    changed: int = 0
    quarantined: int = 0
    gaps: int = 0


@dataclass(frozen=True)
class RefineReport:
    """What was done, or with `explained` what would be.

    Attributes:
        impossible: gold series asked for that neither candles nor trades add up to, as ``venue:symbol timeframe``.
    """

    steps: tuple[Step, ...] = ()
    explained: bool = False
    impossible: tuple[str, ...] = ()

    @property
    def added(self) -> int:
        """Rows added to silver and gold."""
        return sum(step.added for step in self.steps)


def refine(
    lake: Lake,
    *,
    layer: Layer | None = None,
    where: Mapping[str, str] | None = None,
    timeframes: tuple[Timeframe | str, ...] = (),
    explain: bool = False,
    progress: Progress = silent,
) -> RefineReport:
    """Bring silver and gold up to date with bronze; nothing is written where nothing moved.

    Silver and gold are functions of what bronze holds, not of the order in which it came: late and overlapping data
    give the same rows as if all had come at once. A kill at any moment is made good by the next run.

    Args:
        lake: held for writing all the while, unless `explain`.
        layer: ``silver`` or ``gold`` alone; None is both.
        where: venue, symbol, timeframe to stay with.
        timeframes: gold series to make where there is no native one: out of the finest native candles that add up
            to them, else out of trades. They are kept up to date from then on.
        explain: give the plan; gold is planned from silver as it is.
        progress: told the series done and in all.

    Raises:
        UserError: BAD_LAYER, UNKNOWN_COLUMN, BAD_TIMEFRAME.
        TransientError: BUSY.
    """
    only = dict(where or {})
    _check(layer, only)
    frames = tuple(parse_timeframe(one) for one in timeframes)
    if explain:
        tasks, impossible = _plan(Changes(lake), layer, only, frames)
        return RefineReport(tuple(_step(task) for task in tasks), True, impossible)
    with lake.exclusive():
        steps: list[Step] = []
        if layer != "gold":
            tasks = list(plan_silver(Changes(lake), only))
            steps += _run(lake, tasks, "silver", progress)
        impossible = ()
        if layer != "silver":
            tasks, impossible = _plan(Changes(lake), "gold", only, frames)
            steps += _run(lake, tasks, "gold", progress)
        return RefineReport(tuple(steps), False, impossible)


def _check(layer: Layer | None, only: Mapping[str, str]) -> None:
    if layer not in (None, "silver", "gold"):
        raise UserError("BAD_LAYER", f"{layer!r} is not refined", facts={"valid": "silver, gold"})
    for name in only:
        if name not in ("venue", "symbol", "timeframe"):
            raise UserError("UNKNOWN_COLUMN", f"series have no {name!r}", facts={"valid": "venue, symbol, timeframe"})


def _plan(
    changes: Changes, layer: Layer | None, only: Mapping[str, str], frames: tuple[Timeframe, ...]
) -> tuple[list[Task], tuple[str, ...]]:
    tasks = [] if layer == "gold" else list(plan_silver(changes, only))
    if layer == "silver":
        return tasks, ()
    gold, impossible = plan_gold(changes, only, frames)
    return tasks + gold, tuple(f"{one['venue']}:{one['symbol']} {one['timeframe']}" for one in impossible)


def _run(lake: Lake, tasks: list[Task], layer: str, progress: Progress) -> Iterator[Step]:
    for done, task in enumerate(tasks):
        progress(layer, done, len(tasks))
        origin = Origin(f"refine {layer}", task.inputs)
        if layer == "gold":
            rows, gap = make_gold(lake, task, origin)
            yield _step(task, rows, NOTHING, gap)
        elif task.table == SILVER_TRADES:
            yield _trades(lake, task, origin)
        else:
            yield _series(lake, task, origin)
    progress(layer, len(tasks), len(tasks))


def _series(lake: Lake, task: Task, origin: Origin) -> Step:
    """Refine a whole series: candles and funding are small enough, and some rules compare all of its rows."""
    bronze = lake.read(task.source, task.reads)
    if task.table == SILVER_CANDLES:
        done = refine_candles(bronze, task.where, parse_timeframe(task.where["timeframe"]))
    else:
        done = refine_funding(bronze, task.where)
    # Silver goes last: its lineage says that the series is done.
    kept_out = settle_quarantine(lake, task.table, task.where, done.quarantine, origin)
    gap = settle_gaps(lake, task.table, task.where, done.gaps, origin)
    return _step(task, settle(lake, task.table, task.where, done.silver, origin), kept_out, gap)


def _trades(lake: Lake, task: Task, origin: Origin) -> Step:
    """Refine the days that trades came to, some at a time."""
    bronze_times = microseconds(lake.read(task.source, task.reads, columns=("event_time",)), "event_time")
    days = _days(bronze_times, task.spans)
    pieces = [chunk for span in days for chunk in chunks(bronze_times, span, Timeframe(1, "d"))]
    unfinished = Origin(origin.job, {**origin.inputs, task.source.full_name: task.since})
    rows, kept_out, gap = NOTHING, NOTHING, NOTHING
    for number, piece in enumerate(pieces):
        done = refine_trades(lake.read(task.source, task.reads, piece), task.where)
        is_last = number == len(pieces) - 1
        kept_out += settle_quarantine(lake, task.table, task.where, done.quarantine, origin, piece)
        if is_last:
            holes = trade_gaps(*_ids(lake, task, piece, done.silver), task.where)
            gap = settle_gaps(lake, task.table, task.where, holes, origin)
        rows += settle_series(lake, task.table, task.where, done.silver, origin if is_last else unfinished, piece)
    return _step(task, rows, kept_out, gap)


def _days(times: "np.ndarray[tuple[int], np.dtype[np.int64]]", spans: tuple[TimeRange, ...]) -> list[TimeRange]:
    whole = TimeRange(int(times.min()), int(times.max()) + 1)
    inside = [part for span in spans if (part := span.intersect(whole))]
    return union(TimeRange(one.start - one.start % DAY, one.end + (-one.end) % DAY) for one in inside)


def _ids(
    lake: Lake, task: Task, piece: TimeRange, rows: "pl.DataFrame"
) -> "tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.int64]]]":
    """Give ids and times of the whole series as it will be once `rows` are in."""
    held = lake.read(task.table, task.where, columns=("trade_id", "event_time"))
    times = microseconds(held, "event_time")
    outside = (times < piece.start) | (times >= piece.end)
    ids = np.concatenate([held["trade_id"].to_numpy()[outside], rows["trade_id"].to_numpy()])
    return ids, np.concatenate([times[outside], microseconds(rows, "event_time")])


def _step(task: Task, rows: Settled = NOTHING, kept_out: Settled = NOTHING, gap: Settled = NOTHING) -> Step:
    return Step(
        task.table.full_name,
        task.source.full_name,
        task.where["venue"],
        task.where["symbol"],
        task.where.get("timeframe", ""),
        task.origin if task.table.layer == "gold" else "",
        tuple(span for span in task.spans if span != EVERYTHING),
        task.rows,
        rows.added,
        rows.removed,
        kept_out.added,
        gap.added,
    )
