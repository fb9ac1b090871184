import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tallow.core.honesty.permutation import PermutationTest, permutation_test, permutation_test_by
from tallow.domain.errors import UserError

NAN = np.nan
GOLDEN = (0.4512743628185907, -0.07220202956433919)


def arrangements(targets, permutations=100, seed=0):
    """Every line that the test looked at; the first is the strategy's own."""
    seen = []

    def keep(line):
        seen.append(line.copy())
        return 0.0

    permutation_test_by(targets, keep, permutations=permutations, seed=seed)
    return seen


def spells(line):
    return [(sign, tuple(run)) for sign, run in ((s, list(r)) for s, r in itertools.groupby(line, key=np.sign))]


def holdings(line):
    return sorted(spell for spell in spells(line) if spell[0])


def flats(line):
    """Lengths of flat spells inside, and of what lies outside of the first and last holding."""
    found = [(sign, len(run)) for sign, run in spells(line)]
    ends = [found[0], found[-1]] if len(found) > 1 else found
    outside = sum(length for sign, length in ends if sign == 0)
    return sorted([length for sign, length in found[1:-1] if sign == 0] + [outside])


TARGETS = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0]), min_size=2, max_size=40)


@given(TARGETS, st.integers(0, 1_000))
@settings(max_examples=100, deadline=None)
def test_random_entries_hold_the_same_spells(targets, seed):
    own = np.array(targets)
    for line in arrangements(own, 100, seed)[:20]:
        assert holdings(line) == holdings(own)
        assert flats(line) == flats(own)
        assert len(line) == len(own)


def test_every_arrangement_of_a_single_holding_is_tried():
    seen = {tuple(line) for line in arrangements([0, 1, 1, 0, 0, 0], 400)}
    assert seen == {tuple(np.roll([1.0, 1, 0, 0, 0, 0], shift)) for shift in range(5)}


def test_spells_that_meet_still_meet():
    own = [1.0, 1.0, -1.0, 1.0, -1.0, -1.0, -1.0, 0.0, 0.0, 0.5, 0.0]
    for line in arrangements(own, 200):
        chains = [
            tuple(np.sign(run)) for _, run in ((k, list(r)) for k, r in itertools.groupby(line, key=bool)) if run[0]
        ]
        patterns = sorted([tuple(s for s, _ in itertools.groupby(chain)) for chain in chains])
        assert patterns == [(1.0,), (1.0, -1.0, 1.0, -1.0)]


def test_always_in_the_market_the_lengths_change_places():
    seen = {tuple(line) for line in arrangements([1.0, -1.0, -1.0, 1.0, 1.0, 1.0], 200)}
    assert seen == {(1, -1, -1, 1, 1, 1), (1, 1, 1, -1, -1, 1)}


def test_missing_targets_keep_the_last():
    assert arrangements([NAN, NAN, 1.0, NAN, 0.0, NAN])[0].tolist() == [0, 0, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        # 1 is held from row 0: 100 -> 110; sold at row 1, bought again at 2: 99 -> 198.
        ([1.0, 0.0, 1.0, 0.0], (1.1 - 0.01) * (1 - 0.01) * (3.0 - 0.01) - 1),
        ([0.0, 0.0, 0.0, 1.0], 0.0),  # the last row earns nothing and costs nothing
        ([-1.0, NAN, NAN, NAN], (0.9 - 0.01) * 1.1 * (1 - 2.0) - 1),
        ([2.0, -1.0, 0.0, 0.0], (1.2 - 0.02) * (1.1 - 0.03) * (1 - 0.01) - 1),
    ],
)
def test_the_compounded_return_by_hand(targets, expected):
    close = np.array([100.0, 110.0, 99.0, 297.0])
    found = permutation_test(targets, close, cost_rate=0.01, permutations=100)
    assert found.observed == pytest.approx(max(-1.0, expected))


def test_nothing_comes_back_once_all_is_lost():
    found = permutation_test([-1.0, -1.0, 1.0], np.array([1.0, 3.0, 9.0]), permutations=100)
    assert found.observed == -1.0


def test_a_strategy_that_never_holds_has_no_p_value():
    found = permutation_test(np.zeros(50), np.arange(1.0, 51.0))
    assert found == PermutationTest(None, 0.0, None, None, 0, 0, 0.0, 0)
    assert permutation_test([], []).p_value is None


def test_the_only_arrangement_is_no_better_than_itself():
    found = permutation_test(np.ones(50), np.exp(np.arange(50.0) / 10), permutations=100)
    assert (found.p_value, found.distinct, found.holdings, found.exposure) == (1.0, 1, 1, 1.0)


def test_equal_results_count_against_the_strategy():
    # Every row gains 10 %, so all arrangements that leave out the last row are equal up to the order of factors.
    targets = np.array([0.0, 1.0, 0.0, 0.5, 0.3, 0.0, 0.7, 1.0, 0.0, 0.0])
    found = permutation_test(targets, 1.1 ** np.arange(10.0), permutations=500)
    as_good = sum(line[-1] == 0.0 for line in arrangements(targets, 500)[1:])
    assert 0 < as_good < 500
    assert found.p_value == (1 + as_good) / 501


def test_the_p_value_is_the_share_of_arrangements_as_good():
    # One row held among five: it earns 1 only in the right one of five places.
    prize = np.array([0.0, 0.0, 1.0, 0.0, 0.0])
    found = permutation_test_by([0, 0, 1, 0, 0], lambda line: float(line @ prize), permutations=4_000)
    assert found.p_value == pytest.approx(0.2, abs=0.03)
    assert (found.observed, found.median, found.high, found.distinct) == (1.0, 0.0, 1.0, 2)
    # The strategy itself counts: never 0.
    best = permutation_test_by([0, 0, 1, 0, 0], lambda line: 0.0 if line is not None and line[2] == 0 else 1.0)
    assert best.p_value > 1 / 2_001


def test_the_p_value_is_near_that_of_all_arrangements():
    # Holdings of 2 and 1 rows, a flat spell of 1 between, 3 rows outside: 2 orders of holdings, 2 of flat spells.
    targets, prize = np.array([0, 1, 1, 0, 1, 0, 0.0]), np.array([3, 1, 4, 1, 5, 9, 2.0])
    chances = {}
    for first, second, (inside, outside) in itertools.product([[1, 1]], [[1]], [(1, 3), (3, 1)]):
        for one, other, lead in itertools.product([first, second], [first, second], range(outside + 1)):
            if one is not other:
                line = tuple([0] * lead + one + [0] * inside + other + [0] * (outside - lead))
                chances[line] = chances.get(line, 0) + 1 / 4 / (outside + 1)
    assert sum(chances.values()) == pytest.approx(1.0)
    exact = sum(chance for line, chance in chances.items() if np.dot(line, prize) >= targets @ prize)
    found = permutation_test_by(targets, lambda line: float(line @ prize), permutations=20_000)
    assert found.p_value == pytest.approx(exact, abs=0.015)
    assert {tuple(line) for line in arrangements(targets, 2_000)} == set(chances)


def test_p_values_of_random_targets_are_even():
    rng, values = np.random.default_rng(8), []
    for seed in range(300):
        targets = np.repeat(rng.choice([0.0, 1.0], 50), 4)
        close = 100 * np.exp(np.cumsum(rng.standard_normal(200) * 0.02))
        values.append(permutation_test(targets, close, permutations=200, seed=seed).p_value)
    assert stats.kstest(values, "uniform").pvalue > 0.001


def test_targets_may_be_truth_values():
    close = 100 + np.random.default_rng(1).normal(0, 1, 100).cumsum()
    holding = close > close.mean()
    assert permutation_test(holding, close) == permutation_test(holding * 1.0, close)


def test_the_same_seed_gives_the_same_p_value():
    rng = np.random.default_rng(1)
    targets, close = np.repeat(rng.integers(0, 2, 40), 5).astype(float), 100 + rng.normal(0, 1, 200).cumsum()
    first, again, other = (permutation_test(targets, close, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert (first.p_value, first.observed) == pytest.approx(GOLDEN)
    assert first.p_value != other.p_value


@pytest.mark.parametrize(
    "call",
    [
        lambda: permutation_test([1.0, 0.0], np.ones(3)),
        lambda: permutation_test([1.0, 0.0], np.array([1.0, 0.0])),
        lambda: permutation_test([1.0, 0.0], np.array([1.0, NAN])),
        lambda: permutation_test([1.0, 0.0], np.ones(2), cost_rate=-0.1),
        lambda: permutation_test([1.0, np.inf], np.ones(2)),
        lambda: permutation_test([1.0, 0.0], np.ones(2), permutations=10),
        lambda: permutation_test([1.0, 0.0], np.ones(2), seed=-1),
        lambda: permutation_test_by(np.ones((2, 2)), np.sum),
    ],
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(UserError, match="BAD_PARAMETER"):
        call()
