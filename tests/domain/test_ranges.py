import itertools
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallow.domain.errors import UserError
from tallow.domain.ranges import (
    EVERYTHING,
    FAR_FUTURE,
    TimeRange,
    difference,
    iso,
    parse_time,
    parse_timerange,
    union,
)
from tallow.domain.timeframes import DAY, SECOND

JUNE = 1_717_200_000 * SECOND  # 2024-06-01
RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda pair: TimeRange(pair[0], sum(pair))))


@pytest.mark.parametrize(
    "text",
    ["2024-06-01", "20240601", "2024-06-01T00:00Z", "2024-06-01T02:00+02:00", "1717200000", "1717200000000",
     "1717200000000000", date(2024, 6, 1), datetime(2024, 6, 1, tzinfo=UTC), JUNE],
)  # fmt: skip
def test_one_moment_has_many_spellings(text: str | int | date) -> None:
    assert parse_time(text) == JUNE


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "20241301"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="BAD_TIME"):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("20240601-20240602", JUNE, JUNE + DAY),
        ("2024-06-01..2024-06-02", JUNE, JUNE + DAY),
        ("20240601-", JUNE, FAR_FUTURE),
        ("..2024-06-01", 0, JUNE),
        ("1717200000-1717286400", JUNE, JUNE + DAY),
        (None, 0, FAR_FUTURE),
    ],
)
def test_ranges_are_half_open(text: str | None, start: int, end: int) -> None:
    assert parse_timerange(text) == TimeRange(start, end)


@pytest.mark.parametrize("text", ["2024-06-01", "a..b..c", "20240602-20240601", "june-july"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="BAD_TIME"):
        parse_timerange(text)


def test_a_range_writes_itself_as_it_is_read() -> None:
    assert str(parse_timerange("20240601-")) == "2024-06-01.."
    assert str(parse_timerange("20240601-20240602")) == "2024-06-01..2024-06-02"
    assert parse_timerange(EVERYTHING) is EVERYTHING
    assert iso(JUNE + SECOND) == "2024-06-01T00:00:01Z"


def test_end_is_outside_start_inside() -> None:
    span = TimeRange(JUNE, JUNE + 1)
    assert JUNE in span
    assert JUNE + 1 not in span
    assert not span.is_empty


def test_days_split_at_midnight() -> None:
    span = TimeRange(JUNE + 3, JUNE + 2 * DAY + 5)
    assert [(day.start - JUNE, day.end - JUNE) for day in span.days()] == [
        (3, DAY),
        (DAY, 2 * DAY),
        (2 * DAY, 2 * DAY + 5),
    ]


def test_intersection() -> None:
    assert TimeRange(0, 10).intersect(TimeRange(5, 20)) == TimeRange(5, 10)
    assert TimeRange(0, 5).intersect(TimeRange(5, 20)) is None


@given(RANGES)
def test_union_covers_the_same_moments_once(ranges: list[TimeRange]) -> None:
    merged = union(ranges)
    covered = {moment for item in ranges for moment in range(item.start, item.end)}
    assert covered == {moment for item in merged for moment in range(item.start, item.end)}
    assert all(left.end < right.start for left, right in itertools.pairwise(merged))


@given(st.tuples(st.integers(0, 60), st.integers(0, 40)), RANGES)
def test_difference_is_what_no_part_covers(whole: tuple[int, int], parts: list[TimeRange]) -> None:
    span = TimeRange(whole[0], sum(whole))
    covered = {moment for item in parts for moment in range(item.start, item.end)}
    left = {moment for item in difference(span, parts) for moment in range(item.start, item.end)}
    assert left == set(range(span.start, span.end)) - covered
