import json
from collections.abc import Callable

import numpy as np
import pytest

from tallow.domain.columns import Bars, FundingRates
from tallow.domain.timeframes import SECOND, Timeframe
from tallow.venues.files.parse import json_candles as parse
from tallow.venues.files.parse.content import Content, Hints, Parsed

T = 1704067200
US = T * SECOND
Read = Callable[[Content, Hints], list[Parsed]]


def content(value: object) -> Content:
    return Content("x.json", json.dumps(value).encode())


def one(read: Read, value: object, **hints: object) -> Parsed:
    (parsed,) = read(content(value), Hints(**hints))
    assert isinstance(parsed.rows, Bars)
    return parsed


def row(parsed: Parsed, place: int = 0) -> list[float]:
    return [getattr(parsed.rows, name)[place].item() for name in ("time", "open", "high", "low", "close", "volume")]


CANDLE = [US, 1.0, 2.0, 0.5, 1.5, 10.0]


@pytest.mark.parametrize("factor", [1_000, 1_000_000])
def test_binance_klines(factor: int) -> None:
    line = [T * factor, "1", "2", "0.5", "1.5", "10", (T + 60) * factor - 1, "15", 4, "6", "9", "0"]
    parsed = one(parse.read_binance_klines, [line])
    assert row(parsed) == CANDLE
    assert parsed.rows.taker_buy_quote_volume.tolist() == [9.0]
    assert parsed.close_time is not None
    assert parsed.close_time.tolist() == [US + 60 * SECOND]


def test_binance_rows_that_are_none_are_set_aside() -> None:
    good = [T * 1000, "1", "2", "0.5", "1.5", "10", T * 1000 + 59_999, "15", 4, "6", "9", "0"]
    rows = [good, good[:5], "row", [None] * 12, [*good[:5], "ten", *good[6:]], [12, *good[1:]]]
    parsed = one(parse.read_binance_klines, rows)
    assert len(parsed.rows) == 1
    assert [(r.row, r.reason) for r in parsed.rejected] == [
        (1, "NOT_FINITE"), (2, "BAD_TIME"), (3, "BAD_TIME"), (4, "NOT_FINITE"), (5, "BAD_TIME"),
    ]  # fmt: skip
    assert parsed.rejected[1].record == '"row"'


def test_freqtrade_arrays() -> None:
    assert row(one(parse.read_freqtrade_candles, [[T * 1000, 1.0, 2.0, 0.5, 1.5, 10.0]])) == CANDLE


def test_coinbase_objects() -> None:
    candle = {"start": str(T), "low": "0.5", "high": "2", "open": "1", "close": "1.5", "volume": "10"}
    parsed = one(parse.read_coinbase_candles, {"candles": [candle, "x"]})
    assert row(parsed) == CANDLE
    assert [r.reason for r in parsed.rejected] == ["BAD_TIME"]


@pytest.mark.parametrize(
    ("name", "known", "length"),
    [("ETH/USD_PT5M@BinanceUS", None, "5m"), ("ETH/USD@BinanceUS", Timeframe(5, "m"), "5m"), ("x", None, "None")],
)
def test_ta4j_times_are_bar_ends(name: str, known: Timeframe | None, length: str) -> None:
    prices = {"openPrice": 1, "highPrice": 2, "lowPrice": 0.5, "closePrice": 1.5, "volume": 10}
    ends = [(T + 300) * 1000 - 1, (T + 600) * 1000 - 1]
    value = {"name": name, "ohlc": [{"endTime": end, **prices} for end in ends]}
    parsed = one(parse.read_ta4j_candles, value, timeframe=known)
    assert row(parsed) == CANDLE
    assert parsed.rows.time.tolist() == [US, US + 300 * SECOND]
    assert str(parsed.timeframe) == length
    assert str(parsed.instrument) == ("None" if name == "x" else "binanceus:ETH/USD")


@pytest.mark.parametrize("recorded", [False, True])
def test_yahoo_charts_plain_and_recorded(recorded: bool) -> None:
    quote = {"open": [1, None], "high": [2, None], "low": [0.5, None], "close": [1.5, None], "volume": [10, None]}
    chart = {
        "meta": {"symbol": "BTC-USD", "dataGranularity": "1wk"},
        "timestamp": [T, T + 60],
        "indicators": {"quote": [quote]},
    }
    body = {"chart": {"result": [chart], "error": None}}
    parsed = one(parse.read_yahoo_chart, {"request": {}, "response": {"bodyJson": body}} if recorded else body)
    assert row(parsed) == CANDLE
    assert (str(parsed.instrument), str(parsed.timeframe)) == ("yahoo:BTC/USD", "1w")
    assert [(r.row, r.reason) for r in parsed.rejected] == [(1, "NOT_FINITE")]
    assert parsed.tags == {"quote_volume"}


@pytest.mark.parametrize("value", [{"chart": {"result": None}}, {"chart": {"result": []}}, {"response": {}}, [], "x"])
def test_what_is_no_chart(value: object) -> None:
    assert not parse.is_yahoo_chart(content(value))


def test_a_chart_without_candles_has_no_rows() -> None:
    assert len(one(parse.read_yahoo_chart, {"chart": {"result": [{"meta": {"dataGranularity": "1d"}}]}}).rows) == 0


@pytest.mark.parametrize(("market", "volume"), [("spot", 100.0), ("linear", 10.0)])
def test_okx_contracts_and_base_units(market: str, volume: float) -> None:
    line = [f"{T}000", "1", "2", "0.5", "1.5", "100", "10", "15", "1"]
    bad = [f"{T}000", "1", "x", "0.5", "1.5", "100", "10", "15", "1"]
    value = {"code": "0", "data": [[*line[:8], "0"], line, bad]}
    parsed = one(parse.read_okx_candles, value, market=market)
    assert row(parsed) == [*CANDLE[:5], volume]
    assert parsed.rows.quote_volume.tolist() == [15.0]
    assert [(r.row, r.reason) for r in parsed.rejected] == [(0, "UNFINISHED"), (2, "NOT_FINITE")]


@pytest.mark.parametrize(("category", "symbol"), [("linear", "BTC/USDT:USDT"), ("spot", "BTC/USDT")])
def test_bybit_candles(category: str, symbol: str) -> None:
    line = [f"{T}000", "1", "2", "0.5", "1.5", "10", "15"]
    value = {"retCode": 0, "result": {"category": category, "symbol": "BTCUSDT", "list": [line]}}
    parsed = one(parse.read_bybit_candles, value)
    assert row(parsed) == CANDLE
    assert parsed.rows.quote_volume.tolist() == [15.0]
    assert str(parsed.instrument) == f"bybit:{symbol}"


def test_bybit_inverse_candles_have_the_coins_as_turnover() -> None:
    line = [f"{T}000", "1", "2", "0.5", "1.5", "15", "10"]
    parsed = one(
        parse.read_bybit_candles, {"retCode": 0, "result": {"category": "inverse", "symbol": "BTCUSD", "list": [line]}}
    )
    assert (row(parsed), parsed.rows.quote_volume.tolist()) == (CANDLE, [15.0])


@pytest.mark.parametrize(
    ("pair", "symbol"),
    [("XXBTZUSD", "BTC/USD"), ("XBTUSDT", "BTC/USDT"), ("XDGUSD", "DOGE/USD"), ("DOTUSD", "DOT/USD"), ("?", "None")],
)
def test_kraken_candles(pair: str, symbol: str) -> None:
    value = {"error": [], "result": {pair: [[T, "1", "2", "0.5", "1.5", "1.2", "10", 4]], "last": T}}
    parsed = one(parse.read_kraken_candles, value)
    assert row(parsed) == CANDLE
    assert (parsed.rows.trades.tolist(), parsed.rows.quote_volume.tolist()) == ([4.0], [12.0])
    assert str(parsed.instrument) == (symbol if symbol == "None" else f"kraken:{symbol}")


@pytest.mark.parametrize(
    ("value", "instrument", "rate"),
    [
        ([{"symbol": "BTCUSDT", "fundingRate": "0.1", "fundingTime": T * 1000}], "binance:BTC/USDT:USDT", 0.1),
        ([{"symbol": "BTCUSD_PERP", "fundingRate": "0.1", "fundingTime": T * 1000}], "binance:BTC/USD:BTC", 0.1),
        (
            {
                "code": "0",
                "data": [
                    {"instId": "BTC-USDT-SWAP", "fundingRate": "0.2", "realizedRate": "0.1", "fundingTime": f"{T}000"}
                ],
            },
            "okx:BTC/USDT:USDT",
            0.1,
        ),
        (
            {
                "retCode": 0,
                "result": {"list": [{"symbol": "BTCUSDT", "fundingRate": "0.1", "fundingRateTimestamp": f"{T}000"}]},
            },
            "bybit:BTC/USDT:USDT",
            0.1,
        ),
    ],
)
def test_funding_of_three_venues(value: object, instrument: str, rate: float) -> None:
    assert parse.is_funding(content(value))
    (parsed,) = parse.read_funding(content(value), Hints())
    assert isinstance(parsed.rows, FundingRates)
    assert str(parsed.instrument) == instrument
    assert (parsed.rows.time.tolist(), parsed.rows.rate.tolist()) == ([US], [rate])


def test_funding_of_several_symbols_and_rates_to_come() -> None:
    rows = [{"symbol": s, "fundingRate": "0.1", "fundingTime": T * 1000} for s in ("BTCUSDT", "ETHUSDT", "BTCUSDT")]
    found = parse.read_funding(content(rows), Hints())
    assert [(str(p.instrument), len(p.rows)) for p in found] == [
        ("binance:BTC/USDT:USDT", 2), ("binance:ETH/USDT:USDT", 1),
    ]  # fmt: skip
    stream = {"arg": {"channel": "funding-rate"}, "data": [{"fundingRate": "0.1", "fundingTime": f"{T}000"}]}
    for value in (stream, [], [1], {"code": "0", "data": []}, {"retCode": 0}):
        assert not parse.is_funding(content(value))


@pytest.mark.parametrize(
    "is_it",
    [
        parse.is_binance_klines, parse.is_freqtrade_candles, parse.is_coinbase_candles, parse.is_ta4j_candles,
        parse.is_okx_candles, parse.is_bybit_candles, parse.is_kraken_candles,
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [[], {}, [[]], [1], {"result": []}, {"data": 1, "code": 1}, {"retCode": 0}, None, 5])
def test_what_is_none_of_them(is_it: Callable[[Content], bool], value: object) -> None:
    assert not is_it(content(value))


def test_great_numbers_are_no_reason_to_stop() -> None:
    parsed = one(parse.read_freqtrade_candles, [[10**30, 1.0, 2.0, 0.5, 1.5, 10.0], [T, 1e308, 1e308, 1.0, 1.0, 1e999]])
    assert [r.reason for r in parsed.rejected] == ["BAD_TIME", "NOT_FINITE"]
    assert np.isfinite(parsed.rows.open).all()
    assert len(one(parse.read_coinbase_candles, {"candles": []}).rows) == 0
