"""The same candles for frames and columns; certified where they are used, and the naive form caught."""

import numpy as np
import pandas as pd
import pytest

import tallow
from tallow.core import strategies
from tallow.core.causality import certify
from tallow.domain.columns import COLUMNS, Bars
from tallow.domain.errors import UserError
from tallow.domain.timeframes import HOUR, Timeframe
from tallow.runners.frames import to_frame
from tallow.runners.higher import higher
from tallow.runners.inline import load, probe
from tallow.venues.files import Files

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


def recorded(folder, name):
    pages = [
        page for page in Files().read(folder / "binance" / "spot" / name, received_time=0) if page.kind == "candles"
    ]
    rows = {name: np.concatenate([getattr(page.rows, name) for page in pages]) for name in COLUMNS}
    order = np.unique(rows["time"], return_index=True)[1]
    return Bars(*(rows[name][order] for name in COLUMNS))


@pytest.mark.shared
def test_real_hours_show_the_venue_s_own_candles_of_four_hours_at_their_close(shared_data):
    hours = recorded(shared_data, "klines-1h-long/BTC_USDT-1h.feather")
    fours = recorded(shared_data, "rest-klines/BTCUSDT-4h-pages.zip")
    assert np.count_nonzero(np.diff(hours.time) > HOUR) == 28
    shown = higher(hours, "4h")
    # The hour that closes with a candle shows it; where that hour is missing, the first one after it does.
    ends = np.searchsorted(hours.time + HOUR, fours.time + 4 * HOUR)
    known = (fours.time >= hours.time[0]) & (ends < len(hours))
    for name in ("open", "high", "low", "close"):
        differs = getattr(shown, name)[ends[known]] != getattr(fours, name)[known]
        assert np.count_nonzero(differs) == 1, name
    assert np.count_nonzero(known) > 14_000
    before = shown.close[ends[known] - 1] != fours.close[known]
    assert np.mean(before) > 0.99


@pytest.mark.shared
def test_strategies_on_real_hours_with_outages_are_certified(shared_data, write):
    hours = recorded(shared_data, "klines-1h-long/BTC_USDT-1h.feather")[7_400:7_800]
    assert np.count_nonzero(np.diff(hours.time) > HOUR) == 3
    for text in (GOOD, CLASS):
        assert certify(probe(load(write(text))), hours).verdict == "certified"
    assert certify(probe(load(write(NAIVE))), hours).verdict == "leaky"
