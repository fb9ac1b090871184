import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.clean import (
    REASONS,
    Gap,
    IdGap,
    actions,
    check_candles,
    check_trades,
    dedupe_candles,
    dedupe_trades,
    gaps,
    id_gaps,
    is_kept,
    number_trades,
)
from tallow.domain.columns import COLUMNS, Bars, Ticks
from tallow.domain.ranges import parse_time
from tallow.domain.timeframes import DAY, HOUR, MINUTE, SECOND, Timeframe, parse_timeframe

START = parse_time("2024-01-01")
GOOD = {
    "time": START, "open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 2.0, "quote_volume": 21.0,
    "trades": 3.0, "taker_buy_volume": 1.0, "taker_buy_quote_volume": 10.5,
}  # fmt: skip
MINUTES = Timeframe(1, "m")


def candles(*rows: dict[str, float]) -> Bars:
    whole = [{**GOOD, **row} for row in rows]
    return Bars(*(np.array([row[name] for row in whole], np.int64 if name == "time" else float) for name in COLUMNS))


def series(count: int, volume: float = 2.0) -> Bars:
    return candles(*({"time": START + i * MINUTE, "volume": volume, "quote_volume": np.nan} for i in range(count)))


def trades(*rows: tuple[int, int, float, float]) -> Ticks:
    """Rows of id, event time after START, price, quantity; received as they happened."""
    ids, times, prices, quantities = (np.array(column) for column in zip(*rows, strict=True))
    moments = times.astype(np.int64) + START
    return Ticks(
        ids.astype(np.int64),
        moments,
        moments,
        prices.astype(float),
        quantities.astype(float),
        np.zeros(len(rows), bool),
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, ""),
        ({"quote_volume": np.nan, "trades": np.nan, "taker_buy_volume": np.nan}, ""),
        ({"open": 9.0, "high": 9.0, "low": 9.0, "close": 9.0, "quote_volume": 18.0}, ""),
        ({"close": np.nan}, "NOT_FINITE"),
        ({"volume": np.nan}, "NOT_FINITE"),
        ({"high": np.inf}, "NOT_FINITE"),
        ({"quote_volume": -np.inf}, "NOT_FINITE"),
        ({"low": 0.0}, "NON_POSITIVE_PRICE"),
        ({"open": -1.0, "low": -2.0}, "NON_POSITIVE_PRICE"),
        ({"high": 10.5}, "BAD_OHLC"),
        ({"low": 10.5}, "BAD_OHLC"),
        ({"high": 8.0, "low": 9.5, "open": 8.5, "close": 8.5}, "BAD_OHLC"),
        ({"volume": -2.0}, "NEGATIVE_VOLUME"),
        ({"trades": -1.0}, "NEGATIVE_VOLUME"),
        ({"taker_buy_quote_volume": -0.1}, "NEGATIVE_VOLUME"),
        ({"time": START + 1}, "OFF_GRID"),
        ({"time": parse_time("1999-01-01")}, "BAD_TIME"),
        ({"time": START + HOUR}, "FUTURE"),
        ({"time": START + 10 * MINUTE}, "UNFINISHED"),
        ({"low": 0.06, "open": 0.06}, "PRICE_SPIKE"),
        ({"high": 1000.0}, "PRICE_SPIKE"),
        ({"quote_volume": 2000.0}, "QUOTE_MISMATCH"),
        ({"quote_volume": 17.0}, "QUOTE_MISMATCH"),
        ({"volume": 0.0, "quote_volume": 0.0, "trades": 0.0}, "ZERO_VOLUME"),
    ],
)
def test_each_rule_on_one_candle(change: dict[str, float], code: str) -> None:
    codes = check_candles(candles({"volume": 1.9}, change), MINUTES, now=START + 10 * MINUTE)
    assert codes.tolist() == ["", code]


def test_what_keeps_a_row_out_comes_before_what_is_only_reported() -> None:
    codes = check_candles(candles({"volume": 0.0, "quote_volume": 0.0, "high": 1.0}), MINUTES)
    assert codes.tolist() == ["BAD_OHLC"]


def test_a_candle_cut_by_the_venue_is_kept_and_reported() -> None:
    closes = np.array([START + MINUTE, START + MINUTE + 20 * SECOND, -1])
    rows = candles({}, {"time": START + MINUTE, "volume": 1.9}, {"time": START + 2 * MINUTE, "volume": 1.8})
    codes = check_candles(rows, MINUTES, close_time=closes)
    assert codes.tolist() == ["", "TRUNCATED", ""]
    assert actions(codes).tolist() == ["keep", "flag", "keep"]
    assert is_kept(codes).all()


@pytest.mark.parametrize(
    ("timeframe", "open_time", "code"),
    [
        ("1w", "2024-01-01", ""),  # a Monday
        ("1w", "2024-01-04", "OFF_GRID"),
        ("1M", "2024-02-01", ""),
        ("1M", "2024-02-02", "OFF_GRID"),
        ("1d", "2024-02-02T01:00Z", "OFF_GRID"),
        ("1s", "2024-02-02T01:00:01Z", ""),
    ],
)
def test_the_grid_of_every_timeframe(timeframe: str, open_time: str, code: str) -> None:
    assert check_candles(candles({"time": parse_time(open_time)}), parse_timeframe(timeframe)).tolist() == [code]


def test_two_numbers_run_together_are_found_and_a_busy_day_is_not() -> None:
    bars = series(400)  # flat enough for the rest of the rules, but for the volume
    volume = np.random.default_rng(3).pareto(1.2, 400) + 1
    volume[7] = 300 * volume.max()
    volume[9] = 1.1 * volume[7]  # two of them do not hide each other
    codes = check_candles(Bars(*(volume if n == "volume" else getattr(bars, n) for n in COLUMNS)), MINUTES)
    assert np.flatnonzero(codes == "IMPOSSIBLE_VOLUME").tolist() == [7, 9]


def test_a_block_that_comes_again_at_other_times_is_reported() -> None:
    bars = candles({}, {"time": START + MINUTE, "volume": 1.9}, {"time": START + 300 * MINUTE}, {})
    assert check_candles(bars, MINUTES).tolist() == ["REPEATED", "", "REPEATED", "REPEATED"]
    still = {"high": 10.0, "low": 10.0, "open": 10.0, "close": 10.0, "quote_volume": np.nan}
    assert not check_candles(candles(still, {**still, "time": START + MINUTE}), MINUTES).any()


def test_few_candles_are_no_measure_of_volume() -> None:
    bars = candles(*({"time": START + i * MINUTE, "volume": 10.0**i, "quote_volume": np.nan} for i in range(20)))
    assert not check_candles(bars, MINUTES).any()


def test_nothing_is_wrong_with_no_rows() -> None:
    assert check_candles(series(0), MINUTES).tolist() == []
    assert check_trades(trades((1, 0, 1.0, 1.0))[:0]).tolist() == []
    assert dedupe_candles(series(0)).tolist() == []
    assert gaps(np.array([], np.int64), MINUTES) == []
    assert id_gaps(np.array([], np.int64)) == []
    assert number_trades(np.array([], np.int64), np.array([], np.int64)).tolist() == []


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ((2, 5, 1.0, 1.0), ""),
        ((2, 5, np.nan, 1.0), "NOT_FINITE"),
        ((2, 5, 1.0, np.inf), "NOT_FINITE"),
        ((2, 5, 0.0, 1.0), "NON_POSITIVE_PRICE"),
        ((2, 5, 1.0, 0.0), "NON_POSITIVE_QUANTITY"),
        ((2, 5, 1.0, -1.0), "NON_POSITIVE_QUANTITY"),
        ((2, -START, 1.0, 1.0), "BAD_TIME"),
        ((2, HOUR + MINUTE + 1, 1.0, 1.0), "FUTURE"),
        ((2, HOUR + MINUTE, 1.0, 1.0), ""),
    ],
)
def test_each_rule_on_one_trade(row: tuple[int, int, float, float], code: str) -> None:
    assert check_trades(trades((1, 0, 1.0, 1.0), row), now=START + HOUR).tolist() == ["", code]


def test_a_clock_that_jumps_is_reported_and_one_that_runs_behind_is_not() -> None:
    ticks = trades(*((i, i * SECOND, 1.0, 1.0) for i in range(5)))
    behind = ticks.received_time - 1_270_000
    jumped = behind.copy()
    jumped[4] += DAY
    for received, last in ((behind, ""), (jumped, "CLOCK_JUMP")):
        rows = Ticks(ticks.trade_id, ticks.event_time, received, ticks.price, ticks.quantity, ticks.buyer_is_maker)
        assert check_trades(rows).tolist() == ["", "", "", "", last]


def test_a_file_read_years_later_is_no_clock_jump() -> None:
    ticks = trades((1, 0, 1.0, 1.0), (2, 3 * DAY, 1.0, 1.0))
    read = np.full(2, START + 900 * DAY)
    rows = Ticks(ticks.trade_id, ticks.event_time, read, ticks.price, ticks.quantity, ticks.buyer_is_maker)
    assert not check_trades(rows).any()


def test_candles_seen_twice() -> None:
    bars = candles({}, {"time": START + MINUTE}, {}, {"close": 10.5}, {"time": START + MINUTE, "trades": np.nan})
    assert dedupe_candles(bars).tolist() == ["", "", "DUPLICATE", "CONFLICT", "CONFLICT"]
    unknown = candles({"trades": np.nan}, {"trades": np.nan})
    assert dedupe_candles(unknown).tolist() == ["", "DUPLICATE"]


def test_what_was_received_first_is_kept() -> None:
    bars = candles({"close": 10.5}, {}, {})
    assert dedupe_candles(bars, np.array([9, 3, 5])).tolist() == ["CONFLICT", "", "DUPLICATE"]
    assert dedupe_candles(bars, np.array([5, 5, 5])).tolist() == ["", "CONFLICT", "CONFLICT"]


def test_trades_seen_twice() -> None:
    ticks = trades((7, 0, 1.0, 1.0), (8, 0, 1.0, 1.0), (7, 0, 1.0, 1.0), (8, 1, 1.0, 1.0), (8, 0, 1.0, 2.0))
    assert dedupe_trades(ticks).tolist() == ["", "", "DUPLICATE", "CONFLICT", "CONFLICT"]


def test_prints_without_ids_stay_two_trades_and_a_second_file_is_recognised() -> None:
    one = trades((-1, 0, 5.0, 1.0), (-1, 0, 5.0, 1.0), (-1, 4, 5.0, 1.0))
    ids = number_trades(one.event_time, one.trade_id)
    assert ids.tolist() == [-1, -2, -1]
    both = Ticks(*(np.concatenate([column, column]) for column in (ids, *list(vars(one).values())[1:])))
    assert dedupe_trades(both).tolist() == ["", "", "", "DUPLICATE", "DUPLICATE", "DUPLICATE"]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 2)), max_size=30))
def test_numbered_trades_are_unique_at_their_moment(rows: list[tuple[int, int]]) -> None:
    times = np.array([time for time, _ in rows], np.int64)
    ids = np.array([number for _, number in rows], np.int64)
    numbers = number_trades(times, ids)
    np.testing.assert_array_equal(numbers[ids >= 0], ids[ids >= 0])
    unnamed = [(t, n) for t, n, i in zip(times.tolist(), numbers.tolist(), ids.tolist(), strict=True) if i < 0]
    assert len(set(unnamed)) == len(unnamed)
    assert all(n < 0 for _, n in unnamed)


@settings(deadline=None, max_examples=50)
@given(keys=st.lists(st.tuples(st.integers(0, 4), st.sampled_from([10.5, 11.0])), max_size=20), seed=st.integers(0, 99))
def test_one_row_of_each_key_is_left_and_again_changes_nothing(keys: list[tuple[int, float]], seed: int) -> None:
    bars = candles(*({"time": START + k * MINUTE, "close": close} for k, close in keys))
    received = np.random.default_rng(seed).integers(0, 3, len(keys))
    kept = is_kept(dedupe_candles(bars, received))
    assert sorted(bars.time[kept].tolist()) == sorted(set(bars.time.tolist()))
    assert not dedupe_candles(bars[kept], received[kept]).any()


@pytest.mark.parametrize(
    ("present", "timeframe", "expected"),
    [
        ([0, 1, 2], "1m", []),
        ([0, 3, 4, 9], "1m", [(1, 3, 2), (5, 9, 4)]),
        ([9, 0, 3, 4, 0], "1m", [(1, 3, 2), (5, 9, 4)]),
        ([5], "1m", []),
    ],
)
def test_gaps_in_minutes(present: list[int], timeframe: str, expected: list[tuple[int, int, int]]) -> None:
    found = gaps(START + np.array(present) * MINUTE, parse_timeframe(timeframe))
    assert found == [Gap(START + a * MINUTE, START + b * MINUTE, n) for a, b, n in expected]


def test_gaps_in_calendar_months() -> None:
    months = np.array([parse_time(day) for day in ("2024-01-01", "2024-02-01", "2024-06-01")])
    assert gaps(months, Timeframe(1, "M")) == [Gap(parse_time("2024-03-01"), parse_time("2024-06-01"), 3)]


def test_gaps_in_trade_ids() -> None:
    assert id_gaps(np.array([3, 4, 9, 10, -1, 12])) == [IdGap(5, 8, 4), IdGap(11, 11, 1)]


def test_every_reason_has_a_sentence_and_fits_its_column() -> None:
    assert {reason.action for reason in REASONS.values()} == {"keep", "flag", "quarantine"}
    assert all(reason.meaning.endswith(".") and len(code) <= 24 for code, reason in REASONS.items())
    assert actions(np.array(list(REASONS))).tolist() == [reason.action for reason in REASONS.values()]
