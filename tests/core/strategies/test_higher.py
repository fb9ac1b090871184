"""A higher timeframe shows what a reader of the past alone would see, and nothing earlier."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.bars import resample
from tallow.core.strategies.higher import bar_closes, developed, finished, higher
from tallow.domain.columns import COLUMNS, Bars
from tallow.domain.errors import DataError, UserError
from tallow.domain.ranges import parse_time
from tallow.domain.timeframes import DAY, HOUR, MINUTE, Timeframe, parse_timeframe

PAIRS = [
    ("1m", "5m"), ("1m", "1h"), ("5m", "4h"), ("15m", "1d"), ("1h", "4h"), ("1h", "1d"), ("4h", "3d"), ("4h", "1w"),
    ("1d", "1w"), ("1d", "1M"), ("12h", "3M"), ("1h", "1h"),
]  # fmt: skip


def made(base, start, present, seed=3):
    """Bars of length `base` from `start`, those where `present` is false left out."""
    rng, length = np.random.default_rng(seed), parse_timeframe(base).microseconds
    kept = np.flatnonzero(present)
    time = parse_timeframe(base).floor(start) + np.arange(len(present)) * length
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(present))))
    high, low = close * (1 + rng.random(len(close)) / 50), close * (1 - rng.random(len(close)) / 50)
    return Bars.of(time, (close, high, low, close, rng.random(len(close)) * 9), trades=np.ones(len(close)))[kept]


def last_known(past, timeframe, length):
    """The last candle that has ended by the close of the last bar, from the past alone, bar by bar; None without."""
    coarse = parse_timeframe(timeframe)
    now = int(past.time[-1]) + length
    opens = sorted({coarse.floor(int(time)) for time in past.time})
    if opens[0] < past.time[0]:
        opens = opens[1:]
    ended = [opened for opened in opens if coarse.next(opened) <= now]
    return candle(past, coarse, ended[-1]) if ended else None


def growing(past, timeframe):
    coarse = parse_timeframe(timeframe)
    opened = coarse.floor(int(past.time[-1]))
    return None if opened < past.time[0] else candle(past, coarse, opened)


def candle(past, coarse, opened):
    rows = past[(past.time >= opened) & (past.time < coarse.next(opened))]
    summed = {}
    for name in COLUMNS[5:]:
        total = getattr(rows, name)[0]
        for value in getattr(rows, name)[1:]:
            total = total + value
        summed[name] = total
    return [rows.open[0], rows.high.max(), rows.low.min(), rows.close[-1], *summed.values()]


def as_rows(bars):
    return np.column_stack([getattr(bars, name) for name in COLUMNS[1:]])


def none_as_nan(found):
    return np.array([[np.nan] * 9 if row is None else row for row in found])


@st.composite
def markets(draw):
    base, above = draw(st.sampled_from(PAIRS))
    start = parse_time("2023-11-28") + draw(st.integers(0, 120)) * HOUR
    present = draw(st.lists(st.sampled_from([True, True, True, False]), min_size=1, max_size=90))
    present[0] = True
    return made(base, start, present), base, above


@given(markets())
@settings(max_examples=60, deadline=None)
def test_each_row_is_what_the_past_alone_gives(market):
    bars, base, above = market
    length = parse_timeframe(base).microseconds
    naive = none_as_nan([last_known(bars[: row + 1], above, length) for row in range(len(bars))])
    assert np.array_equal(as_rows(higher(bars, above, base=base)), naive, equal_nan=True)
    naive = none_as_nan([growing(bars[: row + 1], above) for row in range(len(bars))])
    assert np.array_equal(as_rows(higher(bars, above, base=base, developing=True)), naive, equal_nan=True)


@given(markets(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_later_bars_change_no_row(market, developing):
    bars, base, above = market
    whole = as_rows(higher(bars, above, base=base, developing=developing))
    for end in range(len(bars) + 1):
        early = as_rows(higher(bars[:end], above, base=base, developing=developing))
        assert np.array_equal(early, whole[:end], equal_nan=True)


@pytest.mark.parametrize(("base", "above"), PAIRS)
def test_at_the_bar_that_ends_a_candle_both_forms_show_the_resampled_one(base, above):
    bars = made(base, parse_time("2024-01-01"), np.ones(700, bool))
    coarse = parse_timeframe(above)
    merged, done = resample(bars, coarse), finished(bars, coarse, base)
    assert len(done.candles) > 0
    first = int(merged.time[0] < bars.time[0])
    assert np.array_equal(as_rows(done.candles), as_rows(merged[first : first + len(done.candles)]), equal_nan=True)
    ends = np.flatnonzero(np.diff(done.visible)) + 1
    shown, grown = higher(bars, above, base=base), higher(bars, above, base=base, developing=True)
    assert np.array_equal(as_rows(shown)[ends], as_rows(grown)[ends], equal_nan=True)
    assert np.array_equal(shown.time, bars.time)


def test_a_candle_is_shown_at_the_bar_whose_close_is_its_end_and_not_before():
    prices = np.arange(1.0, 13.0)
    bars = Bars.of(np.arange(12) * HOUR, (prices, prices, prices, prices, prices))
    assert np.array_equal(higher(bars, "4h").close, [np.nan] * 3 + [4.0] * 4 + [8.0] * 4 + [12.0], equal_nan=True)


def test_a_first_candle_that_began_before_the_bars_is_never_shown():
    prices = np.arange(1.0, 11.0)
    bars = Bars.of(np.arange(2, 12) * HOUR, (prices, prices, prices, prices, prices))
    assert np.array_equal(higher(bars, "4h").open, [np.nan] * 5 + [3.0] * 4 + [7.0], equal_nan=True)
    grown = higher(bars, "4h", developing=True)
    assert np.array_equal(grown.open, [np.nan] * 2 + [3.0] * 4 + [7.0] * 4, equal_nan=True)


def test_a_candle_with_a_hole_at_its_end_is_shown_at_the_first_bar_that_closes_after_it():
    hours = np.array([0, 1, 2, 9, 10, 11])  # the bar of 3 h, all of the second candle and 8 h are missing
    prices = np.arange(1.0, 7.0)
    bars = Bars.of(hours * HOUR, (prices, prices, prices, prices, prices))
    assert np.array_equal(higher(bars, "4h", base="1h").close, [np.nan] * 3 + [3.0, 3.0, 6.0], equal_nan=True)
    assert finished(bars, parse_timeframe("4h")).candles.time.tolist() == [0, 8 * HOUR]


def test_a_gap_one_bar_before_a_candle_ends_shows_nothing_early():
    # The shortest distance is the length: a hole makes no bar longer.
    hours = np.array([0, 1, 2, 4, 5])
    prices = np.arange(1.0, 6.0)
    bars = Bars.of(hours * HOUR, (prices, prices, prices, prices, prices))
    assert np.array_equal(higher(bars, "4h").close, [np.nan] * 3 + [3.0, 3.0], equal_nan=True)


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("developing", [False, True])
def test_few_bars_have_no_finished_candle(rows, developing):
    bars = made("1h", parse_time("2024-01-01T01:00"), np.ones(rows, bool))
    shown = higher(bars, "4h", developing=developing)
    assert len(shown) == rows
    assert np.isnan(shown.close).all()


def test_columns_that_are_unknown_stay_unknown():
    bars = made("1h", parse_time("2024-01-01"), np.ones(8, bool))
    shown = higher(bars, "4h")
    assert np.isnan(shown.quote_volume).all()
    assert shown.trades[3:].tolist() == [4.0] * 5


def test_values_of_candles_are_laid_on_bars():
    bars = made("1h", parse_time("2024-01-01"), np.ones(9, bool))
    done = finished(bars, parse_timeframe("4h"))
    assert np.array_equal(done.align([7.0, 8.0]), [np.nan] * 3 + [7.0] * 4 + [8.0] * 2, equal_nan=True)
    with pytest.raises(UserError, match="shape") as caught:
        done.align(np.ones(3))
    assert caught.value.code == "BAD_OUTPUT"


@pytest.mark.parametrize(
    ("times", "base", "above", "code"),
    [
        ([0, HOUR], "1h", "90m", "CANNOT_RESAMPLE"),
        ([0, 4 * HOUR], None, "1h", "CANNOT_RESAMPLE"),
        ([0, 4 * HOUR], "4h", "1h", "CANNOT_RESAMPLE"),
        ([0, 5 * MINUTE, 6 * MINUTE], "5m", "1h", "BAD_TIMEFRAME"),
        ([0, HOUR], "hour", "4h", "BAD_TIMEFRAME"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(times, base, above, code):
    with pytest.raises(UserError) as caught:
        bar_closes(np.array(times), base, parse_timeframe(above))
    assert caught.value.code == code


def test_bars_out_of_order_are_refused():
    prices = np.ones(3)
    bars = Bars.of(np.array([0, HOUR, HOUR]), (prices, prices, prices, prices, prices))
    for developing in (False, True):
        with pytest.raises(DataError) as caught:
            higher(bars, "4h", developing=developing)
        assert caught.value.code == "UNSORTED"


def test_a_growing_candle_says_when_it_opened():
    bars = made("1d", parse_time("2024-01-30"), np.ones(4, bool))
    opens = developed(bars, Timeframe(1, "M"), "1d").time
    assert opens.tolist() == [parse_time("2024-01-01")] * 2 + [parse_time("2024-02-01")] * 2
    assert np.isnan(higher(bars, "1M", developing=True).open[:2]).all()


@pytest.mark.parametrize(
    ("times", "base", "closes"),
    [
        ([0, DAY, 3 * DAY], None, [DAY, 2 * DAY, 4 * DAY]),
        ([0, DAY, 3 * DAY], "4h", [4 * HOUR, DAY + 4 * HOUR, 3 * DAY + 4 * HOUR]),
        ([0, 31 * DAY, 59 * DAY], "1M", [31 * DAY, 59 * DAY, 90 * DAY]),
        ([5], None, [5]),
        ([], "1h", []),
    ],
)
def test_a_bar_closes_its_length_after_its_open(times, base, closes):
    assert bar_closes(np.array(times, np.int64), base).tolist() == closes
