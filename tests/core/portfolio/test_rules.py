from datetime import UTC, datetime

import numpy as np
import pytest

from tallow.core.portfolio import AccountRules, Calendar, Drift, EveryBars, OnChange
from tallow.core.portfolio.rules import decision_rows
from tallow.domain.errors import UserError
from tallow.domain.timeframes import DAY, HOUR

NAN = float("nan")


def rows(rule, time, weights=None, length=HOUR):
    table = np.full((len(time), 1), NAN) if weights is None else np.array(weights, float)
    return decision_rows(rule, table, np.array(time, np.int64), length).tolist()


def test_on_change_finds_the_rows_in_which_a_weight_is_another_one():
    weights = [[NAN, NAN], [0.5, NAN], [0.5, 0.2], [NAN, 0.2], [0.5, NAN], [NAN, NAN], [0.5, 0.3]]
    # Row 4 repeats a weight after NaN: it is looked at, and nothing comes of it. The first row always is.
    assert rows(OnChange(), range(7), weights) == [0, 1, 2, 4, 6]
    assert rows(OnChange(), [], np.zeros((0, 2))) == []


def test_on_change_agrees_with_the_plain_comparison():
    draw = np.random.default_rng(5)
    for count, columns, often in ((1, 1, 0.5), (3_000, 3, 0.001), (700, 20, 0.02), (500, 7, 1.0)):
        weights = np.where(draw.random((count, columns)) < 0.1, NAN, 0.25)
        weights = np.where(draw.random((count, columns)) < often, draw.random((count, columns)), weights)
        new = ~np.isnan(weights[1:]) & (weights[1:] != weights[:-1])
        assert rows(OnChange(), range(count), weights) == [0, *(1 + np.flatnonzero(new.any(axis=1))).tolist()]


def test_every_bars_counts_from_the_first():
    assert rows(EveryBars(3), range(8)) == [0, 3, 6]


@pytest.mark.parametrize(
    ("period", "first", "expected"),
    [
        ("daily", datetime(2024, 1, 1, tzinfo=UTC), 23),  # the bar 23:00 closes at midnight
        ("weekly", datetime(2024, 1, 7, tzinfo=UTC), 23),  # a Sunday
        ("monthly", datetime(2024, 2, 29, tzinfo=UTC), 23),  # a leap day
        ("weekly", datetime(2024, 1, 1, tzinfo=UTC), None),  # a Monday
        ("monthly", datetime(2024, 2, 28, tzinfo=UTC), None),
    ],
)
def test_a_calendar_decides_at_the_close_that_ends_the_period(period, first, expected):
    start = int(first.timestamp()) * 1_000_000
    found = rows(Calendar(period), [start + hour * HOUR for hour in range(40)])
    assert found == ([0] if expected is None else [0, expected])


def test_a_calendar_takes_the_first_close_after_a_hole():
    assert rows(Calendar("daily"), [20 * HOUR, 21 * HOUR, DAY + 5 * HOUR, DAY + 6 * HOUR]) == [0, 2]
    assert rows(Calendar("daily"), []) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: EveryBars(0),
        lambda: Calendar("hourly"),
        lambda: Drift(0.0),
        lambda: Drift(float("inf")),
        lambda: AccountRules(margin="none"),
        lambda: AccountRules(leverage=0.0),
        lambda: AccountRules(leverage=NAN),
    ],
)
def test_settings_out_of_range_are_refused(make):
    with pytest.raises(UserError) as caught:
        make()
    assert caught.value.code == "BAD_SETTING"
