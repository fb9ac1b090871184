"""Frames of incidents: what is missing, and what was kept out."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tallow.core.bars import close_times
from tallow.core.clean import REASONS, actions
from tallow.domain.columns import Times
from tallow.domain.tables import META_GAPS, META_QUARANTINE, Table
from tallow.domain.timeframes import Timeframe

if TYPE_CHECKING:
    import polars as pl

MISSING = "MISSING"
"""Cause of a hole in the middle of a series."""

Incident = tuple[int, int, int, str]
"""Start, end (microseconds UTC), how many are missing, and the cause."""


def gap_rows(table: Table, where: Mapping[str, str], incidents: list[Incident]) -> "pl.DataFrame":
    """Make rows of meta.gaps; where two begin at one moment they become one."""
    import polars as pl

    merged: dict[int, Incident] = {}
    for start, end, missing, cause in sorted(incidents):
        known = merged.get(start, (start, end, 0, cause))
        merged[start] = (start, max(end, known[1]), known[2] + missing, known[3])
    columns = list(zip(*merged.values(), strict=True)) or [(), (), (), ()]
    moment = pl.Datetime("us", "UTC")
    return _named(
        table,
        where,
        {
            "start": pl.Series(columns[0], dtype=pl.Int64).cast(moment),
            "end": pl.Series(columns[1], dtype=pl.Int64).cast(moment),
            "missing": pl.Series(columns[2], dtype=pl.Int64),
            "cause": pl.Series(columns[3], dtype=pl.String),
        },
    ).select(META_GAPS.column_names)


def quarantine_rows(
    table: Table, where: Mapping[str, str], rows: "pl.DataFrame", codes: NDArray[np.str_]
) -> "pl.DataFrame":
    """Make rows of meta.quarantine from bronze rows and their codes."""
    import polars as pl

    kept_out = rows.with_columns(pl.Series("reason", codes.astype(object), dtype=pl.String))
    time = "event_time" if "event_time" in rows.columns else "time"
    record = pl.struct(*(name for name in rows.columns if name not in ("payload", "row", *where))).struct.json_encode()
    kept_out = kept_out.select(pl.col(time).alias("time"), "reason", record.alias("record"), "payload", "row")
    return _named(table, where, dict(zip(kept_out.columns, kept_out.get_columns(), strict=True))).select(
        META_QUARANTINE.column_names
    )


def flagged(time: Times, codes: NDArray[np.str_], timeframe: Timeframe) -> list[Incident]:
    """List the runs of candles that are kept but reported: nothing is missing of them, so the count is 0."""
    wanted = [code for code in np.unique(codes[codes != ""]) if REASONS[str(code)].action == "flag"]
    ends = close_times(time, timeframe)
    found: list[Incident] = []
    for code in wanted:
        rows = np.flatnonzero(codes == code)
        breaks = np.flatnonzero(time[rows[1:]] != ends[rows[:-1]]) + 1
        for run in np.split(rows, breaks):
            found.append((int(time[run[0]]), int(ends[run[-1]]), 0, str(code)))
    return found


def is_quarantined(codes: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Say which rows stay out of silver."""
    out = np.zeros(len(codes), bool)
    marked = np.flatnonzero(codes != "")  # few: comparing text is dear
    out[marked] = actions(codes[marked]) == "quarantine"
    return out


def _named(table: Table, where: Mapping[str, str], columns: "dict[str, pl.Series]") -> "pl.DataFrame":
    import polars as pl

    fixed = {"table_name": table.full_name, "timeframe": "", **where}
    return pl.DataFrame(columns).with_columns(pl.lit(value).alias(name) for name, value in fixed.items())
