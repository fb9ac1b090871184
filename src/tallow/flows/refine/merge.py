"""Bring a stretch of a table to what it should be, with the smallest commit that does it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tallow.domain.ranges import EVERYTHING, TimeRange
from tallow.domain.tables import META_GAPS, META_QUARANTINE, Table
from tallow.ports import Lake, Origin

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Settled:
    """Rows that were added, and rows that were changed or taken away."""

    added: int = 0
    removed: int = 0

    def __add__(self, other: "Settled") -> "Settled":
        return Settled(self.added + other.added, self.removed + other.removed)


NOTHING = Settled()


def settle(
    lake: Lake,
    table: Table,
    where: Mapping[str, str],
    wanted: "pl.DataFrame",
    origin: Origin,
    span: TimeRange = EVERYTHING,
) -> Settled:
    """Make `wanted` the rows of `table` that match `where` inside `span`.

    New rows alone are appended; only when a row changes or goes is its partition written anew. Nothing is written
    when the table is as it should be. Rows without an event time count as inside every span.
    """
    import polars as pl

    held = lake.read(table, where)
    inside = pl.lit(True)
    if span != EVERYTHING:
        moment = pl.col(table.event_time).to_physical()
        inside = moment.is_null() | ((moment >= span.start) & (moment < span.end))
    mine = held.filter(inside)
    rows = _shaped(wanted, held)
    come, go = _without(rows, mine), _without(mine, rows)
    if go.is_empty():
        if len(come):
            lake.write(table, come, origin)
        return Settled(len(come), 0)
    partition = {name: value for name, value in where.items() if name in table.partition}
    others = _without(lake.read(table, partition), mine)
    lake.replace(table, pl.concat([others, rows]), partition, origin)
    return Settled(len(_without(come, go, table.key)), len(go))


def settle_series(
    lake: Lake, table: Table, where: Mapping[str, str], wanted: "pl.DataFrame", origin: Origin, span: TimeRange
) -> Settled:
    """Do as `settle`, reading only the span unless rows change: for tables with one series a partition."""
    rows = lake.read(table, where, span)
    wanted = _shaped(wanted, rows)
    if not _without(rows, wanted).is_empty():
        return settle(lake, table, where, wanted, origin, span)
    come = _without(wanted, rows)
    if len(come):
        lake.write(table, come, origin)
    return Settled(len(come), 0)


def settle_quarantine(
    lake: Lake,
    table: Table,
    where: Mapping[str, str],
    found: "pl.DataFrame",
    origin: Origin,
    span: TimeRange = EVERYTHING,
) -> Settled:
    """Make `found` the rows inside `span` that were kept out of one series of `table`."""
    return settle(lake, META_QUARANTINE, {"table_name": table.full_name, "timeframe": "", **where}, found, origin, span)


def settle_gaps(lake: Lake, table: Table, where: Mapping[str, str], found: "pl.DataFrame", origin: Origin) -> Settled:
    """Make `found` what is known to be missing of one series of `table`."""
    return settle(lake, META_GAPS, {"table_name": table.full_name, "timeframe": "", **where}, found, origin)


def _shaped(wanted: "pl.DataFrame", like: "pl.DataFrame") -> "pl.DataFrame":
    import polars as pl

    return wanted.select(pl.col(name).cast(kind) for name, kind in like.schema.items()).with_columns(
        pl.selectors.float().fill_nan(None)
    )


def _without(rows: "pl.DataFrame", known: "pl.DataFrame", on: "tuple[str, ...]" = ()) -> "pl.DataFrame":
    return rows.join(known, on=list(on) or rows.columns, how="anti", nulls_equal=True, maintain_order="left")
