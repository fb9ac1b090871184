import json
from pathlib import Path

import pytest

from tallow.cli import run
from tallow.venues.simulated import Market, SimulatedExchange

KLINES = [
    [1704067200000, "100", "110", "90", "105", "10", 1704070799999, "1000", 5, "6", "600", "0"],
    [1704070800000, "105", "115", "95", "110", "11", 1704074399999, "1100", 6, "7", "700", "0"],
    [1704081600000, "110", "120", "100", "115", "12", 1704085199999, "1200", 7, "8", "800", "0"],
]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    folder = tmp_path / "binance" / "spot"
    folder.mkdir(parents=True)
    (folder / "BTCUSDT-1h.json").write_text(json.dumps(KLINES))
    return folder


def versions(lake: Path, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, int]]:
    capsys.readouterr()
    assert run(["catalog", "--lake", str(lake), "--json"]) == 0
    return [(row["table"], row["version"]) for row in json.loads(capsys.readouterr().out)]


def test_files_go_through_every_layer_and_gaps_are_told(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = tmp_path / "lake"
    assert (
        run(["ingest", "files", str(recording), "-s", "BTC/USDT", "-t", "1h", "--lake", str(lake), "--json", "-q"]) == 0
    )
    report = json.loads(capsys.readouterr().out)
    assert report["ingest"]["series"][0]["new"] == 3
    assert run(["coverage", "BTC/USDT", "--lake", str(lake)]) == 0
    text = capsys.readouterr().out
    assert "3 candles" in text
    assert "1 gap, 2 candles missing" in text
    assert "2024-01-01T02:00Z" in text


def test_running_it_again_writes_nothing(recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = tmp_path / "lake"
    call = ["ingest", "files", str(recording), "-s", "BTC/USDT", "-t", "1h", "--lake", str(lake), "-q"]
    assert run(call) == 0
    before = versions(lake, capsys)
    assert run(call) == 0
    assert "up to date" in capsys.readouterr().out
    assert run(["refine", "--lake", str(lake), "-q"]) == 0
    assert versions(lake, capsys) == before


def test_a_venue_is_fetched_with_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    market = Market(3, ("BTC/USDT",), "2024-01-01", 3)
    with SimulatedExchange(market) as exchange:
        monkeypatch.setenv("TALLOW__BINANCE__SPOT_URL", exchange.url)
        monkeypatch.setenv("TALLOW__BINANCE__ARCHIVE_URL", "")
        lake = str(tmp_path / "lake")
        call = ["ingest", "binance", "BTC/USDT", "--timerange", "2024-01-01..2024-01-03", "--lake", lake, "-q"]
        assert run(call) == 0
    assert run(["coverage", "BTC/USDT", "--lake", lake]) == 0


def test_offline_refuses_a_venue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "binance", "BTC/USDT", "--offline", "--lake", str(tmp_path / "lake")]) == 5
    assert "OFFLINE" in capsys.readouterr().err
    assert not (tmp_path / "lake").exists()


def test_what_is_no_recording_is_refused_with_what_was_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert run(["ingest", "files", str(tmp_path / "notes.txt"), "--lake", str(tmp_path / "lake"), "-q"]) != 0
    assert "UNKNOWN_FORMAT" in capsys.readouterr().err


def test_looking_at_a_lake(demo_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = ["--lake", str(demo_lake)]
    assert run(["catalog", *lake]) == 0
    assert "gold.candles" in capsys.readouterr().out
    assert run(["catalog", "--paths", *lake]) == 0
    assert str(demo_lake) in capsys.readouterr().out
    assert run(["lineage", "gold.candles", "-s", "BTC/USDT", "-t", "1h", "--at", "2024-02-01", *lake]) == 0
    assert "raw.payloads" in capsys.readouterr().out
    assert (
        run(["query", "select symbol, count(*) as n from silver.candles group by symbol order by symbol", *lake]) == 0
    )
    assert "8,780" in capsys.readouterr().out
    assert run(["query", "select time from gold.candles where timeframe = '1h'", "--limit", "1", *lake]) == 0
    assert "more rows" in capsys.readouterr().err
    assert run(["refine", "--explain", *lake, "-q"]) == 0


@pytest.mark.parametrize(
    "sql", ["drop table gold.candles", "select * from nothing.here", "select nope from gold.candles"]
)
def test_bad_sql_is_a_usage_error(demo_lake: Path, capsys: pytest.CaptureFixture[str], sql: str) -> None:
    assert run(["query", sql, "--lake", str(demo_lake)]) == 2
    assert "error[" in capsys.readouterr().err


def test_an_empty_lake_leads_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "none"
    empty.mkdir()
    assert run(["catalog", "--lake", str(empty)]) == 0
    captured = capsys.readouterr()
    assert "empty" in captured.out
    assert "tallow demo" in captured.err
    assert run(["coverage", "BTC/USDT", "--lake", str(empty)]) == 3
    assert "no 1h candles" in capsys.readouterr().out


def test_a_lake_that_was_named_must_exist_to_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalog", "--lake", str(tmp_path / "nowhere")]) == 3
    told = capsys.readouterr().err
    assert "error[NO_LAKE]" in told
    assert "tallow ingest files PATH --lake" in told
    assert list(tmp_path.iterdir()) == []


def test_the_trading_rules_of_a_venue_are_fetched_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    market, lake = Market(3, ("BTC/USDT",), "2024-01-01", 3), str(tmp_path / "lake")
    with SimulatedExchange(market) as exchange:
        monkeypatch.setenv("TALLOW__BINANCE__SPOT_URL", exchange.url)
        for name in ("ARCHIVE", "USDM", "COINM"):
            monkeypatch.setenv(f"TALLOW__BINANCE__{name}_URL", "")
        call = ["ingest", "binance", "BTC/USDT", "--timerange", "2024-01-01..2024-01-03", "--lake", lake, "-q"]
        assert run([*call, "--kind", "candles", "--kind", "instruments"]) == 0
    capsys.readouterr()
    assert run(["backtest", "sma_cross", "--venue-rules", "--no-check", "--lake", lake, "-q"]) == 0
    assert "VENUE RULES: 1 of 1 versions used, from bronze.instruments " in capsys.readouterr().out
