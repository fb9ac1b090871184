"""Real recordings come out of the lake as they are known to be."""

from pathlib import Path

import polars as pl
import pytest

from tallow.domain.market import parse_symbol
from tallow.domain.tables import (
    BRONZE_TRADES,
    GOLD_CANDLES,
    META_GAPS,
    META_QUARANTINE,
    SILVER_CANDLES,
    SILVER_TRADES,
)
from tallow.domain.timeframes import parse_timeframe
from tallow.flows.catalog import catalog, coverage
from tallow.flows.ingest import ingest
from tallow.flows.refine import refine
from tallow.venues.files import Files

pytestmark = pytest.mark.shared
RECEIVED = 1_770_000_000_000_000
SPOT = Path("binance/spot")


def read(folder: Path, *names: str | Path):
    for name in names:
        yield from Files().read(folder / name, received_time=RECEIVED)


def test_an_hourly_series_has_its_28_outages(lake, shared_data):
    ingest(read(shared_data, SPOT / "klines-1h-long/BTC_USDT-1h.feather"), lake)
    refine(lake)
    held = coverage(lake, parse_symbol("BTC/USDT"), parse_timeframe("1h"))
    holes = [gap for gap in held.gaps if gap.missing]
    assert (held.rows, len(holes), len(held.ranges)) == (58_419, 28, 29)
    assert {gap.cause for gap in holes} == {"MISSING"}
    assert max(gap.span.end - gap.span.start for gap in holes) == 33 * 3_600_000_000
    assert held.missing == sum(gap.missing for gap in holes)
    assert sum(gap.cause == "ZERO_VOLUME" for gap in held.gaps) >= 1


@pytest.mark.slow
def test_ten_symbols_of_five_minutes(lake, shared_data, versions):
    names = sorted((shared_data / SPOT / "klines-5m").glob("*_USDT-5m.feather"))
    report = ingest(read(shared_data, *names), lake)
    refine(lake)
    assert len(report.series) == 10
    assert report.rows_new == len(lake.read(GOLD_CANDLES)) == 719_511
    assert lake.read(META_GAPS).filter(pl.col("missing") > 0).is_empty()
    before = versions(lake)
    ingest(read(shared_data, *names), lake)
    assert refine(lake).steps == ()
    assert versions(lake) == before


def test_pages_and_a_file_of_the_same_candles_become_one_series(lake, shared_data):
    ingest(read(shared_data, SPOT / "klines-1h-long/BTC_USDT-1h.feather"), lake)
    refine(lake)
    pages = read(shared_data, SPOT / "rest-klines/BTCUSDT-1h-pages.zip")
    report = ingest(pages, lake)
    refine(lake)
    rows = lake.read(SILVER_CANDLES)
    assert report.rows_new == 30_647
    assert rows["time"].n_unique() == len(rows) > 58_419
    overlap = rows.filter(pl.col("trades").is_not_null())
    assert len(overlap) == 30_647
    assert lake.read(META_QUARANTINE).is_empty()
    assert "TRUNCATED" in lake.read(META_GAPS)["cause"].to_list()


def test_trades_of_two_connections_are_kept_once(lake, shared_data):
    report = ingest(read(shared_data, "okx/ws/OKEX-20210722.ws.1.0", "okx/ws/OKEX-20210722.ws.2.0"), lake)
    refine(lake)
    # Of the 36 trades on each connection one is of an option, whose name is outside the grammar of instruments.
    assert (len(lake.read(BRONZE_TRADES)), report.rejected) == (70, 2)
    assert len(lake.read(SILVER_TRADES)) == 35
    assert lake.read(META_QUARANTINE)["reason"].to_list() == ["UNKNOWN_SYMBOL"] * 2


def test_a_volume_of_two_numbers_run_together_is_quarantined(lake, shared_data):
    [page] = read(shared_data, "yahoo/csv/BTC-USD.csv")
    page.rows.volume[-1] *= 10_000
    ingest([page], lake)
    refine(lake)
    row = lake.read(META_QUARANTINE).row(0, named=True)
    assert (len(lake.read(META_QUARANTINE)), row["reason"], row["row"]) == (1, "IMPOSSIBLE_VOLUME", 1_826)
    assert len(lake.read(SILVER_CANDLES)) == 1_826


def test_the_catalog_lists_what_came(lake, shared_data):
    ingest(read(shared_data, SPOT / "klines-4h/BTC_USDT-4h.feather"), lake)
    refine(lake)
    listed = catalog(lake)
    assert listed["table"].to_list() == ["raw.payloads", "bronze.candles", "silver.candles", "gold.candles"]
    assert listed.filter(pl.col("table") == "gold.candles")["rows"].item() == len(lake.read(GOLD_CANDLES))
