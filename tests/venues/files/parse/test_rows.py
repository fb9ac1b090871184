import numpy as np
import polars as pl
import pytest

from tallow.domain.columns import Bars, FundingRates, Ticks
from tallow.venues.files.parse.rows import (
    candle_rows,
    frame_record,
    funding_rows,
    json_record,
    maker_flags,
    numbers,
    trade_ids,
    trade_rows,
    whole_numbers,
)
from tallow.venues.files.parse.times import BAD

NAN, INF = float("nan"), float("inf")


def candle(**change: float) -> dict[str, np.ndarray]:
    values = {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 10.0} | change
    return {name: np.array([value]) for name, value in values.items()}


@pytest.mark.parametrize(
    "values", [["1.5", 2, None, "x", "1e3"], pl.Series([" 1.5", "2", None, "x", "1e3"])], ids=["list", "series"]
)
def test_numbers_and_their_texts(values: object) -> None:
    np.testing.assert_array_equal(numbers(values), [1.5, 2.0, NAN, NAN, 1000.0])


def test_decimal_texts_become_the_nearest_double() -> None:
    texts = ["0.1", "0.30000000000000004", "9007199254740993", "1e-320", "0.00002853"]
    exact = [float(text) for text in texts]
    assert numbers(texts).tolist() == exact
    assert numbers(pl.Series(texts)).tolist() == exact


def test_whole_numbers_stay_exact_and_fractions_are_not_cut_off() -> None:
    assert whole_numbers([1735689600000000001, 2]).tolist() == [1735689600000000001, 2]
    assert whole_numbers(["1735689600000000001"]).tolist() == [1735689600000000001]
    assert whole_numbers([1762795433.97, 2]).tolist() == [1762795433.97, 2.0]
    np.testing.assert_array_equal(whole_numbers([None, "x", 10**40, [1]]), [NAN, NAN, 1e40, NAN])


def test_ids_that_are_no_numbers() -> None:
    ids = trade_ids(["7", "-5", "19d7df56-4f10-5290-a969-d9d9f2c74cc3", "zz-not-an-id-zzzzzz", "", None])
    assert ids.tolist() == [7, -1, int("19d7df564f10529", 16), -1, -1, -1]
    assert trade_ids(pl.Series([3, 4])).tolist() == [3, 4]


def test_sides_and_flags() -> None:
    words = ["sell", "BUY", "s", "b", "True", "false", "1", "0", "maybe", None]
    np.testing.assert_array_equal(maker_flags(words), [1, 0, 1, 0, 1, 0, 1, 0, NAN, NAN])
    np.testing.assert_array_equal(maker_flags([True, False]), [1, 0])


@pytest.mark.parametrize(
    ("time", "change", "reason"),
    [
        (BAD, {}, "BAD_TIME"),
        (5, {"close": NAN}, "NOT_FINITE"),
        (5, {"volume": INF}, "NOT_FINITE"),
        (5, {"quote_volume": -INF}, "NOT_FINITE"),
    ],
)
def test_a_candle_that_lacks_something_is_set_aside(time: int, change: dict[str, float], reason: str) -> None:
    parsed = candle_rows(np.array([time]), candle(**change), lambda row: f"row {row}")
    assert len(parsed.rows) == 0
    assert [(r.row, r.reason, r.record) for r in parsed.rejected] == [(0, reason, "row 0")]


def test_a_candle_keeps_what_its_source_tells() -> None:
    parsed = candle_rows(np.array([5]), candle(trades=3.0, quote_volume=NAN), str, np.array([BAD]))
    assert isinstance(parsed.rows, Bars)
    assert parsed.rows.trades.tolist() == [3.0]
    assert np.isnan(parsed.rows.quote_volume[0])
    assert parsed.close_time is not None
    assert parsed.close_time.tolist() == [-1]


def test_trades_and_funding_set_aside_what_they_cannot_hold() -> None:
    columns = {
        "time": np.array([5, 6, BAD, 8]),
        "received": np.array([BAD, 60, 70, 80]),
        "trade_id": np.array([1, 2, 3, 4]),
        "price": np.array([1.0, NAN, 3.0, 4.0]),
        "quantity": np.array([1.0, 2.0, 3.0, 4.0]),
        "buyer_is_maker": np.array([1.0, 0.0, 0.0, NAN]),
    }
    trades = trade_rows(columns, str)
    assert isinstance(trades.rows, Ticks)
    assert trades.rows.trade_id.tolist() == [1]
    assert trades.rows.received_time.tolist() == [5]  # not stated: the event's own time
    assert [(r.row, r.reason) for r in trades.rejected] == [(1, "NOT_FINITE"), (2, "BAD_TIME"), (3, "UNREADABLE_ROW")]
    funding = funding_rows(np.array([5, 6]), np.array([0.1, INF]), str)
    assert isinstance(funding.rows, FundingRates)
    assert funding.rows.rate.tolist() == [0.1]
    assert funding.rejected[0].row == 1


def test_records_show_the_row_and_not_too_much_of_it() -> None:
    assert json_record([{"a": 1}])(0) == '{"a":1}'
    assert len(json_record(["x" * 9999])(0)) == 2000
    assert frame_record(pl.DataFrame({"a": ["1"], "b": [None]}))(0) == "1,"
