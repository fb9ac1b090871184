"""Fetch from a venue exactly what bronze lacks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tallow.domain.errors import UserError
from tallow.domain.market import Instrument
from tallow.domain.ranges import TimeRange
from tallow.domain.tables import META_GAPS, Table
from tallow.domain.timeframes import Timeframe
from tallow.flows.ingest.bronze import TABLE_OF
from tallow.flows.ingest.coverage import (
    NOT_AT_VENUE,
    Held,
    Missing,
    held_candles,
    held_funding,
    held_trades,
    missing_candles,
    missing_funding,
    missing_trades,
    unanswered,
)
from tallow.flows.ingest.pages import IngestReport, Interrupted, ingest
from tallow.ports import Clock, Feed, Kind, Lake, Origin, Page, Progress, silent

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class IngestRequest:
    """What to fetch: instruments, kinds, a span, and timeframes when candles are among the kinds."""

    instruments: tuple[Instrument, ...]
    span: TimeRange
    kinds: tuple[Kind, ...] = ("candles",)
    timeframes: tuple[Timeframe, ...] = ()


@dataclass(frozen=True)
class _Job:
    instrument: Instrument
    kind: Kind
    timeframe: Timeframe | None
    span: TimeRange
    missing: tuple[Missing, ...]

    @property
    def name(self) -> str:
        words = [str(self.instrument), self.kind, str(self.timeframe or "")]
        return "ingest " + " ".join(word for word in words if word)

    @property
    def expected(self) -> int:
        """Candles that can come; 0 for what has no grid or no beginning."""
        if self.timeframe is None or any(part.span.start <= 0 for part in self.missing):
            return 0
        return sum(part.span.end - part.span.start for part in self.missing) // self.timeframe.microseconds


def ingest_venue(
    feed: Feed, lake: Lake, request: IngestRequest, clock: Clock, progress: Progress = silent
) -> IngestReport:
    """Fetch what bronze lacks of each series and nothing else; asking again for a complete span asks nothing.

    Candles are compared with their grid up to the last closed one, trades go on behind the last known id. What a
    venue was asked for and does not have is marked in meta.gaps (NOT_AT_VENUE, against the bronze table) once it is
    a day old, and not asked for again.

    Raises:
        UserError: NO_TIMEFRAME when candles are asked for without one, WRONG_VENUE.
        Interrupted: on Ctrl-C, with the report of everything that was written.
        TransientError: BUSY, or what the feed raises; rows that came before are kept.
    """
    _check(feed, request)
    report = IngestReport(f"ingest {feed.venue}")
    with lake.exclusive():
        for job in _jobs(lake, request, clock.now()):
            try:
                done = ingest(_pages(feed, job), lake, job=job.name, progress=progress, expected=job.expected)
            except Interrupted as stop:
                raise Interrupted(report + stop.report) from None
            report += done
            _mark(lake, job, clock.now())
    return report


def plan_venue(lake: Lake, request: IngestRequest, now: int) -> dict[str, list[TimeRange]]:
    """Say what `ingest_venue` would ask for, by job name; nothing is fetched or written."""
    return {job.name: [part.span for part in job.missing] for job in _jobs(lake, request, now)}


def _check(feed: Feed, request: IngestRequest) -> None:
    if "candles" in request.kinds and not request.timeframes:
        raise UserError("NO_TIMEFRAME", "candles need a timeframe", commands=[f"tallow ingest {feed.venue} ... -t 1h"])
    for instrument in request.instruments:
        if instrument.venue != feed.venue:
            raise UserError(
                "WRONG_VENUE", f"{instrument} does not trade there", facts={"feed": feed.venue, "received": instrument}
            )


def _jobs(lake: Lake, request: IngestRequest, now: int) -> Iterator[_Job]:
    """Plan one series after the other, each when its turn comes: the one before may have changed the lake."""
    if "instruments" in request.kinds and request.instruments:
        yield _Job(request.instruments[0], "instruments", None, request.span, (Missing(request.span),))
    past = TimeRange(min(request.span.start, now), min(request.span.end, now))
    for instrument in request.instruments:
        for timeframe in request.timeframes if "candles" in request.kinds else ():
            closed = _grid(request.span, timeframe, now)
            found = missing_candles(lake, instrument, timeframe, closed)
            yield from _job(instrument, "candles", timeframe, closed, found)
        if "trades" in request.kinds:
            yield from _job(instrument, "trades", None, past, missing_trades(lake, instrument, past))
        if "funding" in request.kinds:
            yield from _job(instrument, "funding", None, past, missing_funding(lake, instrument, past))


def _job(
    instrument: Instrument, kind: Kind, timeframe: Timeframe | None, span: TimeRange, missing: list[Missing]
) -> Iterator[_Job]:
    if missing:
        yield _Job(instrument, kind, timeframe, span, tuple(missing))


def _grid(span: TimeRange, timeframe: Timeframe, now: int) -> TimeRange:
    """Widen to whole candles that open inside `span`, and end at the last closed one."""
    first = timeframe.floor(span.start)
    start = first if first == span.start else timeframe.next(first)
    last = timeframe.floor(span.end)
    end = last if last == span.end else timeframe.next(last)
    return TimeRange(start, max(start, min(end, timeframe.floor(now))))


def _pages(feed: Feed, job: _Job) -> Iterator[Page]:
    for part in job.missing:
        if job.kind == "instruments":
            yield from feed.instruments()
        elif job.kind == "candles" and job.timeframe:
            yield from feed.candles(job.instrument, job.timeframe, part.span)
        elif job.kind == "trades":
            yield from feed.trades(job.instrument, part.span, part.after_id)
        else:
            yield from feed.funding(job.instrument, part.span)


def _mark(lake: Lake, job: _Job, now: int) -> None:
    if job.kind == "instruments":
        return
    held = _held(lake, job)
    holes = unanswered(list(job.missing), held, now, job.timeframe)
    if holes:
        lake.write(META_GAPS, _marks(TABLE_OF[job.kind], job, holes), Origin(job.name))


def _held(lake: Lake, job: _Job) -> list[Held]:
    if job.kind == "candles" and job.timeframe:
        return held_candles(lake, job.instrument, job.timeframe, job.span)
    reader = held_trades if job.kind == "trades" else held_funding
    return reader(lake, job.instrument, job.span)


def _marks(table: Table, job: _Job, holes: list[TimeRange]) -> "pl.DataFrame":
    import polars as pl

    moment = pl.Datetime("us", "UTC")
    step = job.timeframe.microseconds if job.timeframe else 0
    return pl.DataFrame(
        {
            "table_name": table.full_name,
            "venue": job.instrument.venue,
            "symbol": job.instrument.symbol,
            "timeframe": str(job.timeframe or ""),
            "start": pl.Series([hole.start for hole in holes], dtype=pl.Int64).cast(moment),
            "end": pl.Series([hole.end for hole in holes], dtype=pl.Int64).cast(moment),
            "missing": [(hole.end - hole.start) // step if step else 0 for hole in holes],
            "cause": NOT_AT_VENUE,
        }
    )
