"""What lineage tells of series: which there are, their versions, what they were made from, what moved since."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tallow.domain.ranges import EVERYTHING, TimeRange, union
from tallow.domain.tables import META_LINEAGE, Table
from tallow.flows.read import microseconds
from tallow.ports import Lake

if TYPE_CHECKING:
    import polars as pl

Where = Mapping[str, str]


class Changes:
    """The lineage of a lake at one moment."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._rows = lake.read(META_LINEAGE)

    def series(self, table: Table, only: Where) -> list[dict[str, str]]:
        """List the series of a table that match `only`, sorted."""
        import polars as pl

        rows = self._of(table, {})
        names = [name for name in table.partition if name in ("venue", "symbol", "timeframe")]
        if len(rows) and (rows[names[-1]] == "").any():
            # Another engine wrote, which leaves no note: then the table itself is asked.
            found = self._lake.query(f"select distinct {', '.join(names)} from {table.full_name}")
        else:
            found = rows.select(names).unique()
        for name in names:
            if name in only:
                found = found.filter(pl.col(name) == only[name])
        return found.sort(names).to_dicts()

    def version(self, table: Table, where: Where) -> int:
        """Give the version that last changed a series; 0 when there is none."""
        latest = self._of(table, where)["version"].max()
        return latest if isinstance(latest, int) else 0

    def inputs(self, table: Table, where: Where) -> dict[str, Any]:
        """Give what the last write of a series was made from."""
        rows = self._of(table, where).sort("version")
        return dict(json.loads(rows["inputs"][-1])) if len(rows) else {}

    def spans(self, table: Table, where: Where, since: int) -> list[TimeRange]:
        """List the event times that moved after version `since`."""
        rows = self._newer(table, where, since)
        if rows["start"].has_nulls():
            return [EVERYTHING]
        ends = zip(microseconds(rows, "start").tolist(), microseconds(rows, "end").tolist(), strict=True)
        return union(TimeRange(start, end + 1) for start, end in ends)

    def rows(self, table: Table, where: Where, since: int) -> int:
        """Count the rows added after version `since`."""
        return int(self._newer(table, where, since)["rows"].sum())

    def _newer(self, table: Table, where: Where, since: int) -> "pl.DataFrame":
        import polars as pl

        return self._of(table, where).filter(pl.col("version") > since)

    def _of(self, table: Table, where: Where) -> "pl.DataFrame":
        import polars as pl

        rows = self._rows.filter(pl.col("table_name") == table.full_name)
        for name, value in where.items():
            rows = rows.filter(pl.col(name).is_in([value, ""]))
        return rows
