import pytest

from tallow.domain.columns import Bars, FundingRates
from tallow.domain.ranges import parse_time
from tallow.domain.timeframes import HOUR, MINUTE
from tallow.venues.files.parse.content import Content, Hints
from tallow.venues.files.parse.lean import (
    is_lean_candles,
    is_lean_funding,
    is_lean_quotes,
    read_lean_candles,
    read_lean_funding,
)

DAY_NAME = "lean/minute/btcusdt/20221213_trade.zip!20221213_btcusdt_minute_trade.csv"
START = parse_time("2022-12-13")


@pytest.mark.parametrize(
    ("name", "text", "opens", "timeframe"),
    [
        (DAY_NAME, "0,1,2,0.5,1.5,10\n60000,1,2,0.5,1.5,11", [START, START + MINUTE], "1m"),
        ("x.csv", "20221213 00:00,1,2,0.5,1.5,10\n20221213 01:00,1,2,0.5,1.5,9", [START, START + HOUR], "1h"),
        (DAY_NAME, "120000,1,2,0.5,1.5,10", [START + 2 * MINUTE], "None"),
        (DAY_NAME, "0,1,2,0.5,1.5,10\n7000,1,2,0.5,1.5,11", [START, START + 7_000_000], "None"),
    ],
)
def test_times_of_day_and_dates(name: str, text: str, opens: list[int], timeframe: str) -> None:
    content = Content(name, text.encode())
    assert is_lean_candles(content)
    (parsed,) = read_lean_candles(content, Hints())
    assert isinstance(parsed.rows, Bars)
    assert parsed.rows.time.tolist() == opens
    assert parsed.rows.high.tolist() == [2.0] * len(opens)
    assert str(parsed.timeframe) == timeframe


def test_a_time_outside_the_day_is_set_aside() -> None:
    (parsed,) = read_lean_candles(Content(DAY_NAME, b"0,1,2,0.5,1.5,10\n86400000,1,2,0.5,1.5,1\n-1,1,2,1,1,1"), Hints())
    assert parsed.rows.time.tolist() == [START]
    assert [(r.row, r.reason) for r in parsed.rejected] == [(1, "BAD_TIME"), (2, "BAD_TIME")]


def test_a_day_that_does_not_exist_is_no_time() -> None:
    (parsed,) = read_lean_candles(Content("20221399_trade.csv", b"0,1,2,0.5,1.5,10"), Hints())
    assert [r.reason for r in parsed.rejected] == ["BAD_TIME"]


@pytest.mark.parametrize(
    ("name", "text"), [("x.csv", "0,1,2,0.5,1.5,10"), (DAY_NAME, "0,1,2,0.5,1.5"), (DAY_NAME, "x,1,2,0.5,1.5,10")]
)
def test_what_is_no_trade_bar(name: str, text: str) -> None:
    assert not is_lean_candles(Content(name, text.encode()))


def test_quotes_have_eleven_cells() -> None:
    assert is_lean_quotes(Content(DAY_NAME, b"0,1,1,1,1,1,1,1,1,1,1"))
    assert not is_lean_quotes(Content(DAY_NAME, b"0,1,2,0.5,1.5,10"))


def test_funding() -> None:
    content = Content("btcusd.csv", b"20221213 00:00:00,-0.00004062\n20221213 08:00:00,x\n")
    assert is_lean_funding(content)
    (parsed,) = read_lean_funding(content, Hints())
    assert isinstance(parsed.rows, FundingRates)
    assert (parsed.rows.time.tolist(), parsed.rows.rate.tolist()) == ([START], [-0.00004062])
    assert [(r.row, r.reason) for r in parsed.rejected] == [(1, "NOT_FINITE")]
