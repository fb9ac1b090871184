import zipfile

import numpy as np
import pytest

from tallow.domain.timeframes import MINUTE
from tallow.venues.binance.archive import unpack
from tallow.venues.binance.vision import read_vision_aggtrades, read_vision_klines

KLINE = "1638057600000,0.0282,0.0283,0.0281,0.0282,85.0,1638057659999,2.4,96,36.0,1.02,0"
HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
SPOT = "10,0.2,50.0,5,6,1735689600010866,False,True"
FUTURE = "10,0.2,50.0,5,6,1704067200010,false"


@pytest.mark.parametrize("text", [KLINE, KLINE + "\n", HEADER + "\n" + KLINE + "\n", KLINE + "\r\n"])
def test_candles_are_read_with_and_without_header(text):
    klines = read_vision_klines(text.encode())
    assert (klines.bars.time.tolist(), klines.rejected) == ([1_638_057_600_000_000], ())
    assert klines.close_time[0] - klines.bars.time[0] == MINUTE
    assert (klines.bars.high[0], klines.bars.taker_buy_quote_volume[0]) == (0.0283, 1.02)


def test_candles_in_microseconds():
    text = KLINE.replace("1638057600000", "1735689600000000").replace("1638057659999", "1735689659999999")
    klines = read_vision_klines(text.encode())
    assert (klines.bars.time[0], klines.close_time[0]) == (1_735_689_600_000_000, 1_735_689_660_000_000)


@pytest.mark.parametrize(
    ("text", "time", "maker"),
    [
        (SPOT, 1_735_689_600_010_866, False),
        (SPOT.replace("False", "True"), 1_735_689_600_010_866, True),
        (
            "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n" + FUTURE,
            1_704_067_200_010_000,
            False,
        ),
        (FUTURE.replace("false", "true"), 1_704_067_200_010_000, True),
    ],
)
def test_trades_of_spot_and_futures_are_read(text, time, maker):
    found = read_vision_aggtrades(text.encode(), 5)
    ticks = found.ticks
    assert (ticks.trade_id[0], ticks.event_time[0], ticks.received_time[0]) == (10, time, 5)
    assert (ticks.price[0], ticks.quantity[0], bool(ticks.buyer_is_maker[0])) == (0.2, 50.0, maker)
    assert found.rejected == ()


def test_contract_sizes_apply_to_archives_too():
    assert read_vision_klines(KLINE.encode(), 10.0).bars.quote_volume[0] == 850.0
    assert read_vision_aggtrades(FUTURE.encode(), 0, 10.0).ticks.quantity[0] == 50 * 10 / 0.2


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (KLINE.replace("0.0283", "NaN"), "NOT_FINITE"),
        (KLINE.replace("0.0283", ""), "NOT_FINITE"),
        (KLINE.replace("0.0283", "zero"), "NOT_FINITE"),
        (KLINE + ",1", "UNREADABLE_ROW"),
        ("0" + KLINE[13:], "BAD_TIME"),
    ],
)
def test_a_bad_line_is_set_aside(bad, reason):
    klines = read_vision_klines("\n".join([KLINE, bad, KLINE]).encode())
    assert len(klines.bars) == 2
    assert [(item.row, item.reason) for item in klines.rejected] == [(1, reason)]


def test_a_trade_without_side_or_id_is_set_aside():
    found = read_vision_aggtrades(
        "\n".join([SPOT.replace("False", "maybe"), SPOT, SPOT.replace("10,", "x,", 1)]).encode(), 0
    )
    assert found.ticks.trade_id.tolist() == [10]
    assert [(item.row, item.reason) for item in found.rejected] == [(0, "NOT_FINITE"), (2, "BAD_TIME")]


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe,\n1", HEADER.encode(), b"<html>,\n"])
def test_a_table_without_rows_gives_none(content):
    klines = read_vision_klines(content)
    assert len(klines.bars) == 0


@pytest.mark.shared
def test_recorded_archives_are_read(shared_data):
    folder = shared_data / "binance/spot/vision"
    plain = read_vision_klines((folder / "ADABTC-1m-2021-11-27.csv").read_bytes())
    packed = (folder / "ADABTC-1m-2021-11-28.zip").read_bytes()
    zipped = read_vision_klines(unpack(packed, "zip"))
    for klines in (plain, zipped):
        assert (len(klines.bars), klines.rejected) == (1440, ())
        assert (np.diff(klines.bars.time) == MINUTE).all()
        assert (klines.close_time - klines.bars.time == MINUTE).all()
    assert zipped.bars.time[0] - plain.bars.time[-1] == MINUTE
    with zipfile.ZipFile(folder / "ADABTC-1m-2021-11-28.zip") as archive:
        lines = archive.read(archive.namelist()[0]).decode().split()
    assert zipped.bars.close.tolist() == [float(line.split(",")[4]) for line in lines]
