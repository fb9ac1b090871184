import io

import numpy as np
import polars as pl
import pytest

from tallow.domain.columns import Bars, FundingRates
from tallow.domain.timeframes import SECOND
from tallow.venues.files.parse.candle_tables import (
    closing_times,
    is_binance_archive,
    is_freqtrade_funding,
    is_named_candles,
    read_binance_archive,
    read_freqtrade_funding,
    read_named_candles,
)
from tallow.venues.files.parse.content import Content, Hints, Parsed

T = 1704067200  # 2024-01-01
US = T * SECOND


def parse(text: str, **hints: str) -> Parsed:
    content = Content("x.csv", text.encode())
    assert is_named_candles(content)
    (parsed,) = read_named_candles(content, Hints(**hints))
    assert isinstance(parsed.rows, Bars)
    return parsed


def feather(name: str, **columns: list[object]) -> Content:
    stream = io.BytesIO()
    pl.DataFrame(columns).with_columns(pl.from_epoch("date", "s").dt.replace_time_zone("UTC")).write_ipc(stream)
    return Content(name, stream.getvalue())


def test_columns_are_found_by_name_in_any_order() -> None:
    parsed = parse(f"Volume,Close,Low,High,Open,Timestamp\n10,1.5,0.5,2,1,{T}\n")
    rows = parsed.rows
    assert [rows.time[0], rows.open[0], rows.high[0], rows.low[0], rows.close[0], rows.volume[0]] == [
        US, 1.0, 2.0, 0.5, 1.5, 10.0,
    ]  # fmt: skip
    assert np.isnan([rows.quote_volume[0], rows.trades[0], rows.taker_buy_volume[0]]).all()


def test_a_binance_archive_with_its_header() -> None:
    names = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume"
    parsed = parse(f"{names},ignore\n{T}000,1,2,0.5,1.5,10,{T + 59}999,15,4,6,9,0\n")
    row = [getattr(parsed.rows, n)[0] for n in ("quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume")]
    assert row == [15.0, 4.0, 6.0, 9.0]
    assert parsed.close_time is not None
    assert parsed.close_time.tolist() == [US + 60 * SECOND]


def test_a_banner_newest_first_and_hours_of_twelve() -> None:
    parsed = parse(
        "Timestamps are UTC timezone,https://www.example.com\n"
        "date,symbol,open,high,low,close,volume_btc,volume\n"
        "2024-01-01 01-PM,BTCUSD,1,2,0.5,1.5,10,15\n"
        "2024-01-01 12-AM,BTCUSD,1,2,0.5,1.5,20,30\n",
        venue="coinbase",
    )
    assert parsed.rows.time.tolist() == [US + 13 * 3600 * SECOND, US]
    assert parsed.rows.volume.tolist() == [10.0, 20.0]
    assert parsed.rows.quote_volume.tolist() == [15.0, 30.0]
    assert str(parsed.instrument) == "coinbase:BTC/USD"


@pytest.mark.parametrize(
    ("header", "venue"),
    [("Date,Open,High,Low,Close,Adj Close,Volume", ""), ("timestamp,open,high,low,close,x,volume", "ftx")],
)
def test_volume_in_quote_units_is_marked(header: str, venue: str) -> None:
    assert parse(f"{header}\n2024-01-01,1,2,0.5,1.5,1.5,100\n", venue=venue).tags == {"quote_volume"}


def test_several_symbols_are_no_single_name() -> None:
    text = f"time,symbol,open,high,low,close,volume\n{T},BTCUSD,1,1,1,1,1\n{T},ETHUSD,1,1,1,1,1\n"
    assert parse(text, venue="coinbase").instrument is None


def test_bad_rows_are_set_aside_and_the_rest_stands() -> None:
    parsed = parse(
        "time,open,high,low,close,volume\n"
        f"{T},1,2,0.5,1.5,10\n"
        "time,open,high,low,close,volume\n"  # a second file's header
        f"{T + 60}000,1,2,0.5,1.5,11\n"  # another unit
        f"{T + 120},1,2,0.5\n"
        f"{T + 180},1,2,nan,1.5,10\n"
        f"{T + 240},1,2,0.5,1.5,1O\n"
        f"{T + 30},1,2,0.5,1.5,12,extra\n"
    )
    assert parsed.rows.time.tolist() == [US, US + 60 * SECOND, US + 30 * SECOND]  # as they stand, not sorted
    assert [(r.row, r.reason) for r in parsed.rejected] == [
        (1, "BAD_TIME"), (3, "NOT_FINITE"), (4, "NOT_FINITE"), (5, "NOT_FINITE"),
    ]  # fmt: skip
    assert parsed.rejected[1].record == f"{T + 120},1,2,0.5,,"


def test_a_header_alone_is_a_table_without_rows() -> None:
    assert len(parse("time,open,high,low,close,volume\n").rows) == 0


@pytest.mark.parametrize("factor", [1_000, 1_000_000])
def test_an_archive_without_header_in_both_units(factor: int) -> None:
    rows = [f"{t * factor},1,2,0.5,1.5,10,{(t + 60) * factor - 1},15,4,6,9,0" for t in (T, T + 60)]
    content = Content("x.csv", "\n".join(rows).encode())
    assert is_binance_archive(content)
    (parsed,) = read_binance_archive(content, Hints())
    assert parsed.rows.time.tolist() == [US, US + 60 * SECOND]
    assert parsed.close_time is not None
    assert parsed.close_time.tolist() == [US + 60 * SECOND, US + 120 * SECOND]


@pytest.mark.parametrize("text", ["1,2,3,4,5,6,7,8,9,10,11,12", f"{T}000,a,2,0.5,1.5,10,{T + 60}000,15,4,6,9,0", ""])
def test_what_is_no_archive(text: str) -> None:
    assert not is_binance_archive(Content("x.csv", text.encode()))


def test_a_last_instant_is_followed_by_the_next_of_its_unit() -> None:
    last = pl.Series([T + 59, (T + 60) * 1_000 - 1, (T + 60) * SECOND - 1, None])
    assert closing_times(last).tolist()[:3] == [US + 60 * SECOND] * 3


def test_feather_candles_and_funding() -> None:
    ohlcv = {"open": [1.0], "high": [2.0], "low": [0.5], "close": [1.5], "volume": [10.0]}
    candles = feather("binance/BTC_USDT-1h.feather", date=[T], **ohlcv)
    assert is_named_candles(candles)
    assert not is_freqtrade_funding(candles)
    (parsed,) = read_named_candles(candles, Hints())
    assert (parsed.rows.time.tolist(), parsed.rows.close.tolist()) == ([US], [1.5])

    zero = {"high": [0.0], "low": [0.0], "close": [0.0], "volume": [0.0]}
    funding = feather("XRP_USDT_USDT-8h-funding_rate.feather", date=[T], open=[0.0001], **zero)
    assert is_freqtrade_funding(funding)
    assert not is_named_candles(funding)
    (parsed,) = read_freqtrade_funding(funding, Hints())
    assert isinstance(parsed.rows, FundingRates)
    assert (parsed.rows.time.tolist(), parsed.rows.rate.tolist()) == ([US], [0.0001])
