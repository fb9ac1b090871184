import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallow.core.portfolio import Calendar, Drift, EveryBars, OnChange, Rebalance
from tallow.domain.errors import UserError
from tallow.flows.portfolio.rules import parse_rebalance, rebalanced, write_rebalance


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("change", OnChange()),
        (" Daily ", Calendar("daily")),
        ("weekly", Calendar("weekly")),
        ("monthly", Calendar("monthly")),
        ("every:24", EveryBars(24)),
        ("drift:0.05", Drift(0.05)),
    ],
)
def test_rules_of_rebalancing_are_read(text: str, rule: Rebalance) -> None:
    assert parse_rebalance(text) == rule


@pytest.mark.parametrize("text", ["", "hourly", "every", "every:2.5", "every:0", "drift:-1", "drift:x", "daily:2"])
def test_other_rules_are_refused(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_rebalance(text)
    assert caught.value.code == "BAD_SETTING"


@given(st.one_of(
    st.just(OnChange()), st.builds(EveryBars, st.integers(1, 10_000)),
    st.builds(Calendar, st.sampled_from(["daily", "weekly", "monthly"])), st.builds(Drift, st.floats(1e-9, 10.0)),
))  # fmt: skip
def test_the_one_spelling_reads_back(rule: Rebalance) -> None:
    assert parse_rebalance(write_rebalance(rule)) == rule


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (OnChange(), "on change"),
        (Calendar("daily"), "daily"),
        (EveryBars(24), "every 24 bars"),
        (Drift(0.05), "on a drift of 0.05"),
    ],
)
def test_rules_of_rebalancing_are_said_in_words(rule: Rebalance, words: str) -> None:
    assert rebalanced(rule) == words
