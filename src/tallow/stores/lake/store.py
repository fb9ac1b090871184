"""The Lake port on Delta tables, for one writer and any number of readers."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallow.domain.errors import UserError
from tallow.domain.ranges import EVERYTHING, TimeRange
from tallow.domain.tables import META_LINEAGE, TABLES, Table, find_table
from tallow.ports import Clock, Origin, Written
from tallow.stores.lake import marker
from tallow.stores.lake.faults import reading, writing
from tallow.stores.lake.files import assemble, data_files, read_files
from tallow.stores.lake.frames import (
    Series,
    by_series,
    check_columns,
    delta_schema,
    joined,
    polars_schema,
    where_of,
    without,
)
from tallow.stores.lake.history import NOTE, lineage_rows, write_note
from tallow.stores.lake.lock import WriterLock
from tallow.stores.lake.sql import bad_query, plain_name, read_query

if TYPE_CHECKING:
    import polars as pl
    from deltalake import CommitProperties, DeltaTable, WriterProperties

ROW_GROUP = 65_536  # rows; measured best between one day and a whole series
CROWDED = 64  # files of one series from which they are put together
_CONFIGURATION = {
    "delta.enableDeletionVectors": "false",  # other engines and delta-rs cannot all write them
    "delta.enableExpiredLogCleanup": "false",  # pinned results read old versions, lineage reads old commits
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.checkpointInterval": "50",
}


class DeltaLake:
    """Versioned tables under one folder.

    Args:
        path: the folder, or the URL of a lake that is only read (`s3://...`, with `storage_options`).
        clock: stamps lineage and measures waits.
        patience: seconds to wait for another writer before BUSY.
        storage_options: passed to Delta and polars as they are.

    Raises:
        UserError: NOT_A_LAKE when the folder holds something else, at the first use.
    """

    def __init__(
        self,
        path: str,
        clock: Clock,
        *,
        patience: float = 0.0,
        storage_options: Mapping[str, str] | None = None,
    ) -> None:
        self.path = path if "://" in path else str(Path(path).expanduser().absolute())
        self._clock = clock
        self._options = dict(storage_options or {})
        self._tables: dict[str, DeltaTable] = {}
        self._current: set[str] = set()  # tables that cannot have moved since the lock was taken
        self._changed: set[str] = set()  # tables written under this lock
        self._prepared = False
        self._lineage: tuple[int, pl.DataFrame] | None = None
        self._notes: dict[str, tuple[tuple[int, ...], pl.DataFrame]] = {}
        self._checked = "://" in path
        self._lock = WriterLock(Path(self.path) / "lake.lock", clock, patience)

    def location(self, table: Table) -> str:
        """Give the path or URL where other engines find the table."""
        return f"{self.path.rstrip('/')}/{table.layer}/{table.name}"

    def read(
        self,
        table: Table,
        where: Mapping[str, str] | None = None,
        span: TimeRange | None = None,
        *,
        version: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> "pl.DataFrame":
        """Read rows, sorted by the table's key; an absent table has no rows.

        `where` may name any text column; `span` speaks of the table's event time and leaves out rows without one.

        Raises:
            UserError: UNKNOWN_COLUMN, NO_VERSION, NOT_A_LAKE.
            TerminalError: LAKE_DAMAGED.
        """
        names = tuple(columns or table.column_names)
        check_columns(table, (*names, *(where or {})))
        parts = self._read_series(table, where or {}, span or EVERYTHING, version, names)
        return assemble(table, parts, names)

    def version(self, table: Table, where: Mapping[str, str] | None = None) -> int | None:
        """Give the version that last changed the table, or the series `where`; None when there is nothing.

        Putting files together changes no row and is not counted.
        """
        import polars as pl

        rows = self._changes(table)
        for name in ("venue", "symbol", "timeframe"):
            if where and name in where:
                rows = rows.filter(pl.col(name).is_in([where[name], ""]))
        latest = rows["version"].max()
        return int(latest) if isinstance(latest, int) else None

    def write(self, table: Table, rows: "pl.DataFrame", origin: Origin) -> Written:
        """Add the rows whose key is new, in one commit; existing keys are left as they are.

        Raises:
            TransientError: BUSY, DISK_FULL.
            UserError: UNKNOWN_COLUMN, CANNOT_WRITE, NOT_A_LAKE.
        """
        parts = by_series(table, rows)
        with self.exclusive():
            new = {name: fresh for name, part in parts.items() if len(fresh := self._unknown(table, name, part))}
            if new:
                frame = joined(table, new)
                note = self._note(table, new, {name: len(part) for name, part in new.items()}, origin)
                self._commit(table, frame, note)
            return self._written(table, sum(len(part) for part in new.values()))

    def replace(self, table: Table, rows: "pl.DataFrame", where: Mapping[str, str], origin: Origin) -> Written:
        """Make `rows` the whole content of the partition `where`; equal content means no new version.

        Raises:
            UserError: NOT_A_PARTITION when `where` names other columns than partition columns, or rows lie outside.
        """
        parts = by_series(table, rows)
        outside = [name for name in parts if any(dict(where_of(table, name)).get(k) != v for k, v in where.items())]
        if outside or not where or not set(where) <= set(table.partition):
            raise UserError(
                "NOT_A_PARTITION",
                f"{table.full_name} cannot be replaced there",
                facts={"received": dict(where), "valid": ", ".join(table.partition) or "none", "rows outside": outside},
            )
        with self.exclusive():
            old = self._read_series(table, where, EVERYTHING, None, table.column_names)
            added, touched = _changes_between(table, old, parts)
            if touched:
                note = self._note(table, touched, {name: len(part) for name, part in added.items()}, origin)
                self._commit(table, joined(table, parts), note, where)
            return self._written(table, sum(len(part) for part in added.values()))

    def query(self, sql: str) -> "pl.DataFrame":
        """Run one SELECT over the tables by their full names, such as ``silver.candles``.

        Raises:
            UserError: BAD_SQL for anything else, with the nearest names; NO_DATA when a table was never written.
        """
        import polars as pl
        from deltalake import QueryBuilder
        from deltalake.exceptions import DeltaError

        text, tables = read_query(sql)
        engine = QueryBuilder()
        for table in tables:
            delta = self._open(table)
            if delta is None:
                raise UserError("NO_DATA", f"the lake {self.path} has no {table.full_name} yet", exit="no data")
            engine.register(plain_name(table), delta)
        try:
            return pl.DataFrame(engine.execute(text).read_all())
        except DeltaError as error:
            message = str(error).splitlines()[0]
            for table in tables:
                message = message.replace(plain_name(table), table.full_name)
            raise bad_query(message.replace("datafusion.public.", ""), sql, tables) from error

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the only writer's place; what a killed writer left undone is finished first.

        Raises:
            TransientError: BUSY when another process has it.
            UserError: READ_ONLY_LAKE for a URL, CANNOT_WRITE, NOT_A_LAKE.
        """
        if "://" in self.path:
            raise UserError(
                "READ_ONLY_LAKE",
                f"{self.path} is not on a local disk",
                facts={"why": "one writer at a time can only be held on a local disk; reading works"},
            )
        self._check()
        with writing(self.path):
            Path(self.path).mkdir(parents=True, exist_ok=True)
        with self._lock.hold() as outermost:
            if not outermost:
                yield
                return
            self._changed.clear()
            try:
                self._prepare()
                yield
                self._tidy(sorted(self._changed), CROWDED)
            finally:
                self._current.clear()

    def compact(self, files: int = 2) -> int:
        """Put the files of every series that has at least `files` of them together, sorted; give how many series.

        No row changes, old versions stay readable, and `version` does not move.

        Raises:
            TransientError: BUSY, DISK_FULL.
        """
        with self.exclusive():
            return self._tidy([table.full_name for table in TABLES], files)

    def _tidy(self, names: Sequence[str], files: int) -> int:
        done = 0
        for table in (find_table(name) for name in names):
            delta = self._open(table)
            counts = Counter(file.series for file in data_files(delta, table)) if delta else Counter()
            for series in (name for name, count in counts.items() if count >= files):
                self._put_together(table, series)
                done += 1
        return done

    def _put_together(self, table: Table, series: Series) -> None:
        delta = self._open(table)
        assert delta is not None
        rest = [name for name in table.key if name not in table.partition]
        with writing(self.location(table)):
            delta.optimize.z_order(
                rest[:1],
                partition_filters=[(name, "=", value) for name, value in where_of(table, series)] or None,
                writer_properties=_writer(),
            )

    def _read_series(
        self, table: Table, where: Mapping[str, str], span: TimeRange, version: int | None, columns: Sequence[str]
    ) -> "dict[Series, pl.DataFrame]":
        with reading(self.location(table)):
            delta = self._open(table, version)
            if delta is None:
                return {}
            return read_files(table, data_files(delta, table), where, span, columns, self._options)

    def _unknown(self, table: Table, series: Series, part: "pl.DataFrame") -> "pl.DataFrame":
        span = EVERYTHING
        if table.event_time in table.key and not part[table.event_time].has_nulls():
            times = part[table.event_time].to_physical()
            span = TimeRange(int(times.to_numpy().min()), int(times.to_numpy().max()) + 1)
        known = self._read_series(table, dict(where_of(table, series)), span, None, table.key)
        return without(part, known[series], table.key) if series in known else part

    def _note(
        self, table: Table, parts: "Mapping[Series, pl.DataFrame]", added: Mapping[Series, int], origin: Origin
    ) -> str:
        return write_note(table, parts, added, origin, (_code_version(), self._clock.now()))

    def _commit(self, table: Table, frame: "pl.DataFrame", note: str, where: Mapping[str, str] | None = None) -> None:
        from deltalake import write_deltalake

        delta = self._open(table)
        assert delta is not None
        with writing(self.location(table)):
            if where is None:
                write_deltalake(
                    delta, frame, mode="append", writer_properties=_writer(), commit_properties=_properties(note)
                )
            else:
                write_deltalake(
                    delta,
                    frame,
                    mode="overwrite",
                    predicate=_predicate(where),
                    writer_properties=_writer(),
                    commit_properties=_properties(note),
                )
        self._changed.update((table.full_name, META_LINEAGE.full_name))
        self._record(table)

    def _written(self, table: Table, rows: int) -> Written:
        return Written(table.full_name, rows, self.version(table) or 0)

    def _record(self, table: Table) -> None:
        """Add the lineage rows of commits that have none."""
        rows = self._unrecorded(table)
        if table == META_LINEAGE or rows.is_empty():
            return
        from deltalake import write_deltalake

        delta = self._open(META_LINEAGE)
        assert delta is not None
        with writing(self.location(META_LINEAGE)):
            write_deltalake(delta, rows, mode="append", writer_properties=_writer())

    def _changes(self, table: Table) -> "pl.DataFrame":
        """Give all lineage rows of a table, those of the last commits too when lineage lags behind."""
        import polars as pl

        seen = tuple(delta.version() if (delta := self._open(one)) else -1 for one in (META_LINEAGE, table))
        if table.full_name not in self._notes or self._notes[table.full_name][0] != seen:
            rows = pl.concat([self._recorded(table), self._unrecorded(table)])
            self._notes[table.full_name] = (seen, rows.select("version", "venue", "symbol", "timeframe"))
        return self._notes[table.full_name][1]

    def _recorded(self, table: Table) -> "pl.DataFrame":
        import polars as pl

        delta = self._open(META_LINEAGE)
        if delta is None:
            return pl.DataFrame(schema=polars_schema(META_LINEAGE))
        if self._lineage is None or self._lineage[0] != delta.version():
            self._lineage = (delta.version(), self.read(META_LINEAGE))
        return self._lineage[1].filter(pl.col("table_name") == table.full_name)

    def _unrecorded(self, table: Table) -> "pl.DataFrame":
        delta = None if table == META_LINEAGE else self._open(table)
        last = self._recorded(table)["version"].max()
        known = last if isinstance(last, int) else 0
        if delta is None or delta.version() <= known:
            return lineage_rows(table, ())
        with reading(self.location(table)):
            commits = delta.history(limit=delta.version() - known)
        return lineage_rows(table, (commit for commit in commits if commit["version"] > known))

    def _open(self, table: Table, version: int | None = None) -> "DeltaTable | None":
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        self._check()
        place = self.location(table)
        options = self._options or None
        with reading(place):
            try:
                if table.full_name not in self._tables:
                    self._tables[table.full_name] = DeltaTable(place, storage_options=options)
                latest = self._tables[table.full_name]
                if table.full_name not in self._current:
                    latest.update_incremental()
                if self._lock.held:
                    self._current.add(table.full_name)
                if version is None or version == latest.version():
                    return latest
                if not 0 <= version <= latest.version():
                    raise _no_version(table, version, latest.version())
                return DeltaTable(place, version=version, storage_options=options)
            except TableNotFoundError:
                self._tables.pop(table.full_name, None)
                return None

    def _check(self) -> None:
        if not self._checked:
            with reading(self.path):
                self._checked = marker.check(Path(self.path))

    def _prepare(self) -> None:
        """Create what is missing, once, before anything races for it; then finish lineage."""
        if self._prepared:
            return
        from deltalake import DeltaTable

        with writing(self.path):
            marker.place(Path(self.path))
            for table in TABLES:
                if self._open(table) is None:
                    self._tables[table.full_name] = DeltaTable.create(
                        self.location(table),
                        delta_schema(table),
                        mode="ignore",
                        partition_by=list(table.partition) or None,
                        name=table.full_name,
                        description=table.meaning,
                        configuration=_CONFIGURATION,
                    )
        for table in TABLES:
            self._record(table)
        self._prepared = True


def _changes_between(
    table: Table, old: "Mapping[Series, pl.DataFrame]", new: "Mapping[Series, pl.DataFrame]"
) -> "tuple[dict[Series, pl.DataFrame], dict[Series, pl.DataFrame]]":
    """Give the rows that come, and those that come or go, by series."""
    import polars as pl

    added: dict[Series, pl.DataFrame] = {}
    touched: dict[Series, pl.DataFrame] = {}
    empty = pl.DataFrame(schema=polars_schema(table))
    for series in sorted({*old, *new}):
        before = old.get(series, empty).select(table.column_names)
        after = new.get(series, empty)
        come = without(after, before, table.column_names)
        go = without(before, after, table.column_names)
        if len(come):
            added[series] = come
        if len(come) + len(go):
            touched[series] = pl.concat([come, go])
    return added, touched


@cache
def _code_version() -> str:
    # Not from the package itself: its top knows the layers above this one.
    try:
        return version("tallow")
    except PackageNotFoundError:
        return "not installed"


def _predicate(where: Mapping[str, str]) -> str:
    return " AND ".join("{} = '{}'".format(name, value.replace("'", "''")) for name, value in where.items())


def _writer() -> "WriterProperties":
    from deltalake import WriterProperties

    return WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=ROW_GROUP)


def _properties(note: str) -> "CommitProperties":
    from deltalake import CommitProperties

    metadata: dict[str, Any] = {NOTE: note}
    return CommitProperties(custom_metadata=metadata)


def _no_version(table: Table, version: int, latest: int) -> UserError:
    return UserError(
        "NO_VERSION",
        f"{table.full_name} has no version {version}",
        facts={"valid": f"0..{latest}"},
        commands=[f"tallow lineage {table.full_name}"],
    )
