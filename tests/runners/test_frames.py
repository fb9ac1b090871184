import numpy as np
import pandas as pd
import polars as pl
import pytest

from tallow.domain.columns import COLUMNS
from tallow.domain.errors import UserError
from tallow.domain.timeframes import parse_timeframe
from tallow.runners.frames import lent_frame, to_frame, to_targets

NAN = np.nan


def test_the_frame_has_the_documented_form(bars):
    frame = to_frame(bars)
    assert frame.index.name == "timestamp"
    assert str(frame.index.tz) == "UTC"
    assert frame.index[1] == pd.Timestamp("1970-01-01 01:00", tz="UTC")
    assert list(frame.columns) == list(COLUMNS[1:])
    assert (frame.dtypes == np.float64).all()
    assert np.array_equal(frame.close.to_numpy(), bars.close)
    assert frame.trades.isna().all()


def test_nothing_done_to_the_frame_reaches_the_bars(bars):
    before = bars.close.copy()
    frame = to_frame(bars)
    frame["close"] = 0.0
    frame.iloc[:, 0] = 0.0
    assert np.array_equal(bars.close, before)
    assert not np.shares_memory(to_frame(bars).close.to_numpy(), bars.close)


@pytest.mark.parametrize(
    "output",
    [
        [1, 0, NAN],
        (True, False, None),
        np.array([1, 0, NAN]),
        np.array([1, 0, None], object),
        pd.Series([1.0, 0.0, NAN]),
        pd.Series([1, 0, None], dtype="Int64"),
        pd.Series([True, False, None], dtype="boolean"),
        pd.Series([True, False, None], dtype=object),
        pl.Series([1, 0, None]),
        pl.Series([True, False, None]),
    ],
)
def test_every_form_of_output_is_read(output):
    assert np.array_equal(to_targets(output, 3), [1.0, 0.0, NAN], equal_nan=True)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ([1, 0], "has 2 values for 3 bars"),
        (None, "is not one number a bar"),
        (1.0, "is not one number a bar"),
        ("abc", "is not one number a bar"),
        (np.zeros((3, 1)), "is not one number a bar"),
        (pd.DataFrame({"a": [1, 2, 3]}), "is not one number a bar"),
        ([[1], [2, 3], [4]], "is not one number a bar"),
        (["1", "0", "1"], "is not numeric"),
        (pd.Series(["1", "0", "1"]), "is not numeric"),
        (np.array([1, "a", None], object), "is not numeric"),
        (pd.date_range("2024-01-01", periods=3).to_series(), "is not numeric"),
        ([1 + 2j, 0, 0], "is not numeric"),
        ([0.0, np.inf, 0.0], "is infinite at row 1"),
    ],
)
def test_what_is_no_output_is_named(output, message):
    with pytest.raises(UserError, match=message) as raised:
        to_targets(output, 3)
    assert raised.value.code == "BAD_OUTPUT"
    assert raised.value.facts["received"]


def test_infinities_may_be_allowed_for_experiments():
    assert np.isinf(to_targets([np.inf, 0.0], 2, finite=False)[0])


def test_a_series_in_another_order_is_refused():
    shuffled = pd.Series([1.0, 2.0, 3.0], index=[2, 1, 0])
    with pytest.raises(UserError, match="BAD_OUTPUT") as caught:
        to_targets(shuffled, 3)
    assert "order" in caught.value.message


def test_rounding_is_no_order():
    noisy = np.array([0.5, 0.5 + 1e-11, 0.5, np.nan, 0.5 - 1e-12, 0.6, 0.6 + 1e-6])
    settled = to_targets(noisy, 7)
    assert settled[:3].tolist() == [0.5, 0.5, 0.5]
    assert np.isnan(settled[3])
    assert settled[4:].tolist() == [0.5, 0.6, 0.6 + 1e-6]


@pytest.mark.parametrize("long", [0, 10_000])
def test_a_lent_frame_is_the_frame_and_writing_to_it_reaches_no_bar(bars, monkeypatch, long):
    monkeypatch.setattr("tallow.runners.frames._LONG", long)
    before = bars.close.copy()
    with lent_frame(bars, parse_timeframe("1h")) as frame:
        pd.testing.assert_frame_equal(frame, to_frame(bars, parse_timeframe("1h")))
        assert frame.attrs == {"timeframe": "1h"}
        frame.loc[frame.index[0], "close"] = -1.0
        frame["open"] = frame["open"] * 2
        frame.iloc[1, 3] = -2.0
        assert frame["close"].iloc[:2].tolist() == [-1.0, -2.0]
    np.testing.assert_array_equal(bars.close, before)
