import hashlib
import io
import zipfile

import pytest

from tallow.domain.errors import DataError, TransientError
from tallow.domain.market import parse_symbol
from tallow.domain.ranges import TimeRange, parse_time, parse_timerange
from tallow.domain.timeframes import DAY, MINUTE, parse_timeframe
from tallow.venues.binance.archive import Archives, unpack
from tallow.venues.binance.markets import APIS
from tallow.venues.binance.wire import Wire

SPOT = parse_symbol("BTC/USDT")
DAY_ONE = parse_timerange("2024-01-05..2024-01-06")


def packed(text, *more):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate((text, *more)):
            archive.writestr(f"table{number}.csv", content)
    return buffer.getvalue()


def kline(time):
    return f"{time // 1000},1,2,0.5,1.5,10,{time // 1000 + 59_999},15,3,4,6,0\n"


def stated(content):
    return hashlib.sha256(content).hexdigest().encode() + b"  BTCUSDT-1m-2024-01-05.zip\n"


GOOD = packed(kline(DAY_ONE.start) + kline(DAY_ONE.start + MINUTE))


@pytest.fixture
def archives(clock, scripted):
    wires = []

    def make(*answers, api="spot"):
        transport, asked = scripted(*answers)
        wires.append(Wire(clock, transport=transport))
        return Archives(wires[-1], APIS[api], "https://archive.test/", clock), asked

    yield make
    for wire in wires:
        wire.close()


def test_a_day_is_fetched_checked_and_read(archives, clock):
    source, asked = archives((200, stated(GOOD)), (200, GOOD))
    page = source.candles(SPOT, parse_timeframe("1m"), DAY_ONE)
    assert page.rows.time.tolist() == [DAY_ONE.start, DAY_ONE.start + MINUTE]
    assert (page.payload.content, page.payload.format) == (GOOD, "binance-vision-klines")
    assert page.payload.received_time == clock.now()
    path = "/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-05.zip"
    assert [request.url.path for request in asked] == [path + ".CHECKSUM", path]


@pytest.mark.parametrize(
    ("symbol", "api", "frame", "span", "path"),
    [
        ("BTC/USDT", "spot", "1M", "2024-01-01..2024-02-01", "spot/monthly/klines/BTCUSDT/1mo/BTCUSDT-1mo-2024-01.zip"),
        (
            "BTC/USDT:USDT",
            "usdm",
            "5m",
            "2024-02-01..2024-03-01",
            "futures/um/monthly/klines/BTCUSDT/5m/BTCUSDT-5m-2024-02.zip",
        ),
        (
            "BTC/USD:BTC",
            "coinm",
            "1m",
            "2024-02-01..2024-02-02",
            "futures/cm/daily/klines/BTCUSD_PERP/1m/BTCUSD_PERP-1m-2024-02-01.zip",
        ),
    ],
)
def test_paths_of_files(archives, symbol, api, frame, span, path):
    source, asked = archives((404, b""), api=api)
    assert source.candles(parse_symbol(symbol), parse_timeframe(frame), parse_timerange(span)) is None
    assert asked[0].url.path == f"/data/{path}.CHECKSUM"


def test_a_file_that_does_not_exist_yet_is_no_error(archives):
    assert archives((404, b""))[0].trades(SPOT, DAY_ONE) is None
    assert archives((200, stated(GOOD)), (404, b""))[0].trades(SPOT, DAY_ONE) is None


def test_a_wrong_checksum_is_fetched_once_more(archives):
    source, asked = archives((200, stated(b"other")), (200, GOOD), (200, stated(GOOD)), (200, GOOD))
    assert len(source.candles(SPOT, parse_timeframe("1m"), DAY_ONE).rows) == 2
    assert len(asked) == 4


def test_a_checksum_that_stays_wrong_is_an_error(archives):
    source, asked = archives((200, stated(b"other")), (200, GOOD), (200, stated(b"other")), (200, GOOD))
    with pytest.raises(DataError, match="twice") as caught:
        source.candles(SPOT, parse_timeframe("1m"), DAY_ONE)
    assert caught.value.code == "BAD_CHECKSUM"
    assert caught.value.facts["received"] == hashlib.sha256(GOOD).hexdigest()
    assert len(asked) == 4


@pytest.mark.parametrize("body", [b"<html>busy</html>", GOOD[: len(GOOD) // 2], b""], ids=["page", "half", "nothing"])
def test_an_answer_that_is_no_whole_zip_is_asked_for_again(archives, body):
    source, asked = archives((200, stated(GOOD)), (200, body), (200, GOOD))
    assert len(source.candles(SPOT, parse_timeframe("1m"), DAY_ONE).rows) == 2
    assert len(asked) == 3


def test_a_checksum_file_that_is_none_is_asked_for_again(archives):
    source, asked = archives((200, b"<html>"), (200, stated(GOOD)), (200, GOOD))
    assert source.candles(SPOT, parse_timeframe("1m"), DAY_ONE) is not None
    assert len(asked) == 3


def test_rows_of_another_day_are_set_aside_by_their_place(archives):
    table = "x\n" + kline(DAY_ONE.start - MINUTE) + kline(DAY_ONE.start) + kline(DAY_ONE.end)
    content = packed("9" + table)
    source, _ = archives((200, stated(content)), (200, content))
    page = source.candles(SPOT, parse_timeframe("1m"), DAY_ONE)
    assert page.rows.time.tolist() == [DAY_ONE.start]
    assert [(item.row, item.reason) for item in page.rejected] == [
        (0, "UNREADABLE_ROW"),
        (1, "OUTSIDE_WINDOW"),
        (3, "OUTSIDE_WINDOW"),
    ]


def test_trades_of_a_day(archives):
    time = parse_time("2025-01-05")
    table = f"7,100.5,0.2,7,7,{time + 11},True,True\n8,100.6,0.1,8,9,{time + 11},False,True\n"
    content = packed(table)
    source, asked = archives((200, stated(content)), (200, content))
    page = source.trades(SPOT, TimeRange(time, time + DAY))
    assert (page.rows.trade_id.tolist(), page.rows.event_time.tolist()) == ([7, 8], [time + 11] * 2)
    assert page.payload.format == "binance-vision-aggtrades"
    assert asked[1].url.path == "/data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2025-01-05.zip"


def test_other_refusals_and_outages_are_reported(archives):
    with pytest.raises(DataError) as caught:
        archives((400, b"what"))[0].trades(SPOT, DAY_ONE)
    assert caught.value.code == "VENUE_REFUSED"
    with pytest.raises(TransientError):
        archives((503, b""))[0].trades(SPOT, DAY_ONE)


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"not a zip", GOOD[:-30], packed("a", "b"), GOOD[:40] + bytes([GOOD[40] ^ 255]) + GOOD[41:]],
)
def test_an_archive_that_cannot_be_unpacked_is_named(content):
    with pytest.raises(DataError) as caught:
        unpack(content, "https://archive.test/x.zip")
    assert caught.value.code == "BAD_ARCHIVE"
    assert caught.value.facts["asked"] == "https://archive.test/x.zip"


@pytest.mark.shared
def test_a_recorded_damaged_archive_is_refused(shared_data):
    content = (shared_data / "binance/spot/vision/ADABTC-1m-2021-11-27.CORRUPT.zip").read_bytes()
    with pytest.raises(DataError, match="cannot be read"):
        unpack(content, "ADABTC-1m-2021-11-27.zip")
