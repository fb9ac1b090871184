"""Write pages into raw and bronze, in batches that fit into memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from tallow.domain.errors import Error
from tallow.domain.tables import META_LINEAGE, META_QUARANTINE, RAW_PAYLOADS, Table
from tallow.flows.ingest.bronze import TABLE_OF, bronze_rows, digest, payload_row, places_of, rejected_rows
from tallow.ports import Lake, Origin, Page, Pages, Payload, Progress, silent

if TYPE_CHECKING:
    import polars as pl

BATCH_ROWS = 100_000
BATCH_BYTES = 64 << 20
BATCH_PAGES = 1_000

_Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class SeriesReport:
    """What one series of bronze got. `start` and `end` are the first and last event time seen, microseconds UTC."""

    table: str
    venue: str
    symbol: str
    timeframe: str
    seen: int = 0
    new: int = 0
    rejected: int = 0
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did; `interrupted` when it was stopped with everything so far written."""

    job: str
    payloads_seen: int = 0
    payloads_new: int = 0
    series: tuple[SeriesReport, ...] = ()
    interrupted: bool = False

    @property
    def rows_seen(self) -> int:
        """Rows parsed."""
        return sum(one.seen for one in self.series)

    @property
    def rows_new(self) -> int:
        """Rows that bronze did not hold."""
        return sum(one.new for one in self.series)

    @property
    def rejected(self) -> int:
        """Rows the parser could not read; they are in meta.quarantine."""
        return sum(one.rejected for one in self.series)

    def __add__(self, other: "IngestReport") -> "IngestReport":
        mine = {_key(one): one for one in self.series}
        for one in other.series:
            mine[_key(one)] = _merged(mine[_key(one)], one) if _key(one) in mine else one
        return IngestReport(
            self.job,
            self.payloads_seen + other.payloads_seen,
            self.payloads_new + other.payloads_new,
            tuple(mine[key] for key in sorted(mine)),
            self.interrupted or other.interrupted,
        )


class Interrupted(KeyboardInterrupt):
    """Ctrl-C after the rows so far were written; `report` says which."""

    def __init__(self, report: IngestReport) -> None:
        super().__init__(f"interrupted: {report.rows_new} new rows are kept")
        self.report = report


def ingest(
    pages: Pages, lake: Lake, *, job: str = "ingest", progress: Progress = silent, expected: int = 0
) -> IngestReport:
    """Write payloads to raw, their rows to bronze and what the parser rejected to quarantine.

    Rows are keyed by payload and place, so that running again, after an end or a kill at any moment, adds what is
    missing and nothing twice. When `pages` fails, what came before is written first.

    Args:
        pages: read once, in order; pages of one payload follow each other.
        lake: held for writing all the while.
        job: name in lineage.
        progress: told the rows seen after every page.
        expected: rows that will come, for `progress`; 0 when unknown.

    Raises:
        Interrupted: on Ctrl-C.
        TransientError: BUSY when another process writes.
    """
    with lake.exclusive():
        batch = _Batch(lake, job)
        try:
            for page in pages:
                batch.add(page)
                progress(job, batch.rows_seen, expected)
        except KeyboardInterrupt:
            batch.flush()
            raise Interrupted(replace(batch.report(), interrupted=True)) from None
        except Error:
            batch.flush()
            raise
        batch.flush()
        return batch.report()


@dataclass
class _Batch:
    lake: Lake
    job: str
    rows_seen: int = 0
    payloads_seen: int = 0
    payloads_new: int = 0
    rows: int = 0
    bytes: int = 0
    pages: int = 0
    payloads: "dict[str, pl.DataFrame]" = field(default_factory=dict)
    frames: "dict[str, list[pl.DataFrame]]" = field(default_factory=dict)
    series: dict[_Key, SeriesReport] = field(default_factory=dict)
    last: tuple[Payload, str] | None = None
    places: dict[_Key, int] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)

    def add(self, page: Page) -> None:
        name = self._payload(page)
        table = TABLE_OF[page.kind]
        key = (table.full_name, page.instrument.venue, page.instrument.symbol, str(page.timeframe or ""))
        places, self.places[key] = places_of(page, self.places.get(key, 0))
        rows = bronze_rows(page, name, places)
        self._count(page, table, rows)
        self.frames.setdefault(table.full_name, []).append(rows)
        if page.rejected:
            self.frames.setdefault(META_QUARANTINE.full_name, []).append(rejected_rows(page, name))
        self.rows += len(rows) + len(page.rejected)
        self.pages += 1
        if self.rows >= BATCH_ROWS or self.bytes >= BATCH_BYTES or self.pages >= BATCH_PAGES:
            self.flush()

    def flush(self) -> None:
        """Write payloads first: a kill in between leaves payloads whose rows come with the next run."""
        import polars as pl

        if self.payloads:
            raw = self.lake.write(RAW_PAYLOADS, pl.concat(self.payloads.values()), Origin(self.job))
            self.payloads_new += raw.rows
        version = self.lake.version(RAW_PAYLOADS)
        inputs = {} if version is None else {RAW_PAYLOADS.full_name: version}
        for table in (*TABLE_OF.values(), META_QUARANTINE):
            frames = self.frames.get(table.full_name)
            if frames:
                self.before.setdefault(table.full_name, self.lake.version(table) or 0)
                self.lake.write(table, pl.concat(frames, how="diagonal"), Origin(self.job, inputs))
        self.payloads.clear()
        self.frames.clear()
        self.rows = self.bytes = self.pages = 0

    def report(self) -> IngestReport:
        added = {key: count for table, since in self.before.items() for key, count in _added(self.lake, table, since)}
        series = tuple(replace(self.series[key], new=added.get(key, 0)) for key in sorted(self.series))
        return IngestReport(self.job, self.payloads_seen, self.payloads_new, series)

    def _payload(self, page: Page) -> str:
        if self.last is None or self.last[0] is not page.payload:
            self.last = (page.payload, digest(page.payload.content))
            self.payloads_seen += 1
            self.places.clear()
        name = self.last[1]
        if name not in self.payloads:
            self.payloads[name] = payload_row(page, name)
            self.bytes += len(page.payload.content)
        return name

    def _count(self, page: Page, table: Table, rows: "pl.DataFrame") -> None:
        self.rows_seen += len(rows)
        times = rows[table.event_time].to_physical().to_numpy() if len(rows) else np.empty(0, np.int64)
        one = SeriesReport(
            table.full_name,
            page.instrument.venue,
            "" if page.kind == "instruments" else page.instrument.symbol,  # their table is one series a venue
            str(page.timeframe or ""),
            seen=len(rows),
            rejected=len(page.rejected),
            start=int(times.min()) if len(times) else None,
            end=int(times.max()) if len(times) else None,
        )
        known = self.series.get(_key(one))
        self.series[_key(one)] = _merged(known, one) if known else one


def _added(lake: Lake, table: str, since: int) -> Iterable[tuple[_Key, int]]:
    import polars as pl

    rows = lake.read(META_LINEAGE, {"table_name": table}).filter(pl.col("version") > since)
    counts = rows.group_by("venue", "symbol", "timeframe", maintain_order=True).agg(pl.col("rows").sum())
    return [((table, venue, symbol, timeframe), count) for venue, symbol, timeframe, count in counts.iter_rows()]


def _key(one: SeriesReport) -> _Key:
    return one.table, one.venue, one.symbol, one.timeframe


def _merged(first: SeriesReport, second: SeriesReport) -> SeriesReport:
    starts = [one.start for one in (first, second) if one.start is not None]
    ends = [one.end for one in (first, second) if one.end is not None]
    return replace(
        first,
        seen=first.seen + second.seen,
        new=first.new + second.new,
        rejected=first.rejected + second.rejected,
        start=min(starts, default=None),
        end=max(ends, default=None),
    )
