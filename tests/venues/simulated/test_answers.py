import hashlib
import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.domain.market import parse_symbol
from tallow.domain.ranges import TimeRange
from tallow.domain.timeframes import HOUR
from tallow.venues.simulated import answers


@pytest.mark.parametrize(("symbol", "spelling"), [("BTC/USDT", "BTCUSDT"), ("BTC/USDT:USDT-251226", "BTCUSDT_251226")])
def test_symbols_are_spelt_as_the_exchange_does(symbol, spelling):
    assert answers.symbol_of(parse_symbol(symbol)) == spelling


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 2**53 - 1), min_size=1, max_size=5), st.integers(0, 8))
def test_numbers_are_read_back_bit_for_bit(units, digits):
    column = np.array(units) / 10.0**digits
    assert [float(text) for text in answers.numbers(column)] == column.tolist()


def test_rows_have_the_exchanges_columns(market):
    bars = market.candles("BTC/USDT", "1h")[:2]
    closes = market.close_times("1h", bars.time)
    rows = answers.kline_rows(bars, closes)
    assert [len(row) for row in rows] == [12, 12]
    assert (rows[0][0], rows[0][6]) == (bars.time[0] // 1_000, bars.time[1] // 1_000 - 1)
    assert (float(rows[1][4]), rows[1][8], rows[1][11]) == (bars.close[1], int(bars.trades[1]), "0")
    micro = answers.kline_rows(bars, closes, 1)
    assert (micro[0][0], micro[0][6]) == (bars.time[0], bars.time[1] - 1)


def test_trades_have_the_exchanges_fields(market):
    ticks = market.trades("BTC/USDT", TimeRange(market.span.start, market.span.start + HOUR))[:3]
    objects = answers.trade_objects(ticks, spot=True)
    assert list(objects[0]) == ["a", "p", "q", "f", "l", "T", "m", "M"]
    assert list(answers.trade_objects(ticks, spot=False)[0]) == ["a", "p", "q", "f", "l", "T", "m"]
    assert [o["a"] for o in objects] == ticks.trade_id.tolist()
    assert [float(o["q"]) for o in objects] == ticks.quantity.tolist()


def test_exchange_info_names_filters_of_spot_and_futures(market):
    info = json.loads(answers.body(answers.exchange_info(market.rules(), 5_000, 6_000)))
    spot, _, perpetual = info["symbols"]
    assert info["serverTime"] == 5
    assert "marginAsset" not in spot
    assert perpetual["marginAsset"] == "USDT"
    assert [f["filterType"] for f in spot["filters"]] == ["PRICE_FILTER", "LOT_SIZE", "NOTIONAL"]
    assert perpetual["filters"][2] == {"filterType": "MIN_NOTIONAL", "notional": "5"}


def test_tables_of_spot_have_no_header_and_one_column_more(market):
    ticks = market.trades("BTC/USDT")[:2]
    spot, future = (answers.trades_table(ticks, 1_000, spot).decode().splitlines() for spot in (True, False))
    assert (len(spot), len(spot[0].split(","))) == (2, 8)
    assert (len(future), len(future[1].split(","))) == (3, 7)
    assert future[0].startswith("agg_trade_id,")
    assert future[1].rsplit(",", 1)[1] in ("true", "false")
    bars = market.candles("BTC/USDT", "1h")[:1]
    table = answers.klines_table(bars, bars.time + HOUR, 1_000, header=True).decode().splitlines()
    assert table[0].startswith("open_time,open,high")


def test_archives_are_the_same_bytes_every_time_and_hold_one_table():
    packed = answers.zipped(b"1,2\n", "a.csv")
    assert packed == answers.zipped(b"1,2\n", "a.csv")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert (archive.namelist(), archive.read("a.csv")) == (["a.csv"], b"1,2\n")
    assert answers.checksum(packed, "a.zip") == f"{hashlib.sha256(packed).hexdigest()}  a.zip\n".encode()


def test_funding_objects(market):
    rates = market.funding("BTC/USDT:USDT")
    first = answers.funding_objects(rates, "BTCUSDT")[0]
    assert (first["fundingTime"], float(first["fundingRate"])) == (rates.time[0] // 1_000, rates.rate[0])
