import math
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.domain.ranges import parse_time
from tallow.domain.timeframes import DAY, HOUR, MINUTE, SECOND
from tallow.flows.report.axes import Axis, nice_ticks, time_ticks


def test_axis_maps_values_to_pixels() -> None:
    axis = Axis(10.0, 20.0, 100.0, top=5.0)
    assert [axis.y(value) for value in (20.0, 15.0, 10.0)] == [5.0, 55.0, 105.0]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 100.0, (-4.0, 104.0)), (50.0, 50.0, (49.5, 50.5)), (0.0, 0.0, (-1.0, 1.0))],
)
def test_axis_around_leaves_room(low: float, high: float, expected: tuple[float, float]) -> None:
    axis = Axis.around(low, high, 100.0)
    assert (axis.low, axis.high) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "count", "expected", "decimals"),
    [
        (0.0, 1.0, 4, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0], 1),
        (6_872.0, 17_300.0, 5, [8_000.0, 10_000.0, 12_000.0, 14_000.0, 16_000.0], 0),
        (-46.0, 0.0, 2, [-40.0, -20.0, 0.0], 0),
        (0.0, 10.0, 4, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0], 0),
        (0.0, 0.6, 2, [0.0, 0.25, 0.5], 2),
        (3.0, 3.0, 4, [3.0], 2),
        (0.0, math.inf, 4, [0.0], 2),
    ],
)
def test_nice_ticks(low: float, high: float, count: int, expected: list[float], decimals: int) -> None:
    ticks, places = nice_ticks(low, high, count)
    assert ticks == pytest.approx(expected)
    assert places == decimals


@settings(max_examples=80, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e9), st.integers(2, 12))
def test_nice_ticks_stay_inside_and_are_few(low: float, span: float, count: int) -> None:
    ticks, places = nice_ticks(low, low + span, count)
    assert len(ticks) <= count * 1.3 + 2
    assert all(low - span * 1e-3 <= tick <= low + span * 1.001 for tick in ticks)
    assert 0 <= places <= 9


@pytest.mark.parametrize(
    ("start", "end", "count", "labels"),
    [
        ("2024-01-01", "2025-01-01", 6, ["2024", "Apr", "Jul", "Oct", "2025"]),
        ("2024-01-15", "2024-04-02", 4, ["Feb", "Mar", "Apr"]),
        ("2023-12-30", "2024-01-03", 4, ["30 Dec", "31 Dec", "2024", "2 Jan", "3 Jan"]),
        ("2024-03-05T10:00Z", "2024-03-05T13:00Z", 4, ["10:00", "11:00", "12:00", "13:00"]),
        (
            "2024-03-05T10:00:00Z",
            "2024-03-05T10:00:20Z",
            4,
            ["10:00:00", "10:00:05", "10:00:10", "10:00:15", "10:00:20"],
        ),
        ("2000-01-01", "2024-01-01", 5, ["2000", "2005", "2010", "2015", "2020"]),
    ],
)
def test_time_ticks_name_round_moments(start: str, end: str, count: int, labels: list[str]) -> None:
    found = [label for _, label in time_ticks(parse_time(start), parse_time(end), count)]
    assert found == labels


@pytest.mark.parametrize(("span", "step"), [(3 * MINUTE, MINUTE), (47 * HOUR, 12 * HOUR), (20 * DAY, 7 * DAY)])
def test_time_ticks_are_evenly_spaced(span: int, step: int) -> None:
    start = parse_time("2024-05-01")
    times = [time for time, _ in time_ticks(start + 7 * SECOND, start + 7 * SECOND + span, 4)]
    assert {later - earlier for earlier, later in pairwise(times)} == {step}


def test_weekly_ticks_are_mondays() -> None:
    start = parse_time("2024-05-01")
    for time, _ in time_ticks(start, start + 30 * DAY, 5):
        assert datetime.fromtimestamp(time / SECOND, UTC).weekday() == 0
