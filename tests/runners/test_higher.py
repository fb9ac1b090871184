"""The same candles for frames and columns; certified where they are used, and the naive form caught."""

import numpy as np
import pandas as pd
import pytest

import tallow
from tallow.core import strategies
from tallow.core.causality import certify
from tallow.domain.columns import COLUMNS, Bars
from tallow.domain.errors import UserError
from tallow.domain.timeframes import Timeframe
from tallow.runners.frames import to_frame
from tallow.runners.higher import higher
from tallow.runners.inline import load, probe

GOOD = """
    import tallow

    def signals(bars, *, window=3):
        trend = tallow.higher(bars, "4h", lambda candles: candles["close"].rolling(window).mean())
        return ((bars["close"] > trend) & (bars["close"] > tallow.higher(bars, "4h")["open"])).astype(float)
"""
DEVELOPING = """
    import tallow

    def signals(bars):
        day = tallow.higher(bars, "1d", developing=True)
        return (bars["close"] > (day["high"] + day["low"]) / 2).astype(float)
"""
NAIVE = """
    def signals(bars, *, window=3):
        four = bars["close"].resample("4h").last()
        trend = four.rolling(window).mean().reindex(bars.index, method="ffill")
        return (bars["close"] > trend).astype(float)
"""
AHEAD_IN_COMPUTE = """
    import tallow

    def signals(bars):
        trend = tallow.higher(bars, "4h", lambda candles: candles["close"].rolling(3, center=True).mean())
        return (bars["close"] > trend).astype(float)
"""
CLASS = """
    import tallow
    from tallow import indicators

    class Trend(tallow.Strategy):
        def init(self):
            self.above = self.higher("4h")
            self.trend = self.indicator(indicators.sma, self.above.close, 3)

        def next(self):
            self.target = float(self.bars.close[-1] > max(self.trend[-1], self.above.open[-1]))
"""


@pytest.mark.parametrize("developing", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 60])
def test_a_frame_has_the_candles_of_columns(bars, developing, rows):
    part = bars[2 : rows + 2]
    shown = tallow.higher(to_frame(part), "4h", developing=developing)
    expected = strategies.higher(part, "4h", developing=developing)
    assert list(shown.columns) == list(COLUMNS[1:])
    assert shown.index.equals(to_frame(part).index)
    for name in COLUMNS[1:]:
        assert np.array_equal(shown[name], getattr(expected, name), equal_nan=True)
    assert np.array_equal(tallow.higher(part, "4h", developing=developing).high, expected.high, equal_nan=True)


def test_what_is_computed_over_candles_is_laid_on_bars(bars):
    frame, done = to_frame(bars), strategies.finished(bars, Timeframe(4, "h"))
    expected = done.align(pd.Series(done.candles.close).rolling(3).mean().to_numpy())
    series = higher(frame, "4h", lambda candles: candles["close"].rolling(3).mean())
    assert np.array_equal(series, expected, equal_nan=True)
    assert series.name == "close"
    assert series.index.equals(frame.index)
    both = higher(frame, "4h", lambda candles: candles[["close", "open"]].rolling(3).mean())
    assert np.array_equal(both["close"], expected, equal_nan=True)
    assert list(both.columns) == ["close", "open"]
    listed = higher(frame, "4h", lambda candles: list(candles["close"]))
    assert np.array_equal(listed, done.align(done.candles.close), equal_nan=True)
    columns = higher(bars, "4h", lambda candles: candles.close * 2)
    assert np.array_equal(columns, done.align(done.candles.close * 2), equal_nan=True)


def test_the_length_of_bars_comes_from_the_run_or_the_caller(bars):
    # Every second bar is missing: the times alone say two hours, and a candle then seems to end an hour early.
    holed = bars[::2]
    said = to_frame(holed, Timeframe(1, "h"))
    expected = strategies.higher(holed, "4h", base="1h").close
    assert np.array_equal(higher(said, "4h").close, expected, equal_nan=True)
    assert np.array_equal(higher(said.copy(), "4h").close, expected, equal_nan=True)
    assert np.array_equal(higher(to_frame(holed), "4h", base="1h").close, expected, equal_nan=True)
    assert not np.array_equal(higher(to_frame(holed), "4h").close, expected, equal_nan=True)


def test_a_frame_with_its_times_in_a_column(bars):
    frame = to_frame(bars).rename_axis("date").reset_index()
    shown = higher(frame, "4h")
    assert np.array_equal(shown.close, strategies.higher(bars, "4h").close, equal_nan=True)
    assert shown.index.equals(frame.index)


@pytest.mark.parametrize(
    ("change", "options", "code"),
    [
        (lambda frame: frame.drop(columns="high"), {}, "BAD_FRAME"),
        (lambda frame: frame.reset_index(drop=True), {}, "BAD_FRAME"),
        (lambda frame: frame, {"compute": len, "developing": True}, "BAD_PARAMETER"),
        (lambda frame: frame, {"compute": lambda candles: ["x"] * len(candles)}, "BAD_OUTPUT"),
        (lambda frame: frame, {"compute": lambda candles: candles.close[1:]}, "BAD_OUTPUT"),
        (lambda frame: frame, {"base": "4h"}, "BAD_TIMEFRAME"),
    ],
)
def test_what_cannot_be_done_is_said(bars, change, options, code):
    with pytest.raises(UserError) as caught:
        higher(change(to_frame(bars)), "4h", **options)
    assert caught.value.code == code


@pytest.mark.parametrize("text", [GOOD, DEVELOPING, CLASS])
def test_strategies_that_use_it_are_certified(write, bars, text):
    certificate = certify(probe(load(write(text))), bars)
    assert certificate.verdict == "certified", certificate.reason
    assert certificate.changes > 5


@pytest.mark.parametrize("text", [NAIVE, AHEAD_IN_COMPUTE])
def test_the_naive_form_is_leaky(write, bars, text):
    certificate = certify(probe(load(write(text))), bars)
    assert certificate.verdict == "leaky"


def test_functions_and_classes_decide_alike(write, bars):
    function, one = load(write(GOOD)), load(write(CLASS, "two.py"))
    first = 4 * 3 - 1
    assert np.array_equal(function.targets(bars)[first:], one.targets(bars)[first:])


def test_a_day_begins_at_midnight_utc_all_year():
    # Two nights in which clocks change somewhere; here every day has 24 hours.
    for start in ("2024-03-30", "2024-10-26"):
        time = pd.date_range(start, periods=72, freq="h", tz="UTC").as_unit("us").asi8
        prices = np.arange(1.0, 73.0)
        shown = higher(Bars.of(time, (prices, prices, prices, prices, prices)), "1d")
        assert np.flatnonzero(np.diff(shown.close, prepend=0.0) > 0).tolist() == [47, 71]
        assert np.isnan(shown.close[:23]).all()
        assert shown.close[[23, 46, 47, 71]].tolist() == [24.0, 24.0, 48.0, 72.0]


def test_one_hour_is_no_more_than_itself(bars):
    assert np.array_equal(higher(bars, "1h").close, bars.close)
