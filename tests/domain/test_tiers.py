import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.domain.errors import UserError
from tallow.domain.tiers import Tier, check_room, largest_notional, maintenance_amounts, tiers_of

ROWS = ((0, 0.004, 125), (50_000, 0.005, 100), (250_000, 0.01, 50), (1_000_000, 0.025))


def test_rows_become_tiers_of_numbers_and_come_back_from_text() -> None:
    tiers = tiers_of(ROWS[:1] + ROWS[3:])
    assert tiers == (Tier(0.0, 0.004, 125.0), Tier(1_000_000.0, 0.025, 125.0))
    assert tiers_of(json.loads(json.dumps(tiers))) == tiers
    assert tiers_of(()) == ()
    assert [one.max_leverage for one in tiers_of([(0, 0.1), (1, 0.1), (2, 0.1, 5), (3, 0.1)])] == [None, None, 5, 5]


def test_amounts_are_those_that_venues_publish() -> None:
    # Binance, BTCUSDT, tiers of 2021: 0, 50, 1,300, 16,300 for these rates.
    assert maintenance_amounts(tiers_of(ROWS)) == pytest.approx((0, 50, 1_300, 16_300))
    assert maintenance_amounts(()) == ()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(1.0, 1e7), min_size=1, max_size=9, unique=True),
    st.lists(st.floats(0.0, 0.5), min_size=10, max_size=10),
    st.floats(0.0, 3e7),
)
def test_maintenance_is_the_sum_over_the_parts_in_each_tier(
    floors: list[float], rates: list[float], size: float
) -> None:
    floors, rates = [0.0, *sorted(floors)], sorted(rates)
    tiers = tiers_of(zip(floors, rates, strict=False))
    ends = [*floors[1:], math.inf]
    parts = [rate * max(0.0, min(size, end) - floor) for floor, end, rate in zip(floors, ends, rates, strict=False)]
    asked = [
        tier.maintenance_margin * size - amount for tier, amount in zip(tiers, maintenance_amounts(tiers), strict=True)
    ]
    holds = max(place for place, floor in enumerate(floors) if floor <= size)
    assert asked[holds] == pytest.approx(sum(parts), abs=1e-6)
    assert max(asked) == pytest.approx(asked[holds], abs=1e-6)


@pytest.mark.parametrize(("leverage", "most"), [(1, math.inf), (50, math.inf), (51, 250_000), (125, 50_000), (126, 0)])
def test_leverage_ends_where_a_tier_does_not_allow_it(leverage: float, most: float) -> None:
    assert largest_notional(tiers_of(ROWS), leverage) == most


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(1, 0.1)], "begins at 1"),
        ([(0, 0.1), (0, 0.2)], "a tier from 0 follows one from 0"),
        ([(0, 0.1), (5, 0.05)], "the maintenance margin falls at 5"),
        ([(0, 0.1, 5), (5, 0.1, 6)], "the highest leverage rises at 5"),
        ([(0, 0.6)], "maintenance margin 0.6"),
        ([(0, math.nan)], "maintenance margin nan"),
        ([(0, 0.1, 0.5)], "highest leverage 0.5"),
        ([(0, 0.1, 126)], "highest leverage 126"),
        ([(0, 0.1), (math.inf, 0.1)], "is no tier"),
        ([(-1, 0.1)], "is no tier"),
        ([(0, 0.1, 5, 7)], "is no tier"),
        ([(0,)], "is no tier"),
        ([(0, "much")], "is no tier"),
        ([5], "is no tier"),
        ([(place, 0.1) for place in range(101)], "101 tiers"),
    ],
)
def test_what_is_no_table_of_tiers_is_refused(rows: list[Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        tiers_of(rows)
    assert caught.value.code == "BAD_SETTING"


@pytest.mark.parametrize(
    ("rows", "leverage", "said"),
    [
        ([(0, 0.01, 5)], 6, "leverage 6 is not allowed in any tier"),
        ([(0, 0.01), (9, 0.2)], 5, "leverage 5 leaves no room for 0.2 from 9 on"),
    ],
)
def test_a_position_that_may_be_opened_has_room(rows: list[Any], leverage: float, said: str) -> None:
    with pytest.raises(UserError, match=said):
        check_room(tiers_of(rows), leverage)


def test_a_tier_that_does_not_allow_the_leverage_needs_no_room_for_it() -> None:
    check_room(tiers_of([(0, 0.01), (9, 0.2, 4)]), 5)
    check_room((), 125)
