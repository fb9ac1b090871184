"""Read the data files of one version of a table with polars, opening only those that can hold an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tallow.domain.ranges import EVERYTHING, TimeRange
from tallow.domain.tables import Table
from tallow.stores.lake.frames import Series, joined, polars_schema, where_of

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable

_STATISTICS_STEP = 1_000  # statistics may be cut to milliseconds


@dataclass(frozen=True)
class DataFile:
    """One Parquet file: where it is, its series, and between which event times its rows lie (None: not told)."""

    path: str
    series: Series
    start: int | None
    end: int | None

    def may_hold(self, span: TimeRange) -> bool:
        """Say whether a row of the file can lie inside `span`."""
        if self.start is None or self.end is None:
            return True
        return self.start < span.end and self.end + _STATISTICS_STEP >= span.start


def data_files(delta: "DeltaTable", table: Table) -> list[DataFile]:
    """List the files of a table's version, from the log alone."""
    import polars as pl

    actions = pl.DataFrame(delta.get_add_actions(flatten=True))
    if actions.is_empty():
        return []
    # File names are unique; how a URL or a local path is spelled is left to the library that wrote it.
    places = {uri.rpartition("/")[2]: uri for uri in delta.file_uris()}
    paths = [places[path.rpartition("/")[2]] for path in actions["path"]]
    series = [actions[f"partition.{name}"].to_list() for name in table.partition]
    starts, ends = _bound(actions, table, "min"), _bound(actions, table, "max")
    return [
        DataFile(path, tuple(values), start, end)
        for path, start, end, *values in zip(paths, starts, ends, *series, strict=True)
    ]


def _bound(actions: "pl.DataFrame", table: Table, side: str) -> Sequence[int | None]:
    name = f"{side}.{table.event_time}"
    if not table.event_time or name not in actions.columns:
        return [None] * len(actions)
    return actions[name].to_physical().to_list()


def read_files(
    table: Table,
    files: Sequence[DataFile],
    where: Mapping[str, str],
    span: TimeRange,
    columns: Sequence[str],
    storage_options: Mapping[str, str] | None = None,
) -> "dict[Series, pl.DataFrame]":
    """Read the asked columns of the rows that match, by series, each sorted by the rest of the key."""
    import polars as pl

    named = {name: value for name, value in where.items() if name in table.partition}
    chosen: dict[Series, list[str]] = {}
    for file in files:
        if file.may_hold(span) and named.items() <= dict(where_of(table, file.series)).items():
            chosen.setdefault(file.series, []).append(file.path)
    needed = [name for name in table.column_names if name in {*table.key, *columns} and name not in table.partition]
    types = polars_schema(table)
    # Files of other engines may spell types another way: what is read has the lake's.
    shape = [pl.col(name).cast(types[name]) for name in needed]
    parts: dict[Series, pl.DataFrame] = {}
    for series, paths in chosen.items():
        scan = pl.scan_parquet(
            sorted(paths), hive_partitioning=False, glob=False, storage_options=dict(storage_options or {}) or None
        )
        part = scan.filter(_conditions(table, where, span)).select(shape).collect()
        if len(part):
            part = part.with_columns(pl.lit(value).alias(name) for name, value in where_of(table, series))
            part = part.select(*table.key, *(name for name in columns if name not in table.key))
            parts[series] = _sorted(part, [name for name in table.key if name not in table.partition])
    return parts


def assemble(table: Table, parts: "Mapping[Series, pl.DataFrame]", columns: Sequence[str]) -> "pl.DataFrame":
    """Join what was read into one frame sorted by the key, with the asked columns in the asked order."""
    return joined(table, parts).select(columns)


def _sorted(part: "pl.DataFrame", rest: list[str]) -> "pl.DataFrame":
    first = part[rest[0]]
    return part if (first.head(-1) < first.tail(-1)).all() and not first.has_nulls() else part.sort(rest)


def _conditions(table: Table, where: Mapping[str, str], span: TimeRange) -> "list[pl.Expr]":
    import polars as pl

    found = [pl.col(name) == value for name, value in where.items() if name not in table.partition]
    if span != EVERYTHING and table.event_time:
        start, end = (pl.lit(value, pl.Int64).cast(pl.Datetime("us", "UTC")) for value in (span.start, span.end))
        found += [pl.col(table.event_time) >= start, pl.col(table.event_time) < end]
    return found or [pl.lit(True)]
