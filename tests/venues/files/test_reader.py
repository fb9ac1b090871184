import json
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tallow.core.bars import from_trades
from tallow.core.clean import check_candles, check_trades, dedupe_trades, id_gaps
from tallow.domain.columns import COLUMNS, Ticks
from tallow.domain.errors import DataError, UserError
from tallow.domain.market import parse_symbol
from tallow.domain.ranges import iso, parse_time
from tallow.domain.timeframes import MINUTE, Timeframe
from tallow.ports import Page
from tallow.venues.files import Files

NOW = parse_time("2026-11-01")
RECORDINGS = [
    line.split()
    for line in (Path(__file__).parent / "recordings.txt").read_text().splitlines()
    if not line.startswith("#")
]
REFUSED = (
    ("binance/spot/vision/ADABTC-1m-2021-11-27.CORRUPT.zip", "CORRUPT_ARCHIVE"),
    ("binance/spot/depth/btcusdt-depth-snap.csv", "NOTHING_TO_READ"),
    ("binance/spot/depth/trxusdt-depth-diff-20250304.csv", "NOTHING_TO_READ"),
    ("binance/spot/quotes/btcusdt-quotes-20210108.parquet", "NOTHING_TO_READ"),
    ("binance/usdm/quotes/tardis-BTCUSDT-quotes-20200222.csv", "NOTHING_TO_READ"),
    ("binance/usdm/mark/XRP_USDT_USDT-1h-mark.feather", "NEED_INSTRUMENT"),
    ("binance/rest-samples/http_spot_market_klines.json", "NEED_INSTRUMENT"),
    ("bybit/depth/2024-12-01_XRPUSDT_ob500.data.zip", "NOTHING_TO_READ"),
    ("bybit/samples/http_get_klines_linear.json", "NEED_TIMEFRAME"),
    ("lean/cryptofuture/bybit/minute/btcusdt/20221213_quote.zip", "NOTHING_TO_READ"),
    ("okx/samples/http_get_candlesticks.json", "NEED_INSTRUMENT"),
    ("okx/samples/ws_funding_rate.json", "NOTHING_TO_READ"),
    ("okx/ws/OKEX-20210722.0", "NOTHING_TO_READ"),
    ("README.md", "UNKNOWN_FORMAT"),
)


def read(path: Path, **given: object) -> list[Page]:
    return list(Files().read(path, received_time=NOW, **given))


def times(pages: list[Page]) -> np.ndarray:
    return np.concatenate([p.rows.event_time if isinstance(p.rows, Ticks) else p.rows.time for p in pages])


def klines(*opens: int) -> bytes:
    step = 3_600_000
    rows = [[t, "1", "2", "0.5", "1.5", "10", t + step - 1, "15", 4, "6", "9", "0"] for t in opens]
    return json.dumps(rows).encode()


@pytest.fixture
def spot(tmp_path: Path) -> Path:
    folder = tmp_path / "binance" / "spot"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.shared
@pytest.mark.parametrize(("name", "kind", "instrument", "timeframe", "rows", "first", "last"), RECORDINGS)
def test_real_recordings(shared_data: Path, name, kind, instrument, timeframe, rows, first, last) -> None:
    pages = [page for page in read(shared_data / name) if page.kind == kind]
    assert {str(page.instrument) for page in pages} == {instrument}
    assert {str(page.timeframe or "-") for page in pages} == {timeframe}
    assert all(page.rejected == () for page in pages)
    found = times(pages)
    assert (str(len(found)), iso(found.min()), iso(found.max())) == (rows, first, last)


@pytest.mark.shared
@pytest.mark.parametrize(("name", "code"), REFUSED)
def test_real_files_that_hold_nothing_to_read(shared_data, name: str, code: str) -> None:
    with pytest.raises((UserError, DataError)) as error:
        read(shared_data / name)
    assert error.value.code == code


@pytest.mark.shared
def test_real_candles_are_clean_but_for_what_is_known(shared_data) -> None:
    expected = {
        "binance/spot/rest-klines/BTCUSDT-4h-pages.zip": {"TRUNCATED": 21},
        "binance/spot/rest-klines/BTCUSDT-1h-pages.zip": {"TRUNCATED": 1},
        "binance/spot/rest-klines/BTCUSDT/1d/2018-01-01.json": {"TRUNCATED": 1},
        "binance/spot/klines-1h-long/BTC_USDT-1h.feather": {"ZERO_VOLUME": 4},
        "binance/spot/klines-1m/UNITTEST_BTC-1m.json": {},
        "binance/spot/klines-1m/XRP_ETH-1m.feather": {},
        "binance/spot/klines-5m/ADA_BTC-5m-201801.feather": {},
        "binance/spot/vision/ADABTC-1m-2021-11-27.csv": {"ZERO_VOLUME": 1},
        "coinbase/klines/Coinbase_BTCUSD_1h.csv": {"ZERO_VOLUME": 28, "REPEATED": 10},
        "coinbase/klines/Coinbase_BTCUSD_d.csv": {"ZERO_VOLUME": 38, "PRICE_SPIKE": 1},
        "coinbase/klines/Coinbase-BTC-USD-PT4H-20160518_20251028.json": {"PRICE_SPIKE": 1},
        "ftx/klines-1m/btc-perp-20211231-20220201_1m.csv": {},
        "lean/cryptofuture/binance/minute/btcusd/20221213_trade.zip": {},
        "yahoo/csv/BTC-USD.csv": {},
    }
    for name, codes in expected.items():
        found: dict[str, int] = {}
        for page in read(shared_data / name):
            for code in check_candles(page.rows, page.timeframe, page.close_time, NOW).tolist():
                if code:
                    found[code] = found.get(code, 0) + 1
        assert (name, found) == (name, codes)


@pytest.mark.shared
def test_trades_of_xrpeth_build_the_venues_minutes_bit_for_bit(shared_data) -> None:
    spot = shared_data / "binance" / "spot"
    (trades,) = read(spot / "trades" / "XRPETH-aggTrades-20191011-13-ccxt.json.gz")
    (minutes,) = read(spot / "klines-1m" / "XRP_ETH-1m.feather")
    built = from_trades(trades.rows, Timeframe(1, "m"))
    for name in COLUMNS[:6]:
        np.testing.assert_array_equal(getattr(built, name), getattr(minutes.rows, name))
    (arrays,) = read(spot / "trades" / "XRPETH-trades-20191011-13-freqtrade.json.gz")
    for one, other in zip(vars(trades.rows).values(), vars(arrays.rows).values(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.shared
def test_the_damaged_cells_of_the_trade_stream_are_found(shared_data) -> None:
    (page,) = read(shared_data / "binance/spot/trades/trxusdt-trade-stream-20250304.DEFECTS.csv")
    assert np.flatnonzero(check_trades(page.rows, NOW) == "CLOCK_JUMP").tolist() == [9999]
    assert np.flatnonzero(dedupe_trades(page.rows) == "CONFLICT").tolist() == [2]
    assert len(id_gaps(page.rows.trade_id)) == 1


@pytest.mark.shared
def test_one_trade_on_two_connections_is_one_trade(shared_data) -> None:
    both = [read(shared_data / f"okx/ws/OKEX-20210722.ws.{n}.0") for n in (1, 2)]
    assert sum(len(page.rows) for page in both[0]) == 35  # and an option, which has no unified name
    assert [r.reason for page in both[0] for r in page.rejected] == ["UNKNOWN_SYMBOL"]
    for one, other in zip(*both, strict=True):
        assert one.instrument == other.instrument
        joined = Ticks(
            *(np.concatenate(pair) for pair in zip(vars(one.rows).values(), vars(other.rows).values(), strict=True))
        )
        assert np.count_nonzero(dedupe_trades(joined) == "DUPLICATE") == len(one.rows)
    swaps = {str(page.instrument): page.rows for page in both[0]}
    assert swaps["okx:XMR/USDT:USDT"].quantity.max() < 10  # contracts of 0.1 XMR, from the list recorded beside it


@pytest.mark.shared
def test_clocks_of_a_recording_are_kept_as_they_are(shared_data) -> None:
    (page,) = read(shared_data / "binance/spot/ws/btcusdt_20240808.gz")
    delay = np.median(page.rows.received_time - page.rows.event_time) / 1e6
    assert -1.3 < delay < -1.2
    assert id_gaps(page.rows.trade_id) == []
    assert not check_trades(page.rows, NOW).any()


def test_a_zip_gives_a_page_a_file_with_the_bytes_of_that_file(spot: Path) -> None:
    pages = {"BTCUSDT/1h/2.json": klines(1704070800000), "BTCUSDT/1h/1.json": klines(1704067200000), "3.json": b"[]"}
    with zipfile.ZipFile(spot / "BTCUSDT-1h-pages.zip", "w") as archive:
        for name, content in pages.items():
            archive.writestr(name, content)
    one, two = read(spot / "BTCUSDT-1h-pages.zip")
    assert one.payload.content == pages["BTCUSDT/1h/1.json"]
    assert one.payload.source.endswith("BTCUSDT-1h-pages.zip!BTCUSDT/1h/1.json")
    assert (one.payload.format, one.payload.received_time) == ("binance-klines", NOW)
    assert (str(two.instrument), str(two.timeframe), two.rows.time.tolist()) == (
        "binance:BTC/USDT", "1h", [1704070800000000],
    )  # fmt: skip
    assert two.close_time is not None
    assert two.close_time.tolist() == [1704074400000000]


def test_what_cannot_be_read_in_a_zip_does_not_keep_the_rest_back(spot: Path) -> None:
    with zipfile.ZipFile(spot / "BTCUSDT-1h.zip", "w") as archive:
        for name, content in (
            ("a.json", klines(1704067200000)),
            ("b.txt", b"hello"),
            ("c.json", klines(1704070800000)),
        ):
            archive.writestr(name, content)
    pages = Files().read(spot / "BTCUSDT-1h.zip", received_time=NOW)
    assert [len(next(pages).rows), len(next(pages).rows)] == [1, 1]
    with pytest.raises(UserError, match="is in no format"):
        next(pages)


def test_arguments_go_before_what_the_names_say(spot: Path) -> None:
    path = spot / "BTCUSDT-1h.json"
    path.write_bytes(klines(1704067200000))
    (page,) = read(path, instrument=parse_symbol("okx:ETH/USDT:USDT"), timeframe=Timeframe(4, "h"))
    assert (str(page.instrument), str(page.timeframe)) == ("okx:ETH/USDT:USDT", "4h")


def test_what_nothing_tells_has_to_be_given(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_text("time,open,high,low,close,volume\n1704067200,1,2,0.5,1.5,10\n")
    with pytest.raises(UserError) as error:
        read(path)
    assert error.value.code == "NEED_INSTRUMENT"
    assert "-s binance:BTC/USDT" in error.value.hint
    with pytest.raises(UserError) as error:
        read(path, instrument=parse_symbol("BTCUSDT"))
    assert error.value.code == "NEED_TIMEFRAME"
    assert "-t 1h" in error.value.hint
    (page,) = read(path, instrument=parse_symbol("BTCUSDT"), timeframe=Timeframe(1, "d"))
    assert page.rows.close.tolist() == [1.5]


def test_closes_that_are_nowhere_stated_are_no_closes(spot: Path) -> None:
    path = spot / "BTCUSDT-1h.csv"
    path.write_text("open_time,open,high,low,close,volume,close_time\n1704067200,1,2,0.5,1.5,10,\n")
    assert read(path)[0].close_time is None


def test_a_format_names_its_venue_where_no_folder_does(tmp_path: Path) -> None:
    path = tmp_path / "ETHUSDT-1h.json"
    path.write_bytes(klines(1704067200000))
    assert str(read(path)[0].instrument) == "binance:ETH/USDT"


def test_mark_prices_need_a_name_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "binance"
    folder.mkdir()
    path = folder / "XRP_USDT_USDT-1h-mark.feather"
    moments = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 1, 2), "1h", eager=True, time_zone="UTC")
    prices = {name: [1.0, 1.0, 1.0] for name in ("open", "high", "low", "close")}
    pl.DataFrame({"date": moments, **prices, "volume": [None, None, None]}).write_ipc(path)
    with pytest.raises(UserError, match="nothing was traded"):
        read(path)
    (page,) = read(path, instrument=parse_symbol("binance:XRPMARK/USDT"))
    assert page.rows.volume.tolist() == [0.0, 0.0, 0.0]


def test_of_several_series_the_named_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.write_text(
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
        "binance,BTCUSDT,1704067200000000,1704067200000100,7,buy,100,1\n"
        "binance,ETHUSDT,1704067200000000,1704067200000100,9,sell,10,2\n"
        "binance,BTCUSDT,1704067200000001,1704067200000101,8,sell,101,3\n"
    )
    assert [str(page.instrument) for page in read(path)] == ["binance:BTC/USDT", "binance:ETH/USDT"]
    (page,) = read(path, instrument=parse_symbol("ETHUSDT"))
    assert page.rows.quantity.tolist() == [2.0]
    with pytest.raises(UserError) as error:
        read(path, instrument=parse_symbol("SOLUSDT"))
    assert error.value.code == "NO_SUCH_SERIES"
    assert error.value.facts["holds"] == "binance:BTC/USDT, binance:ETH/USDT"


def test_of_several_lengths_the_named_one_is_read(tmp_path: Path) -> None:
    def closed(length: str, start: int, end: int) -> str:
        candle = {"t": start, "T": end, "i": length, "x": True, **dict.fromkeys("ohlcvqVQ", "1"), "n": 1}
        return json.dumps({"e": "kline", "s": "BTCUSDT", "k": candle})

    path = tmp_path / "messages.jsonl"
    path.write_text(
        closed("1m", 1704067200000, 1704067259999) + "\n" + closed("5m", 1704067200000, 1704067499999) + "\n"
    )
    assert [str(page.timeframe) for page in read(path)] == ["1m", "5m"]
    (page,) = read(path, timeframe=Timeframe(5, "m"))
    assert page.close_time is not None
    assert page.close_time.tolist() == [1704067200000000 + 5 * MINUTE]


def test_trades_without_ids_are_numbered_at_their_moment(tmp_path: Path) -> None:
    folder = tmp_path / "kraken"
    folder.mkdir()
    path = folder / "BCHEUR.csv"
    path.write_text("1672533909,90.0,0.05\n1672533909,90.0,0.05\n1672533910,90.5,1\n1672533911,90.5,2\n")
    (page,) = read(path)
    assert page.rows.trade_id.tolist() == [-1, -2, -1, -1]
    assert page.rows.buyer_is_maker.tolist() == [False, False, False, False]
    assert str(page.instrument) == "kraken:BCH/EUR"


def test_files_are_found_once_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("b/two.csv", "b/one.json.gz", "a.feather", "notes.md", ".hidden/x.csv", "b/three.CSV"):
        (tmp_path / name).touch()
    names = [str(path.relative_to(tmp_path)) for path in Files().find([tmp_path, tmp_path / "a.feather"])]
    assert names == ["a.feather", "b/one.json.gz", "b/three.CSV", "b/two.csv"]
    assert Files().find([tmp_path / "notes.md"]) == [tmp_path / "notes.md"]  # what is named is tried


def test_a_file_that_is_not_there_is_told_with_its_likes(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-1h.csv").touch()
    for act in (lambda p: Files().find([p]), lambda p: read(p)):
        with pytest.raises(UserError) as error:
            act(tmp_path / "BTCUSD-1h.csv")
        assert error.value.code == "NO_SUCH_FILE"
        assert error.value.facts["nearest"] == "BTCUSDT-1h.csv"
    with pytest.raises(UserError):
        read(tmp_path / "none" / "x.csv")


@pytest.mark.parametrize(
    "content", [b"", b"  \n", b"<html><body>502 Bad Gateway</body></html>", b"\x00\x01\x02", b"1,2"]
)
def test_what_is_no_data_is_told_with_what_was_seen(spot: Path, content: bytes) -> None:
    path = spot / "BTCUSDT-1h.csv"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        read(path)
    assert error.value.code == "UNKNOWN_FORMAT"
    assert "Binance /klines page" in error.value.facts["known"]


def test_an_empty_page_has_no_rows(spot: Path) -> None:
    (spot / "BTCUSDT-1h.json").write_bytes(b"[]\n")
    assert read(spot / "BTCUSDT-1h.json") == []


def test_a_capture_of_books_alone_holds_nothing_to_read(spot: Path) -> None:
    path = spot / "btcusdt_20240808.gz"
    path.write_bytes(b'1723161253937085768 {"stream":"btcusdt@depth","data":{"e":"depthUpdate","s":"BTCUSDT"}}\n')
    with pytest.raises(UserError) as error:
        read(path)
    assert error.value.code == "NOTHING_TO_READ"


def test_a_damaged_table_is_bad_data(spot: Path) -> None:
    path = spot / "BTC_USDT-1h.feather"
    path.write_bytes(b"ARROW1\x00\x00 and nothing more")
    with pytest.raises(DataError) as error:
        read(path)
    assert error.value.code == "BAD_PAGE"


def test_the_files_of_a_lake_and_hidden_ones_are_no_recordings(tmp_path):
    for name in ("a.csv", ".git/b.csv", "lake/lake.json", "lake/gold/c.csv", "table/_delta_log/0.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    assert Files().find([tmp_path]) == [tmp_path / "a.csv"]
