from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import tallow
from tallow.domain.errors import UserError


@pytest.fixture
def lake(demo_lake: Path) -> "tallow.Lake":
    return tallow.open(str(demo_lake))


def test_the_catalogue_can_be_narrowed(lake: "tallow.Lake") -> None:
    assert set(lake.catalog()["venue"]) == {"simulated"}
    assert set(lake.catalog("trades", symbol="BTCUSDT")["table"]) == {"bronze.trades", "silver.trades"}
    assert len(lake.catalog(exchange="okx")) == 0


def test_candles_in_every_kind_of_frame(lake: "tallow.Lake") -> None:
    frame = lake.ohlcv("BTC/USDT", "1h", timerange="2024-01-01..2024-01-02")
    assert isinstance(frame, pd.DataFrame)
    assert frame.index.name == "timestamp"
    assert len(frame) == 24
    assert list(frame.columns[:5]) == ["open", "high", "low", "close", "volume"]
    same = lake.ohlcv("BTC/USDT", "1h", timerange="2024-01-01..2024-01-02", as_="polars")
    assert isinstance(same, pl.DataFrame)
    assert same["close"].to_list() == frame["close"].tolist()
    table = lake.ohlcv("BTC/USDT", "1h", timerange="2024-01-01..2024-01-02", as_="arrow")
    assert table["close"].to_pylist() == frame["close"].tolist()


def test_trades_queries_and_coverage(lake: "tallow.Lake") -> None:
    trades = lake.trades("BTC/USDT", timerange="2024-12-31..2025-01-01")
    assert trades["trade_id"].is_monotonic_increasing
    assert lake.query("select count(*) as n from gold.candles where timeframe = '1h'")["n"].tolist() == [17_560]
    assert lake.coverage("BTC/USDT").missing == 4


def test_missing_candles_say_what_there_is(lake: "tallow.Lake") -> None:
    with pytest.raises(UserError, match="NO_DATA") as caught:
        lake.ohlcv("BTC/USDT", "1s")
    assert "lake holds 1h" in caught.value.facts


def test_own_candles_go_through_the_same_door(tmp_path: Path) -> None:
    own = tallow.open(str(tmp_path / "lake"))
    index = pd.date_range("2024-01-01", periods=4, freq="1h", tz="UTC")
    data = pd.DataFrame(
        {name: [1.0, 2.0, 3.0, 4.0] for name in ("open", "high", "low", "close", "volume")}, index=index
    )
    data.loc[index[2], "high"] = 0.5  # below its low
    assert own.write(data, symbol="ABC/USDT", timeframe="1h").rows_new == 4
    assert len(own.ohlcv("own:ABC/USDT")) == 3
    assert own.query("select reason from meta.quarantine")["reason"].tolist() == ["BAD_OHLC"]
    assert own.write(data, symbol="ABC/USDT", timeframe="1h").rows_new == 0


def test_files_are_ingested_and_other_venues_refused(tmp_path: Path) -> None:
    own = tallow.open(str(tmp_path / "lake"))
    folder = tmp_path / "binance"
    folder.mkdir()
    (folder / "BTCUSDT-1h.csv").write_text("timestamp,open,high,low,close,volume\n1704067200000,1,2,1,2,3\n")
    report = own.ingest("files", str(folder))
    assert report.rows_new == 1
    with pytest.raises(UserError, match="UNKNOWN_VENUE"):
        own.ingest("nowhere", "BTC/USDT")


def test_a_lake_shows_itself(lake: "tallow.Lake") -> None:
    assert "series" in repr(lake)
    assert "<table" in lake._repr_html_()


def test_the_sample_is_made_once(tmp_path: Path) -> None:
    first = tallow.sample(str(tmp_path / "sample"))
    versions = first.catalog()["version"].tolist()
    assert tallow.sample(str(tmp_path / "sample")).catalog()["version"].tolist() == versions
