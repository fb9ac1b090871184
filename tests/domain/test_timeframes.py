from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallow.domain.errors import UserError
from tallow.domain.timeframes import DAY, HOUR, MINUTE, STANDARD, WEEK, Timeframe, parse_timeframe


def moment(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("text", "time", "opened"),
    [
        ("1m", moment(2024, 2, 29, 12, 34, 56), moment(2024, 2, 29, 12, 34)),
        ("1h", moment(2024, 2, 29, 12, 34, 56), moment(2024, 2, 29, 12)),
        ("1d", moment(2024, 2, 29, 12, 34, 56), moment(2024, 2, 29)),
        ("1w", moment(2024, 2, 29, 12), moment(2024, 2, 26)),  # a Thursday belongs to Monday's week
        ("1M", moment(2024, 2, 29, 12), moment(2024, 2, 1)),
        ("3M", moment(2024, 2, 29, 12), moment(2024, 1, 1)),
        ("1h", -1, -HOUR),
    ],
)
def test_floor_gives_the_open_of_the_candle(text: str, time: int, opened: int) -> None:
    assert parse_timeframe(text).floor(time) == opened


def test_next_of_a_month_is_the_next_month() -> None:
    month = parse_timeframe("1M")
    assert month.next(moment(2024, 12, 1)) == moment(2025, 1, 1)
    assert month.next(moment(2024, 2, 1)) - moment(2024, 2, 1) == 29 * DAY


@given(st.sampled_from(STANDARD), st.integers(0, 4_000_000_000_000_000))
def test_a_moment_lies_in_its_candle_and_no_other(text: str, time: int) -> None:
    timeframe = parse_timeframe(text)
    opened = timeframe.floor(time)
    assert opened <= time < timeframe.next(opened)
    assert timeframe.floor(opened) == opened
    assert timeframe.floor(timeframe.next(opened)) == timeframe.next(opened)


def test_a_minute_is_not_a_month() -> None:
    assert parse_timeframe("1m") == Timeframe(1, "m")
    assert parse_timeframe("1M") == Timeframe(1, "M")
    assert parse_timeframe("1m").microseconds == MINUTE
    assert not parse_timeframe("1M").is_fixed


def test_a_year_has_365_days_of_24_hours() -> None:
    assert parse_timeframe("1h").per_year == 8760
    assert parse_timeframe("15m").per_year == 35_040
    assert parse_timeframe("1M").per_year == 12


@pytest.mark.parametrize(
    ("fine", "coarse", "fits"),
    [
        ("1m", "5m", True), ("5m", "1h", True), ("1h", "1w", True), ("1d", "1M", True), ("3m", "5m", False),
        ("1w", "1M", False), ("1h", "5m", False), ("1M", "1d", False), ("5m", "1M", True), ("1M", "3M", False),
        ("3d", "1w", False), ("1w", "2w", False),
    ],
)  # fmt: skip
def test_divides(fine: str, coarse: str, *, fits: bool) -> None:
    assert parse_timeframe(fine).divides(parse_timeframe(coarse)) is fits


@pytest.mark.parametrize("text", ["", "5", "m", "0m", "1y", "1.5h", "-1h", "one"])
def test_what_is_no_timeframe_is_refused_with_the_valid_ones(text: str) -> None:
    with pytest.raises(UserError, match="BAD_TIMEFRAME") as caught:
        parse_timeframe(text)
    assert "1m" in caught.value.facts["valid"]


def test_text_and_value_are_the_same() -> None:
    assert str(parse_timeframe(" 15m ")) == "15m"
    assert parse_timeframe(Timeframe(4, "h")) == Timeframe(4, "h")
    assert parse_timeframe("1w").microseconds == WEEK
