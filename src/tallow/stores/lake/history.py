"""What a commit says of itself, and the lineage rows made from it.

The note travels inside the commit, so that a process killed between the data and its lineage loses nothing: the rows
are made again from the log.
"""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tallow.domain.tables import META_LINEAGE, Table
from tallow.ports import Origin
from tallow.stores.lake.frames import Series, polars_schema, where_of

if TYPE_CHECKING:
    import polars as pl

NOTE = "tallow"
_SILENT = ("OPTIMIZE", "VACUUM START", "VACUUM END", "CREATE TABLE", "SET TBLPROPERTIES", "CREATE OR REPLACE TABLE")


def write_note(
    table: Table,
    parts: "Mapping[Series, pl.DataFrame]",
    added: Mapping[Series, int],
    origin: Origin,
    stamp: tuple[str, int],
) -> str:
    """Write the note of a commit: who, from what, and for each series the rows added and the span touched.

    Args:
        table: what is written.
        parts: the rows that come or go, by series.
        added: rows that come, by series.
        origin: who writes, and from what.
        stamp: tallow version and wall clock in microseconds.
    """
    series = []
    for name, rows in parts.items():
        times = rows[table.event_time].to_physical() if table.event_time else None
        bounds = [None, None] if times is None else [times.min(), times.max()]
        series.append({**dict(where_of(table, name)), "rows": added.get(name, 0), "start": bounds[0], "end": bounds[1]})
    body = {
        "job": origin.job,
        "inputs": dict(sorted(origin.inputs.items())),
        "code_version": stamp[0],
        "written_time": stamp[1],
        "series": series,
    }
    return json.dumps(body, separators=(",", ":"))


def lineage_rows(table: Table, commits: Iterable[Mapping[str, Any]]) -> "pl.DataFrame":
    """Make the lineage rows of commits as the log lists them, one a series.

    A commit of another engine has no note: it gets one row with empty series names, which stands for any series.
    """
    import polars as pl

    rows = [row for commit in commits if commit.get("operation") not in _SILENT for row in _rows(table, commit)]
    ordered = [[row.get(name) for name in META_LINEAGE.column_names] for row in rows]
    numbers = {
        name: pl.Int64() if isinstance(kind, pl.Datetime) else kind
        for name, kind in polars_schema(META_LINEAGE).items()
    }
    return pl.DataFrame(ordered, schema=numbers, orient="row").cast(polars_schema(META_LINEAGE))  # type: ignore[arg-type]


def _rows(table: Table, commit: Mapping[str, Any]) -> list[dict[str, Any]]:
    fixed: dict[str, Any] = {"table_name": table.full_name, "version": commit["version"]}
    if NOTE not in commit:
        seen = int(commit.get("timestamp", 0)) * 1_000
        engine = str(commit.get("engineInfo") or commit.get("clientVersion") or "unknown engine")
        names = {"venue": "", "symbol": "", "timeframe": "", "inputs": "{}", "rows": 0, "code_version": ""}
        return [{**fixed, **names, "job": engine, "written_time": seen}]
    note = json.loads(commit[NOTE])
    told = {name: note[name] for name in ("job", "code_version", "written_time")}
    inputs = json.dumps(note["inputs"], separators=(",", ":"))
    empty = {"venue": "", "symbol": "", "timeframe": ""}
    return [{**fixed, **told, "inputs": inputs, **empty, **series} for series in note["series"]]
