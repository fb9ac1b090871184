import io

import numpy as np
import polars as pl
import pytest

from tallow.domain.columns import FundingRates, Ticks
from tallow.domain.timeframes import SECOND
from tallow.venues.files.parse.content import Content, Hints, Parsed
from tallow.venues.files.parse.trade_tables import (
    is_binance_funding,
    is_kraken_bulk,
    is_trades,
    layout_of,
    read_binance_funding,
    read_kraken_bulk,
    read_trades,
)

T = 1704067200
US = T * SECOND


def parse(text: str, **hints: object) -> list[Parsed]:
    content = Content("x.csv", text.encode())
    assert is_trades(content)
    found = read_trades(content, Hints(received_time=US + 5, **hints))
    assert all(isinstance(parsed.rows, Ticks) for parsed in found)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"7,100.5,2,201,{T}000,true,true", (7, US, US + 5, 100.5, 2.0, True)),
        (f"7,100.5,2,201,{T}000000,False", (7, US, US + 5, 100.5, 2.0, False)),
        (f"7,100.5,2,5,6,{T}000,true,true", (7, US, US + 5, 100.5, 2.0, True)),
        (f"1700000000,100.5,2,1700000000,1700000001,{T}000,false", (1700000000, US, US + 5, 100.5, 2.0, False)),
        (f"id,price,qty,quote_qty,time,is_buyer_maker\n7,100.5,2,201,{T}000,true", (7, US, US + 5, 100.5, 2.0, True)),
        (
            "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
            f"7,100.5,2,5,6,{T}000,false",
            (7, US, US + 5, 100.5, 2.0, False),
        ),
        (f"id,timestamp,price,volume,side,rpi\n7,{T}000,100.5,2,sell,0", (7, US, US + 5, 100.5, 2.0, True)),
    ],
)
def test_one_trade_in_each_layout(text: str, expected: tuple[object, ...]) -> None:
    (parsed,) = parse(text)
    assert tuple(column[0].item() for column in vars(parsed.rows).values()) == expected


def test_bybit_contracts_with_ids_that_are_no_numbers() -> None:
    header = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional,RPI"
    (parsed,) = parse(f"{header}\n{T}.0625,BTCUSDT,Buy,0.5,100,PlusTick,19d7df56-4f10-5290-a969-d9d9f2c74cc3,1,1,1,0\n")
    assert str(parsed.instrument) == "bybit:BTC/USDT:USDT"
    assert parsed.rows.event_time.tolist() == [US + 62_500]
    assert parsed.rows.trade_id.tolist() == [int("19d7df564f10529", 16)]
    (inverse,) = parse(f"{header}\n{T},BTCUSD,Sell,5,100,PlusTick,x,1,1,1,0\n")
    assert str(inverse.instrument) == "bybit:BTC/USD:BTC"


@pytest.mark.parametrize(
    ("last", "market", "instrument"),
    [("True", "", "TRX/USDT"), ("MARKET", "", "TRX/USDT:USDT"), ("MARKET", "linear", "TRX/USDT:USDT")],
)
def test_a_recorded_trade_stream(last: str, market: str, instrument: str) -> None:
    header = (
        "TimestampOfReceive,Stream,EventType,EventTime,TransactionTime,Symbol,TradeId,Price,Quantity,"
        "IsBuyerMarketMaker,XUnknownParameter"
    )
    row = f"{T}000900,trxusdt@trade,trade,{T}000500,{T}000400,TRXUSDT,7,0.2312,2619.4,1,{last}"
    (parsed,) = parse(f"{header}\n{row}\n", market=market)
    assert str(parsed.instrument) == f"binance:{instrument}"
    assert (parsed.rows.event_time[0], parsed.rows.received_time[0]) == (US + 400, US + 900)
    assert parsed.rows.buyer_is_maker.tolist() == [True]


def test_tardis_names_venue_market_and_symbol() -> None:
    header = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
    found = parse(
        header + f"binance-futures,BTCUSDT,{US},{US + 9},7,buy,100,1\n"
        f"binance-futures,ETHUSDT,{US},{US + 9},8,sell,10,1\n"
        f"binance-futures,BTCUSDT,{US},{US + 9},9,unknown,100,1\n"
    )
    assert [str(parsed.instrument) for parsed in found] == ["binance:BTC/USDT:USDT", "binance:ETH/USDT:USDT"]
    assert [(r.row, r.reason) for r in found[0].rejected] == [(1, "UNREADABLE_ROW")]
    (other,) = parse(header + f"mtgox,BTCUSD,{US},{US + 9},7,buy,100,1\n")
    assert other.instrument is None


def test_parquet_trades_whose_flag_is_a_text() -> None:
    stream = io.BytesIO()
    frame = pl.DataFrame(
        {"timestamp": [US], "trade_id": [7], "price": [1.5], "quantity": [2.0], "buyer_maker": ["True"]}
    )
    frame.with_columns(pl.from_epoch("timestamp", "us").dt.cast_time_unit("ms")).write_parquet(stream)
    content = Content("x.parquet", stream.getvalue())
    assert is_trades(content)
    (parsed,) = read_trades(content, Hints())
    assert (parsed.rows.event_time.tolist(), parsed.rows.buyer_is_maker.tolist()) == ([US], [True])


def test_kraken_bulk_sides_follow_the_tick_rule() -> None:
    prices = [10, 10, 11, 11, 10, 10, 9, 12]
    text = "\n".join(f"{T + i},{price},1.0" for i, price in enumerate(prices))
    content = Content("x.csv", text.encode())
    assert is_kraken_bulk(content)
    (parsed,) = read_kraken_bulk(content, Hints(received_time=US))
    assert parsed.rows.buyer_is_maker.tolist() == [False, False, False, False, True, True, True, False]
    assert parsed.rows.trade_id.tolist() == [-1] * 8
    assert parsed.tags == {"side_guessed"}
    (flat,) = read_kraken_bulk(Content("x.csv", f"{T},5,1\n{T},5,1".encode()), Hints())
    assert flat.rows.buyer_is_maker.tolist() == [False, False]


def test_binance_funding_archive() -> None:
    content = Content("x.csv", f"calc_time,funding_interval_hours,last_funding_rate\n{T}003,8,0.0001\n".encode())
    assert is_binance_funding(content)
    (parsed,) = read_binance_funding(content, Hints())
    assert isinstance(parsed.rows, FundingRates)
    np.testing.assert_array_equal(parsed.rows.time, [US + 3_000])


@pytest.mark.parametrize("text", ["a,b,c\n1,2,3", f"{T},1,2,3", "true,1,2,3,4,5"])
def test_what_is_no_trade_table(text: str) -> None:
    content = Content("x.csv", text.encode())
    assert layout_of(content) is None
    assert read_trades(content, Hints()) == []
