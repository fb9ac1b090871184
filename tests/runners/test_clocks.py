import ast

import pytest

from tallow.runners.clocks import SHIFTS, move_clock


def value_of(text, seconds=SHIFTS[0]):
    names = {}
    tree = ast.parse(f"import time, datetime as dt\nfrom datetime import datetime, date, UTC\nvalue = {text}")
    moved = move_clock(tree, seconds)
    exec(compile(tree, "moved", "exec"), names)
    exec(f"import time, datetime as dt\nfrom datetime import datetime, date, UTC\nreal = {text}", names)
    return moved, names["value"], names["real"]


@pytest.mark.parametrize(
    "text",
    [
        "time.time()",
        "time.time_ns()",
        "time.perf_counter()",
        "datetime.now(UTC)",
        "dt.datetime.now(UTC)",
        "date.today()",
    ],
)
def test_every_reading_of_the_clock_is_moved(text):
    moved, value, real = value_of(text)
    assert moved
    assert value > real
    assert type(value) is type(real)


@pytest.mark.parametrize("text", ["time.strptime('2024', '%Y').tm_year", "datetime(2024, 1, 1).year", "max(1, 2)"])
def test_what_reads_no_clock_is_left_alone(text):
    moved, value, real = value_of(text)
    assert not moved
    assert value == real


@pytest.mark.parametrize("unit", [60, 3_600, 86_400])
def test_a_threshold_in_the_middle_of_a_unit_is_crossed_at_any_moment(unit):
    # Such as `now.hour >= 12`: whenever the check runs, one of the shifts changes the answer.
    for moment in range(0, unit, max(1, unit // 240)):
        late = moment >= unit // 2
        assert any(((moment + shift) % unit >= unit // 2) != late for shift in SHIFTS)
