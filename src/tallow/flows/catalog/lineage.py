"""Follow a series back to the bytes it was read from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tallow.domain.errors import UserError
from tallow.domain.ranges import EVERYTHING, TimeRange, iso
from tallow.domain.tables import META_LINEAGE, RAW_PAYLOADS, TABLES, Table, find_table
from tallow.domain.timeframes import parse_timeframe
from tallow.ports import Lake

if TYPE_CHECKING:
    import polars as pl

_NAMES = ("venue", "symbol", "timeframe")
_COLUMNS = (
    "depth", "table", "version", "venue", "symbol", "timeframe", "job", "inputs", "rows", "first", "last",
    "code_version", "written", "payload", "source",
)  # fmt: skip
_RENAMED = {"table_name": "table", "start": "first", "end": "last", "written_time": "written"}
_BY_NAME = {table.full_name: table for table in TABLES}


@dataclass(frozen=True)
class _Place:
    depth: int
    table: Table
    series: tuple[tuple[str, str], ...]
    window: TimeRange


def lineage(
    lake: Lake, table: str | Table, where: Mapping[str, str] | None = None, at: int | None = None
) -> "pl.DataFrame":
    """Follow a series back to the raw payloads: one row a write, and one a payload at the end.

    Columns: depth (0 is the table asked for), table, version, venue, symbol, timeframe, job, inputs (JSON), rows,
    first, last, code_version, written, payload and source; the last two are of raw payloads only.

    Args:
        lake: where to look.
        table: full name, such as ``gold.candles``.
        where: venue, symbol, timeframe; all series when absent.
        at: an event time (microseconds UTC): only the writes and payloads that the row of this moment goes back to.

    Raises:
        UserError: UNKNOWN_TABLE, NO_DATA.
    """
    import polars as pl

    start = find_table(table) if isinstance(table, str) else table
    notes = lake.read(META_LINEAGE)
    todo = [_Place(0, start, series, _window(dict(series), at)) for series in _series(notes, start, dict(where or {}))]
    steps: dict[_Place, pl.DataFrame] = {}
    while todo:
        place = todo.pop(0)
        if place not in steps:
            writes = _writes(notes, place)
            todo += _sources(writes, place)
            steps[place] = writes if place.table.layer != "bronze" else pl.concat([writes, _payloads(lake, place)])
    found = [frame for frame in steps.values() if len(frame)]
    if not found:
        raise UserError(
            "NO_DATA",
            f"{start.full_name} has nothing like that",
            facts={"series": dict(where or {}) or "all", "at": "any time" if at is None else iso(at)},
            commands=["tallow catalog"],
            exit="no data",
        )
    return pl.concat(found).unique(maintain_order=True).sort("depth", maintain_order=True)


def _series(notes: "pl.DataFrame", table: Table, where: Mapping[str, str]) -> list[tuple[tuple[str, str], ...]]:
    names = [name for name in _NAMES if name in table.partition]
    rows = notes.filter(notes["table_name"] == table.full_name).select(names).unique().sort(names)
    every = [tuple(row.items()) for row in rows.to_dicts()]
    wanted = {name: value for name, value in where.items() if name in names}
    return [one for one in every if all(dict(one)[name] in (value, "") for name, value in wanted.items())]


def _window(series: Mapping[str, str], at: int | None) -> TimeRange:
    """Give the event times that the row of a moment is made of."""
    if at is None:
        return EVERYTHING
    if not series.get("timeframe"):
        return TimeRange(at, at + 1)
    timeframe = parse_timeframe(series["timeframe"])
    return TimeRange(timeframe.floor(at), timeframe.next(timeframe.floor(at)))


def _writes(notes: "pl.DataFrame", place: _Place) -> "pl.DataFrame":
    import polars as pl

    rows = notes.filter(pl.col("table_name") == place.table.full_name)
    for name, value in place.series:
        rows = rows.filter(pl.col(name).is_in([value, ""]))
    if place.window != EVERYTHING:
        first, last = pl.col("start").to_physical(), pl.col("end").to_physical()
        inside = (first < place.window.end) & (last >= place.window.start)
        rows = rows.filter(first.is_null() | inside)
    nothing = [pl.lit(None, pl.String).alias(name) for name in ("payload", "source")]
    return rows.rename(_RENAMED).with_columns(pl.lit(place.depth).alias("depth"), *nothing).select(_COLUMNS)


def _sources(writes: "pl.DataFrame", place: _Place) -> Iterator[_Place]:
    for text in writes["inputs"].unique(maintain_order=True):
        inputs = json.loads(text)
        for name in inputs:
            source = _BY_NAME.get(name)
            if source is None or source.layer == "raw":
                continue
            series = {key: value for key, value in place.series if key in source.partition}
            if inputs.get("origin", "native") not in ("native", "trades"):
                series["timeframe"] = str(inputs["origin"])
            yield _Place(place.depth + 1, source, tuple(series.items()), place.window)


def _payloads(lake: Lake, place: _Place) -> "pl.DataFrame":
    import polars as pl

    names = lake.read(place.table, dict(place.series), place.window, columns=("payload",))["payload"].unique()
    venue = {name: value for name, value in place.series if name == "venue"}
    rows = lake.read(RAW_PAYLOADS, venue, columns=("payload", "source", "venue", "symbol", "received_time"))
    rows = rows.filter(pl.col("payload").is_in(names.to_list()))
    moment = pl.Datetime("us", "UTC")
    return rows.select(
        pl.lit(place.depth + 1).alias("depth"),
        pl.lit(RAW_PAYLOADS.full_name).alias("table"),
        pl.lit(None, pl.Int64).alias("version"),
        "venue",
        "symbol",
        pl.lit(dict(place.series).get("timeframe", "")).alias("timeframe"),
        pl.lit("").alias("job"),
        pl.lit("{}").alias("inputs"),
        pl.lit(1, pl.Int64).alias("rows"),
        pl.col("received_time").alias("first"),
        pl.col("received_time").alias("last"),
        pl.lit("").alias("code_version"),
        pl.lit(None, moment).alias("written"),
        "payload",
        "source",
    ).select(_COLUMNS)
