"""Every series the lake holds, with its rows, times, version and holes."""

from typing import TYPE_CHECKING

from tallow.domain.tables import GOLD_CANDLES, INCOMPLETE, META_GAPS, TABLES, Table
from tallow.ports import Lake

if TYPE_CHECKING:
    import polars as pl

_NAMES = ("venue", "symbol", "timeframe")


def catalog(lake: Lake) -> "pl.DataFrame":
    """List every series of raw, bronze, silver and gold, sorted by table and series.

    Columns: table, venue, symbol, timeframe (empty where a table has none), rows, first and last (event time), version
    (that last changed the series), gaps (holes in it: rows of meta.gaps with candles missing), origin (gold only).
    """
    import polars as pl

    known = [table for table in TABLES if table.layer != "meta" and lake.version(table) is not None]
    frames = [_listing(lake, table) for table in known]
    return pl.concat([_empty_listing(), *frames])


def _listing(lake: Lake, table: Table) -> "pl.DataFrame":
    import polars as pl

    names = [name for name in _NAMES if name in table.column_names]
    names = [name for name in names if name in table.partition or table.layer == "raw"]
    origin = "min(origin)" if "origin" in table.column_names else "''"
    found = lake.query(
        f"select {', '.join(names)}, count(*) as rows, {origin} as origin, min({table.event_time}) as first,"
        f" max({table.event_time}) as last from {table.full_name} group by {', '.join(names)}"
    )
    named = found.with_columns(
        pl.lit(table.full_name).alias("table"), *(pl.lit("").alias(name) for name in _NAMES if name not in names)
    ).sort(_NAMES)
    keys = [{name: row[name] for name in names} for row in named.select(names).to_dicts()]
    holes = _holes(lake, table)
    return named.with_columns(
        pl.Series("version", [lake.version(table, key) for key in keys], pl.Int64),
        pl.Series("gaps", [holes.get(tuple(row), 0) for row in named.select(_NAMES).iter_rows()], pl.Int64),
    ).select(pl.col(name).cast(kind) for name, kind in _empty_listing().schema.items())


def _holes(lake: Lake, table: Table) -> dict[tuple[str, ...], int]:
    import polars as pl

    names = [table.full_name, "silver.candles"] if table == GOLD_CANDLES else [table.full_name]
    rows = lake.read(META_GAPS).filter(
        pl.col("table_name").is_in(names) & (pl.col("missing") > 0) & (pl.col("cause") != INCOMPLETE)
    )
    counted = rows.group_by(_NAMES, maintain_order=True).len()
    return {(venue, symbol, timeframe): count for venue, symbol, timeframe, count in counted.iter_rows()}


def _empty_listing() -> "pl.DataFrame":
    import polars as pl

    moment = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        schema={
            "table": pl.String, "venue": pl.String, "symbol": pl.String, "timeframe": pl.String, "rows": pl.Int64,
            "first": moment, "last": moment, "version": pl.Int64, "gaps": pl.Int64, "origin": pl.String,
        }
    )  # fmt: skip
