import pytest

from tallow.domain.columns import Bars, Ticks
from tallow.domain.timeframes import MINUTE, SECOND
from tallow.venues.files.parse.messages import Tape, read_message

T = 1704067200
US = T * SECOND


def tape(*messages: object, venue: str = "", market: str = "", **contracts: float) -> Tape:
    collected = Tape(contracts)
    for message in messages:
        for row in read_message(message, US + 9, venue, market):
            collected.add(row)
    return collected


def trade(form: str = "trade", number: int = 7, symbol: str = "BTCUSDT", **more: object) -> dict[str, object]:
    key = "t" if form == "trade" else "a"
    return {"e": form, "s": symbol, key: number, "p": "100.5", "q": "2", "T": T * 1000, "m": True, **more}


def kline(is_closed: bool = True, **more: object) -> dict[str, object]:
    numbers = dict(zip("ohlcvqnVQ", ("1", "2", "0.5", "1.5", "10", "15", 4, "6", "9"), strict=True))
    candle = {"t": T * 1000, "T": (T + 60) * 1000 - 1, "i": "1m", "x": is_closed, **numbers}
    return {"e": "kline", "s": "BTCUSDT", "k": candle, **more}


@pytest.mark.parametrize(
    ("message", "market", "instrument"),
    [
        (trade(M=True), "", "binance:BTC/USDT"),
        (trade(M=True), "linear", "binance:BTC/USDT"),  # the message knows better than the folder
        (trade(X="MARKET"), "", "binance:BTC/USDT:USDT"),
        (trade(symbol="BTCUSD_PERP"), "", "binance:BTC/USD:BTC"),
        ({"stream": "btcusdt@trade", "data": trade(M=True)}, "", "binance:BTC/USDT"),
        (trade("aggTrade"), "linear", "binance:BTC/USDT:USDT"),
    ],
)
def test_binance_trades(message: object, market: str, instrument: str) -> None:
    (parsed,) = tape(message, market=market).parsed()
    assert isinstance(parsed.rows, Ticks)
    assert str(parsed.instrument) == instrument
    row = [column[0].item() for column in vars(parsed.rows).values()]
    assert row == [7, US, US + 9, 100.5, 2.0, True]


def test_aggregated_trades_are_left_where_the_single_ones_are_there() -> None:
    both = tape(trade(), trade("aggTrade"), trade("aggTrade", symbol="ETHUSDT")).parsed()
    assert [str(parsed.instrument) for parsed in both] == ["binance:BTC/USDT:USDT", "binance:ETH/USDT:USDT"]
    assert [len(parsed.rows) for parsed in both] == [1, 1]


def test_only_finished_candles_are_candles() -> None:
    assert tape(kline(is_closed=False), {"e": "kline", "k": 5}).parsed() == []
    (parsed,) = tape(kline(is_closed=False), kline(), market="spot").parsed()
    assert isinstance(parsed.rows, Bars)
    row = [column[0].item() for column in vars(parsed.rows).values()]
    assert row == [US, 1.0, 2.0, 0.5, 1.5, 10.0, 15.0, 4.0, 6.0, 9.0]
    assert parsed.close_time is not None
    assert (str(parsed.timeframe), parsed.close_time.tolist()) == ("1m", [US + MINUTE])


def okx(channel: str, instrument: str, *rows: object) -> dict[str, object]:
    return {"arg": {"channel": channel, "instId": instrument}, "data": list(rows)}


def test_okx_trades_with_the_size_of_their_contracts() -> None:
    row = {"tradeId": "7", "px": "100.5", "sz": "2", "side": "sell", "ts": f"{T}000"}
    message = okx("trades", "XMR-USDT-SWAP", row, "x")
    (parsed,) = tape(message, **{"XMR/USDT:USDT": 0.1}).parsed()
    assert (str(parsed.instrument), parsed.contract_value) == ("okx:XMR/USDT:USDT", 0.1)
    assert parsed.rows.quantity.tolist() == [2.0]
    assert tape({"arg": {"channel": "trades"}, "event": "subscribe"}).parsed() == []


@pytest.mark.parametrize(("instrument", "volume"), [("BTC-USDT", 100.0), ("BTC-USDT-SWAP", 10.0)])
def test_okx_candles(instrument: str, volume: float) -> None:
    cells = [f"{T}000", "1", "2", "0.5", "1.5", "100", "10", "15"]
    message = okx("candle1H", instrument, [*cells, "0"], [*cells, "1"], cells, 5)
    (parsed,) = tape(message).parsed()
    assert isinstance(parsed.rows, Bars)
    assert (parsed.rows.volume.tolist(), parsed.rows.quote_volume.tolist()) == ([volume], [15.0])
    assert (str(parsed.timeframe), parsed.close_time) == ("1h", None)


@pytest.mark.parametrize(
    ("topic", "market", "instrument"),
    [
        ("publicTrade.BTCUSDT", "linear", "bybit:BTC/USDT:USDT"),
        ("publicTrade.BTCUSDT", "spot", "bybit:BTC/USDT"),
        ("trade.linear.BTCUSDT", "", "bybit:BTC/USDT:USDT"),
        ("publicTrade.BTCUSD", "inverse", "bybit:BTC/USD:BTC"),
    ],
)
def test_bybit_trades(topic: str, market: str, instrument: str) -> None:
    row = {"T": T * 1000, "s": "x", "S": "Sell", "v": "2", "p": "100.5", "i": "7"}
    (parsed,) = tape({"topic": topic, "data": [row, 5]}, market=market).parsed()
    assert str(parsed.instrument) == instrument
    assert [column[0].item() for column in vars(parsed.rows).values()] == [7, US, US + 9, 100.5, 2.0, True]


@pytest.mark.parametrize(
    ("length", "market", "timeframe", "volume"),
    [
        ("1", "linear", "1m", 10.0),
        ("240", "linear", "4h", 10.0),
        ("15", "spot", "15m", 10.0),
        ("D", "spot", "1d", 10.0),
        ("60", "inverse", "1h", 15.0),
    ],
)
def test_bybit_candles(length: str, market: str, timeframe: str, volume: float) -> None:
    row = {
        "start": T * 1000, "end": (T + 60) * 1000 - 1, "open": "1", "high": "2", "low": "0.5", "close": "1.5",
        "volume": "10", "turnover": "15",
    }  # fmt: skip
    rows = [{**row, "confirm": False}, {**row, "confirm": True}]
    (parsed,) = tape({"topic": f"kline.{length}.BTCUSDT", "data": rows}, market=market).parsed()
    assert isinstance(parsed.rows, Bars)
    assert (str(parsed.timeframe), parsed.rows.volume.tolist()) == (timeframe, [volume])
    assert parsed.close_time is not None


def test_what_has_no_name_is_set_aside_with_the_first_series() -> None:
    option = okx("trades", "BTC-USD-210924-66000-C", {"tradeId": "1", "px": "1", "sz": "1", "side": "buy", "ts": "1"})
    alone = tape(option)
    assert (alone.parsed(), len(alone.aside)) == ([], 1)
    (parsed,) = tape(option, trade(T=5), trade(number=8), option).parsed()
    assert [(r.row, r.reason) for r in parsed.rejected] == [
        (0, "BAD_TIME"), (2, "UNKNOWN_SYMBOL"), (3, "UNKNOWN_SYMBOL"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "message",
    [
        None, 5, [], {}, {"data": 5}, {"e": "depthUpdate"}, {"topic": "orderbook.1.X", "data": {}}, {"topic": "x"},
        {"topic": "tickers.BTCUSDT", "data": [{}]}, {"arg": {"channel": "books", "instId": "BTC-USDT"}, "data": [{}]},
    ],
)  # fmt: skip
def test_all_other_messages_give_nothing(message: object) -> None:
    assert list(read_message(message, 0, "", "")) == []
