from dataclasses import fields

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.bars import NO_BAR, BarBuilder, BarState, close_times, coverage, from_trades, grow, resample
from tallow.domain.columns import COLUMNS, Bars, Ticks
from tallow.domain.errors import DataError, UserError
from tallow.domain.ranges import parse_time
from tallow.domain.timeframes import DAY, HOUR, MINUTE, SECOND, Timeframe, parse_timeframe

LENGTHS = ("1s", "7s", "1m", "5m", "1h", "1d", "3d", "1w", "2w", "1M", "3M", "12M")


def ticks(rows: list[tuple[int, float, float, bool]]) -> Ticks:
    time, price, quantity, maker = zip(*rows, strict=True) if rows else ((), (), (), ())
    times = np.array(time, np.int64)
    return Ticks(
        np.arange(len(rows)), times, times, np.array(price, float), np.array(quantity, float), np.array(maker, bool)
    )


def random_ticks(seed: int, count: int, span: int, start: int = 0) -> Ticks:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(start, start + span, count))
    prices = 100 * np.exp(rng.normal(0, 0.01, count).cumsum())
    return Ticks(np.arange(count), times, times, prices, rng.exponential(size=count), rng.random(count) < 0.5)


def same_bits(one: Bars, other: Bars) -> bool:
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in COLUMNS)


def joined(parts: list[Bars]) -> Bars:
    return Bars(*(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS))


def from_states(states: list[BarState]) -> Bars:
    dtypes = [np.int64] + [np.float64] * 9
    return Bars(*(np.array([s[i] for s in states], dtype) for i, dtype in enumerate(dtypes)))


def feather(path: object) -> Bars:
    frame = pl.read_ipc(path)
    time = frame["date"].dt.epoch("us").to_numpy()
    return Bars.of(time, tuple(frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume")))


def test_candles_of_five_trades_by_hand() -> None:
    bars = from_trades(
        ticks(
            [
                (0, 10.0, 1.0, False),
                (30 * SECOND, 12.0, 2.0, True),
                (MINUTE - 1, 9.0, 3.0, False),
                (MINUTE, 11.0, 4.0, True),
                (3 * MINUTE, 11.5, 0.5, False),
            ]
        ),
        Timeframe(1, "m"),
    )
    assert bars.time.tolist() == [0, MINUTE, 3 * MINUTE]  # nobody traded in the third minute: no candle
    assert bars.open.tolist() == [10.0, 11.0, 11.5]
    assert bars.high.tolist() == [12.0, 11.0, 11.5]
    assert bars.low.tolist() == [9.0, 11.0, 11.5]
    assert bars.close.tolist() == [9.0, 11.0, 11.5]
    assert bars.volume.tolist() == [6.0, 4.0, 0.5]
    assert bars.quote_volume.tolist() == [10.0 + 24.0 + 27.0, 44.0, 5.75]
    assert bars.trades.tolist() == [3.0, 1.0, 1.0]
    assert bars.taker_buy_volume.tolist() == [4.0, 0.0, 0.5]
    assert bars.taker_buy_quote_volume.tolist() == [37.0, 0.0, 5.75]


def test_no_trades_make_no_candles() -> None:
    empty = ticks([])
    assert len(from_trades(empty, Timeframe(1, "m"))) == 0
    assert len(resample(from_trades(empty, Timeframe(1, "m")), Timeframe(1, "h"))) == 0
    assert BarBuilder(Timeframe(1, "m")).close(10**18) is None


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("date", ["1969-12-29", "1970-01-01", "2000-02-29T23:59:59", "2024-01-01", "2100-03-01"])
def test_a_candle_opens_where_the_timeframe_says(length: str, date: str) -> None:
    timeframe = parse_timeframe(length)
    time = parse_time(date)
    opened = from_trades(ticks([(time, 1.0, 1.0, True)]), timeframe).time[0]
    assert opened == timeframe.floor(time)
    assert close_times(np.array([time]), timeframe)[0] == timeframe.next(timeframe.floor(time))


@settings(deadline=None, max_examples=60)
@given(time=st.integers(-(10**15), 4 * 10**15), months=st.integers(1, 30))
def test_months_are_the_calendars(time: int, months: int) -> None:
    timeframe = Timeframe(months, "M")
    assert from_trades(ticks([(time, 1.0, 1.0, True)]), timeframe).time[0] == timeframe.floor(time)
    assert close_times(np.array([time]), timeframe)[0] == timeframe.next(timeframe.floor(time))


def test_a_minute_is_not_a_month() -> None:
    trades = random_ticks(1, 500, 40 * DAY)
    assert len(from_trades(trades, parse_timeframe("1m"))) > 400
    assert len(from_trades(trades, parse_timeframe("1M"))) == 2


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    length=st.sampled_from(LENGTHS),
    span=st.sampled_from([30 * SECOND, HOUR, 3 * DAY, 200 * DAY]),
    cuts=st.lists(st.integers(0, 200), max_size=4),
)
def test_cut_anywhere_or_one_by_one_the_bits_are_the_same(seed: int, length: str, span: int, cuts: list[int]) -> None:
    timeframe = parse_timeframe(length)
    trades = random_ticks(seed, 200, span, start=parse_time("2024-02-29T22:00Z"))
    whole = from_trades(trades, timeframe)

    builder, parts = BarBuilder(timeframe), []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), 200], strict=True):
        builder = BarBuilder(timeframe, builder.state)  # as another process would go on
        parts.append(builder.extend(trades[start:end]))
    assert same_bits(joined([*parts, from_states([builder.state])]), whole)

    live, states = BarBuilder(timeframe), []
    for row in zip(trades.event_time, trades.price, trades.quantity, trades.buyer_is_maker, strict=True):
        done = live.step(*row)
        states += [done] if done else []
    assert same_bits(from_states([*states, live.state]), whole)


def test_partitions_by_day_give_the_candles_of_the_whole() -> None:
    trades = random_ticks(5, 3000, 3 * DAY, start=parse_time("2024-01-30"))
    for length in ("1s", "5m", "1d", "1w", "1M"):
        timeframe = parse_timeframe(length)
        builder, parts = BarBuilder(timeframe), []
        for day in range(3):
            start = parse_time("2024-01-30") + day * DAY
            parts.append(builder.extend(trades[(trades.event_time >= start) & (trades.event_time < start + DAY)]))
        assert same_bits(joined([*parts, from_states([builder.state])]), from_trades(trades, timeframe))


def test_complete_until_drops_what_may_still_change() -> None:
    trades = ticks([(0, 1.0, 1.0, True), (MINUTE, 2.0, 1.0, True), (MINUTE + 5, 3.0, 1.0, True)])
    minute = Timeframe(1, "m")
    assert from_trades(trades, minute, complete_until=2 * MINUTE - 1).time.tolist() == [0]
    assert from_trades(trades, minute, complete_until=2 * MINUTE).time.tolist() == [0, MINUTE]
    month = from_trades(trades, Timeframe(1, "M"), complete_until=31 * DAY - 1)
    assert len(month) == 0
    assert len(resample(from_trades(trades, minute), Timeframe(5, "m"), complete_until=5 * MINUTE - 1)) == 0


def test_the_clock_closes_a_candle_without_another_trade() -> None:
    builder = BarBuilder(Timeframe(1, "m"))
    builder.step(10, 5.0, 1.0, True)
    assert builder.close(MINUTE - 1) is None
    done = builder.close(MINUTE)
    assert done is not None
    assert (done.time, done.close, done.close_time) == (0, 5.0, MINUTE)
    assert builder.state == NO_BAR
    assert builder.close(MINUTE) is None


def test_a_trade_before_its_candle_is_refused_and_changes_nothing() -> None:
    minute = Timeframe(1, "m")
    with pytest.raises(DataError, match="trade 2 lies before") as error:
        from_trades(ticks([(MINUTE, 1.0, 1.0, True), (MINUTE + 9, 1.0, 1.0, True), (59, 1.0, 1.0, True)]), minute)
    assert error.value.code == "UNSORTED"
    builder = BarBuilder(minute)
    builder.step(MINUTE, 1.0, 1.0, True)
    before = builder.state
    for act in (
        lambda: builder.step(0, 1.0, 1.0, True),
        lambda: builder.extend(ticks([(MINUTE + 1, 7.0, 1.0, True), (0, 1.0, 1.0, True)])),
    ):
        with pytest.raises(DataError):
            act()
        assert builder.state == before


def test_inside_a_candle_the_given_order_is_kept() -> None:
    bars = from_trades(ticks([(50, 2.0, 1.0, True), (20, 3.0, 1.0, True)]), Timeframe(1, "m"))
    assert (bars.open[0], bars.close[0]) == (2.0, 3.0)


def test_resampling_by_hand() -> None:
    fine = Bars(
        np.array([0, MINUTE, 2 * MINUTE, 6 * MINUTE]),
        np.array([1.0, 2.0, 3.0, 4.0]),
        np.array([5.0, 9.0, 6.0, 4.5]),
        np.array([0.5, 2.0, 0.25, 4.0]),
        np.array([2.0, 3.0, 4.0, 4.25]),
        np.array([1.0, 2.0, 3.0, 4.0]),
        np.array([10.0, np.nan, 30.0, 40.0]),
        np.array([1.0, 2.0, 3.0, 4.0]),
        np.array([0.5, 0.5, 0.5, 1.0]),
        np.array([5.0, 5.0, 5.0, np.nan]),
    )
    coarse = resample(fine, Timeframe(5, "m"))
    expected = [
        [0, 5 * MINUTE], [1.0, 4.0], [9.0, 4.5], [0.25, 4.0], [4.0, 4.25], [6.0, 4.0], [np.nan, 40.0], [6.0, 4.0],
        [1.5, 1.0], [15.0, np.nan],
    ]  # fmt: skip
    for name, values in zip(COLUMNS, expected, strict=True):
        np.testing.assert_array_equal(getattr(coarse, name), values)
    counted = coverage(fine.time, Timeframe(1, "m"), Timeframe(5, "m"))
    assert counted.time.tolist() == coarse.time.tolist()
    assert counted.found.tolist() == [3, 1]
    assert counted.expected.tolist() == [5, 5]
    assert not counted.complete.any()


def test_coverage_of_calendar_months() -> None:
    days = np.arange(parse_time("2024-01-01"), parse_time("2024-03-11"), DAY)
    counted = coverage(days, Timeframe(1, "d"), Timeframe(1, "M"))
    assert counted.found.tolist() == [31, 29, 10]
    assert counted.expected.tolist() == [31, 29, 31]
    assert counted.complete.tolist() == [True, True, False]


def test_candles_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(UserError) as error:
        coverage(np.array([0]), Timeframe(7, "m"), Timeframe(1, "h"))
    assert error.value.code == "CANNOT_RESAMPLE"


@pytest.mark.parametrize("times", [[0, 0], [MINUTE, 0], [0, MINUTE, MINUTE]])
def test_resampling_needs_ascending_unique_candles(times: list[int]) -> None:
    column = np.ones(len(times))
    with pytest.raises(DataError) as error:
        resample(Bars.of(np.array(times), (column,) * 5), Timeframe(5, "m"))
    assert error.value.code == "UNSORTED"


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), fine=st.sampled_from(["1s", "1m", "5m"]), coarse=st.sampled_from(["1h", "1w", "1M"]))
def test_two_steps_up_are_as_good_as_one(seed: int, fine: str, coarse: str) -> None:
    trades = random_ticks(seed, 300, 20 * DAY, start=parse_time("2024-02-20"))
    direct = from_trades(trades, parse_timeframe(coarse))
    over = resample(from_trades(trades, parse_timeframe(fine)), parse_timeframe(coarse))
    for name in ("time", "open", "high", "low", "close", "trades"):
        np.testing.assert_array_equal(getattr(over, name), getattr(direct, name))
    for name in COLUMNS[5:]:
        np.testing.assert_allclose(getattr(over, name), getattr(direct, name), rtol=1e-12)


def test_state_has_the_columns_of_candles() -> None:
    assert BarState._fields[:10] == tuple(field.name for field in fields(Bars))


@pytest.mark.shared
@pytest.mark.parametrize("pair", ["BTC", "ETH", "SOL", "DOGE", "XRP", "ARB"])
def test_five_minutes_add_up_to_the_venues_hours(shared_data, pair: str) -> None:
    spot = shared_data / "binance" / "spot"
    fine = feather(spot / f"klines-5m/{pair}_USDT-5m.feather")
    hours = feather(spot / f"klines-1h/{pair}_USDT-1h.feather")
    built = resample(fine, Timeframe(1, "h"))
    whole = coverage(fine.time, Timeframe(5, "m"), Timeframe(1, "h")).complete
    built = built[whole]
    both = np.isin(built.time, hours.time) & (built.time < hours.time[-1])  # the file's last hour was still open
    mine, theirs = built[both], hours[np.isin(hours.time, built.time[both])]
    assert len(mine) > 5900
    for name in ("time", "open", "high", "low", "close"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
    np.testing.assert_allclose(mine.volume, theirs.volume, rtol=1e-9)


@given(st.integers(0, 2**31), st.sampled_from(LENGTHS))
@settings(max_examples=30, deadline=None)
def test_a_growing_candle_is_the_merge_of_the_rows_so_far(seed: int, length: str) -> None:
    timeframe = parse_timeframe(length)
    fine = from_trades(random_ticks(seed, 60, 90 * DAY), Timeframe(1, "s"))
    grown = grow(fine, timeframe)
    assert len(grown) == len(fine)
    for row in range(0, len(fine), 7):
        last = resample(fine[: row + 1], timeframe)[-1:]
        assert same_bits(grown[row : row + 1], last)
    assert len(grow(fine[:0], timeframe)) == 0


def test_candles_out_of_order_do_not_grow() -> None:
    fine = from_trades(random_ticks(1, 20, DAY), Timeframe(1, "s"))
    with pytest.raises(DataError) as caught:
        grow(fine[::-1], Timeframe(1, "h"))
    assert caught.value.code == "UNSORTED"
