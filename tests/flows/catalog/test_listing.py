"""The catalogue equals what the tables hold."""

import polars as pl

from tallow.domain.tables import TABLES
from tallow.flows.catalog import catalog
from tallow.flows.ingest import ingest
from tallow.flows.refine import refine


def test_an_empty_lake_has_an_empty_catalogue(lake):
    assert catalog(lake).columns == [
        "table", "venue", "symbol", "timeframe", "rows", "first", "last", "version", "gaps", "origin",
    ]  # fmt: skip
    assert catalog(lake).is_empty()


def test_every_series_is_listed_as_it_is(lake, candle_page, trade_page, funding_page, rules_page):
    ingest([candle_page([0, 1, 5, 9]), candle_page([0], "ETH/USDT"), trade_page(range(200)), funding_page([0])], lake)
    ingest([rules_page], lake)
    refine(lake, timeframes=("2h",))
    rows = catalog(lake)
    by_table = {table.full_name: table for table in TABLES}
    for row in rows.iter_rows(named=True):
        table = by_table[row["table"]]
        where = {
            name: row[name] for name in ("venue", "symbol", "timeframe") if row[name] and name in table.column_names
        }
        held = lake.read(table, where)
        times = held[table.event_time]
        assert (row["rows"], row["first"], row["last"]) == (len(held), times.min(), times.max())
        assert row["version"] == lake.version(table, where)
    gold = rows.filter((pl.col("table") == "gold.candles") & (pl.col("symbol") == "BTC/USDT"))
    assert gold.select("timeframe", "gaps", "origin").rows() == [
        ("1h", 2, "native"),
        ("1m", 0, "trades"),
        ("2h", 1, "1h"),  # the candle of hour 5 is there, though incomplete
    ]
    assert rows["table"].unique(maintain_order=True).to_list() == [
        "raw.payloads", "bronze.candles", "bronze.trades", "bronze.funding", "bronze.instruments", "silver.candles",
        "silver.trades", "silver.funding", "gold.candles",
    ]  # fmt: skip
