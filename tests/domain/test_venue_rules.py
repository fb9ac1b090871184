import json
from typing import Any

import pytest

from tallow.domain.errors import UserError
from tallow.domain.scene import Execution
from tallow.domain.venue_rules import RuleBook, VenueRules, book_of, merged


def test_what_rules_leave_open_is_as_the_execution_says() -> None:
    execution = Execution(tick_size=0.5, lot_size=2.0, min_notional=7.0, maintenance_margin=0.01)
    assert VenueRules(0).applied_to(execution) == execution
    under = VenueRules(0, tick_size=0.0, min_notional=5.0, maintenance_margin=0.02).applied_to(execution)
    assert (under.tick_size, under.lot_size, under.min_notional, under.maintenance_margin) == (0.0, 2.0, 5.0, 0.02)


@pytest.mark.parametrize(
    ("name", "value"),
    [("tick_size", -0.1), ("lot_size", float("nan")), ("min_notional", float("inf")), ("maintenance_margin", 0.6)],
)
def test_a_value_outside_its_range_is_refused_with_the_moment(name: str, value: float) -> None:
    with pytest.raises(UserError, match=f"from 2024-01-01 on: {name}") as caught:
        VenueRules(1_704_067_200_000_000, **{name: value})
    assert caught.value.code == "BAD_RULES"


def test_leverage_must_leave_room_for_the_maintenance_margin() -> None:
    with pytest.raises(UserError, match="from 1970-01-01 on: maintenance_margin") as caught:
        VenueRules(0, maintenance_margin=0.1).applied_to(Execution(leverage=10.0))
    assert (caught.value.code, caught.value.facts["valid"]) == ("BAD_RULES", "below 1 / leverage = 0.1")


@pytest.mark.parametrize(("moments", "said"), [([], "no rules"), ([5, 5], "do not ascend"), ([5, 3], "do not ascend")])
def test_a_book_needs_rules_that_ascend(moments: list[int], said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        RuleBook(tuple(map(VenueRules, moments)))
    assert caught.value.code == "BAD_RULES"


def test_a_book_comes_back_from_its_plain_values() -> None:
    book = RuleBook((VenueRules(3, 1, None, 0.1, 0.02), VenueRules(9, lot_size=2)), 4)
    text = json.dumps(book.plain())
    assert text == '{"version": 4, "rules": [[3, 1.0, null, 0.1, 0.02], [9, null, 2.0, null, null]]}'
    assert book_of(json.loads(text)) == book


def test_rules_that_change_nothing_are_left_out() -> None:
    stated = [VenueRules(0, 0.1), VenueRules(5, 0.1), VenueRules(7, 0.2), VenueRules(9, 0.2), VenueRules(11, 0.1)]
    assert [one.valid_from for one in merged(stated)] == [0, 7, 11]


TIERS = ((0, 0.01, 20), (1_000, 0.1))


def test_tiers_and_a_single_rate_replace_each_other() -> None:
    execution = Execution(leverage=5.0, maintenance_margin=0.02)
    tiered = VenueRules(0, tiers=TIERS).applied_to(execution)
    assert (tiered.tiers, tiered.maintenance_margin) == (((0.0, 0.01, 20.0), (1_000.0, 0.1, 20.0)), 0.02)
    assert VenueRules(1, lot_size=2.0).applied_to(tiered).tiers == tiered.tiers
    single = VenueRules(1, maintenance_margin=0.03).applied_to(tiered)
    assert (single.tiers, single.maintenance_margin) == ((), 0.03)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"tiers": ((5, 0.01),)}, "from 1970-01-01 on: margin tiers: the first tier begins at 5"),
        ({"tiers": ((0, 0.01),), "maintenance_margin": 0.01}, "a single maintenance margin beside tiers"),
    ],
)
def test_tiers_that_make_no_sense_are_refused_with_the_moment(rules: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        VenueRules(0, **rules)
    assert caught.value.code == "BAD_RULES"


def test_a_book_with_tiers_comes_back_and_one_without_is_written_as_ever() -> None:
    book = RuleBook((VenueRules(3, 1), VenueRules(9, tiers=TIERS)))
    text = json.dumps(book.plain())
    assert text == (
        '{"version": null, "rules": [[3, 1.0, null, null, null], '
        "[9, null, null, null, null, [[0.0, 0.01, 20.0], [1000.0, 0.1, 20.0]]]]}"
    )
    assert book_of(json.loads(text)) == book
