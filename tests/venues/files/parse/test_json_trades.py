import json

import pytest

from tallow.domain.columns import Ticks
from tallow.domain.timeframes import SECOND
from tallow.venues.files.parse import json_trades as parse
from tallow.venues.files.parse.content import Content, Hints, Parsed

T = 1704067200
US = T * SECOND


def content(value: object) -> Content:
    return Content("x.json", json.dumps(value).encode())


def cells(parsed: Parsed) -> list[tuple[object, ...]]:
    assert isinstance(parsed.rows, Ticks)
    columns = (c.tolist() for n, c in vars(parsed.rows).items() if n != "received_time")
    return list(zip(*columns, strict=True))


SOLD = [(7, US, 100.5, 2.0, True)]


@pytest.mark.parametrize(
    ("value", "instrument"),
    [
        ([{"a": 7, "p": "100.5", "q": "2", "f": 1, "l": 1, "T": T * 1000, "m": True, "M": True}], "None"),
        ([{"id": 7, "price": "100.5", "qty": "2", "quoteQty": "201", "time": T * 1000, "isBuyerMaker": True}], "None"),
        (
            [{"id": "7", "timestamp": T * 1000, "symbol": "XRP/ETH", "side": "sell", "price": 100.5, "amount": 2.0}],
            "binance:XRP/ETH",
        ),
        (
            {"code": "0", "data": [
                {"instId": "BTC-USDT", "side": "sell", "sz": "2", "px": "100.5", "tradeId": "7", "ts": f"{T}000"}]},
            "okx:BTC/USDT",
        ),
        (
            {"retCode": 0, "result": {"category": "linear", "list": [
                {"execId": "7", "symbol": "BTCUSDT", "price": "100.5", "size": "2", "side": "Sell", "time": f"{T}000"}
            ]}},
            "bybit:BTC/USDT:USDT",
        ),
    ],
)  # fmt: skip
def test_trades_of_each_form(value: object, instrument: str) -> None:
    assert parse.is_trades(content(value))
    (parsed,) = parse.read_trades(content(value), Hints(venue="binance", received_time=US + 9))
    assert cells(parsed) == SOLD
    assert str(parsed.instrument) == instrument
    assert parsed.rows.received_time.tolist() == [US + 9]


def test_symbols_become_series_and_bad_rows_are_set_aside() -> None:
    def trade(symbol: str, **change: object) -> dict[str, object]:
        return {"timestamp": T * 1000, "id": "7", "symbol": symbol, "side": "sell", "price": 1, "amount": 1} | change

    rows = [trade("BTC/USDT"), trade("ETH/USDT"), trade("BTC/USDT", side=None), trade("BTC/USDT", price="x"), 5]
    found = parse.read_trades(content(rows), Hints(venue="okx"))
    assert [str(parsed.instrument) for parsed in found] == ["okx:BTC/USDT", "okx:ETH/USDT", "None"]
    assert [r.reason for r in found[0].rejected] == ["UNREADABLE_ROW", "NOT_FINITE"]
    assert [r.reason for r in found[2].rejected] == ["BAD_TIME"]


def test_freqtrade_arrays() -> None:
    value = [[T * 1000, "7", None, "sell", 100.5, 2.0, 201.0], [T * 1000, "8", None], 5]
    assert parse.is_freqtrade_trades(content(value))
    (parsed,) = parse.read_freqtrade_trades(content(value), Hints())
    assert cells(parsed) == SOLD
    assert [r.row for r in parsed.rejected] == [1, 2]


@pytest.mark.parametrize(("last", "trade_id"), [([7], 7), ([], -1)])
def test_kraken_answers_with_and_without_ids(last: list[int], trade_id: int) -> None:
    value = {"error": [], "result": {"XBTUSDT": [["100.5", "2", T + 0.25, "s", "l", "", *last]], "last": "1"}}
    assert parse.is_kraken_trades(content(value))
    (parsed,) = parse.read_kraken_trades(content(value), Hints())
    assert cells(parsed) == [(trade_id, US + 250_000, 100.5, 2.0, True)]
    assert str(parsed.instrument) == "kraken:BTC/USDT"


@pytest.mark.parametrize("value", [[], {}, [1], [[1]], {"result": {"list": [1]}}, {"data": 5}, {"result": []}, None])
def test_what_is_none_of_them(value: object) -> None:
    for is_it in (parse.is_trades, parse.is_freqtrade_trades, parse.is_kraken_trades):
        assert not is_it(content(value))
