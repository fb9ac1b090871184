import pytest

from tallow.domain.errors import UserError
from tallow.venues.files.detect import FORMATS, detect
from tallow.venues.files.parse.content import Content

MS = "1704067200000"
SAMPLES = [
    ("[]", "empty-page"),
    (f'[[{MS},"1","2","0.5","1.5","10",1704067259999,"15",4,"6","9","0"]]', "binance-klines"),
    (f"[[{MS}, 1.0, 2.0, 0.5, 1.5, 10.0]]", "freqtrade-candles"),
    ('{"candles": []}', "coinbase-candles"),
    ('{"name": "ETH/USD_PT5M@BinanceUS", "ohlc": []}', "ta4j-candles"),
    ('{"chart": {"result": [{"meta": {}}], "error": null}}', "yahoo-chart"),
    ('{"request": {}, "response": {"bodyJson": {"chart": {"result": [{}]}}}}', "yahoo-chart"),
    (f'{{"code": "0", "data": [["{MS}","1","2","0.5","1.5","10","10","15","1"]]}}', "okx-candles"),
    (f'{{"retCode": 0, "result": {{"list": [["{MS}","1","2","0.5","1.5","10","15"]]}}}}', "bybit-candles"),
    (
        '{"error": [], "result": {"XXBTZUSD": [[1704067200,"1","2","0.5","1.5","1","10",4]], "last": 1}}',
        "kraken-candles",
    ),
    ('{"error": [], "result": {"XBTUSDT": [["1","2",1704067200.5,"b","l","",7]], "last": "1"}}', "kraken-trades"),
    (f'[{{"symbol": "BTCUSDT", "fundingRate": "0.0001", "fundingTime": {MS}}}]', "funding"),
    (f'[[{MS}, "7", null, "sell", 100.0, 1.0, 100.0]]', "freqtrade-trades"),
    (f'[{{"a": 7, "p": "100", "q": "1", "f": 1, "l": 1, "T": {MS}, "m": true}}]', "trades"),
    (f'{{"e": "trade", "s": "BTCUSDT", "t": 7, "p": "100", "q": "1", "T": {MS}, "m": true}}', "stream-message"),
    ('{"topic":"publicTrade.BTCUSDT","data":[{"T":1,"p":"1"}]}\n{"topic":"x"}', "stream-messages"),
    ('1723161253937085768 {"stream":"btcusdt@trade","data":{}}', "hftbacktest"),
    ('{"t":"header","format":2,"exchange":"OKX"}\n{}', "cryptofeed-json"),
    ("wss://ws.okex.com:8443/ws/v5/public <-> 1626995752.315705", "cryptofeed-lines"),
    ("1626995753.337132: {}", "cryptofeed-lines"),
    ("date,symbol,open,high,low,close,volume_btc,volume", "named-candles"),
    ("Created on 10-17-2019,https://x.com\ndate,symbol,open,high,low,close,volume_btc,volume", "named-candles"),
    ('"Date","Open","High","Low","Close","Adj Close","Volume"', "named-candles"),
    (f"{MS},1,2,0.5,1.5,10,1704067259999,15,4,6,9,0", "binance-archive-klines"),
    ("calc_time,funding_interval_hours,last_funding_rate", "binance-archive-funding"),
    ("exchange,symbol,timestamp,local_timestamp,id,side,price,amount", "named-trades"),
    (f"7,100.5,1,100.5,{MS},true,true", "named-trades"),
    (f"7,100.5,1,100.5,{MS},true", "named-trades"),
    (f"7,100.5,1,6,8,{MS},True,True", "named-trades"),
    (f"7,100.5,1,6,8,{MS},True", "named-trades"),
    ("20180501 00:00,9246.01,9248.99,8934.44,8955.01,5263.799551", "lean-candles"),
    ("20201229 00:00:00,0.00020030", "lean-funding"),
    ("1672531436,90.540000,1.10448420", "kraken-bulk-trades"),
]
REFUSED = [
    ("20180501 00:00,1,1,1,1,1,1,1,1,1,1", "quotes"),
    ("exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount", "quotes"),
    ("timestamp,symbol,ask_size,ask,bid_size,bid", "quotes"),
    ("symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu", "order book"),
    ('{"lastUpdateId": 1, "bids": [], "asks": []}', "order book"),
    ('{"topic":"orderbook.500.XRPUSDT","type":"snapshot"}\n{}', "order book"),
    ('{"timezone": "UTC", "serverTime": 1, "symbols": []}', "trading rules"),
    ("https://www.okex.com/api/v5/public/instruments -> 1626995750.595871: {}", "trading rules"),
    (f'{{"e": "kline", "s": "BTCUSDT", "k": {{"t": {MS}, "x": false}}}}', "trading rules"),
    (f'{{"arg": {{"channel": "funding-rate"}}, "data": [{{"fundingRate": "1", "fundingTime": "{MS}"}}]}}', "rules"),
]


@pytest.mark.parametrize(("text", "name"), SAMPLES, ids=[f"{n} {name}" for n, (_, name) in enumerate(SAMPLES)])
def test_each_format_is_told_by_its_content(text: str, name: str) -> None:
    assert detect(Content("any", text.encode())).name == name


def test_every_format_that_is_read_from_text_has_a_sample() -> None:
    read = {form.name for form in FORMATS if not form.refusal}
    assert read - {name for _, name in SAMPLES} == {"freqtrade-funding"}  # a feather file: in test_candle_tables


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_what_is_known_and_not_read_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(UserError) as error:
        detect(Content("any", text.encode()))
    assert error.value.code == "NOTHING_TO_READ"
    assert why in error.value.message


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("", "nothing but white space"),
        ("<!DOCTYPE html><html>", "'<!DOCTYPE html><html>'"),
        ("a,b,c\n1,2,3", "columns a, b, c"),
        ("[1, 2]", "'[1, 2]'"),
        ("[" * 5000, repr("[" * 100)),
        ('{"unknown": 1}', "'{\"unknown\": 1}'"),
        ("12,1,2,0.5,1.5,10", "'12,1,2,0.5,1.5,10'"),  # a LEAN row, but no date in the name
        ("1,2,3,4", "'1,2,3,4'"),
    ],
)
def test_what_is_not_known_is_told_with_what_was_seen(text: str, seen: str) -> None:
    with pytest.raises(UserError) as error:
        detect(Content("any", text.encode()))
    assert error.value.code == "UNKNOWN_FORMAT"
    assert error.value.facts["seen"] == seen


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    text = "﻿timestamp,open,high,low,close,volume\n1704067200,1,2,0.5,1.5,10\n"
    assert detect(Content("any", text.encode())).name == "named-candles"


def test_names_of_formats_are_unique() -> None:
    assert len({form.name for form in FORMATS}) == len(FORMATS)
    assert all(form.meaning for form in FORMATS)
