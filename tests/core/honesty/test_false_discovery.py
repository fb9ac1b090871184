"""On strategies without an edge every score is wrong as often as it says; a planted edge is found.

The counts are printed in docs/honesty.md.
"""

import numpy as np
import pytest
from scipy import signal, stats

from tallow.core.honesty import (
    deflated_sharpe,
    effective_trials,
    luck,
    mean_correlation,
    overfitting,
    path_permutation_test,
    permutation_test,
    probabilistic_sharpe,
    score,
    sharpe_sample,
)
from tallow.core.indicators import sma
from tallow.domain.columns import Bars

pytestmark = pytest.mark.thorough
STRATEGIES = 1_000
LEVEL = 0.05
CERTAIN = 0.999  # of the binomial interval: a right score fails a test once in a thousand


def normal(rng, shape):
    return rng.standard_normal(shape)


def fat_tailed(rng, shape):
    return rng.standard_t(4, shape)


def autocorrelated(rng, shape):
    return signal.lfilter([1.0], [1.0, -0.3], rng.standard_t(6, shape))


def crashing(rng, shape):
    """Many small gains, few large losses."""
    return 1.0 - rng.exponential(1.0, shape)


def clustered(rng, shape):
    """Calm and wild weeks: the variance follows its past."""
    rows, variance = rng.standard_normal((shape[-1], *shape[:-1])), np.ones(shape[:-1])
    for row in rows:
        row *= np.sqrt(variance)
        variance = 0.05 + 0.1 * row * row + 0.85 * variance
    return np.moveaxis(rows, 0, -1)


NOISES = [normal, fat_tailed, autocorrelated, clustered, crashing]


def expected_hits(rate=LEVEL, count=STRATEGIES):
    return stats.binom.interval(CERTAIN, count, rate)


@pytest.mark.parametrize("noise", NOISES)
def test_one_noise_strategy_in_twenty_looks_probable(noise):
    rows = noise(np.random.default_rng(1), (STRATEGIES, 500))
    low, high = expected_hits()
    assert low <= sum(probabilistic_sharpe(sharpe_sample(row)) > 1 - LEVEL for row in rows) <= high


def test_without_the_correction_followers_look_probable_too_often():
    rows = autocorrelated(np.random.default_rng(1), (STRATEGIES, 500))
    found = sum(probabilistic_sharpe(sharpe_sample(row, independent=True)) > 1 - LEVEL for row in rows)
    assert found > expected_hits()[1]


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("trials", [20, 100])
def test_the_best_of_many_noise_strategies(noise, trials):
    rng = np.random.default_rng(trials)
    naive = deflated = lucky = 0
    for rows in (search for _ in range(50) for search in noise(rng, (STRATEGIES // 50, trials, 250))):
        ratios = rows.mean(axis=1) / rows.std(axis=1, ddof=1)
        best = sharpe_sample(rows[np.argmax(ratios)])
        naive += probabilistic_sharpe(best) > 1 - LEVEL
        deflated += deflated_sharpe(best, trials, np.std(ratios, ddof=1)) > 1 - LEVEL
        lucky += luck(best, trials) < LEVEL
    low, high = expected_hits()
    assert naive > 0.5 * STRATEGIES  # what is shown elsewhere
    assert deflated <= high
    assert (low if noise in (normal, clustered) else 0) <= lucky <= high


@pytest.mark.parametrize("shared", [0.3, 0.8])
def test_trials_that_are_alike_count_less_and_luck_still_keeps_its_level(shared):
    rng, trials, plain, effective = np.random.default_rng(10), 40, 0, 0
    for _ in range(STRATEGIES):
        common = rng.standard_normal((250, 1))
        table = np.sqrt(1 - shared) * rng.standard_normal((250, trials)) + np.sqrt(shared) * common
        best = sharpe_sample(table[:, np.argmax(table.mean(axis=0) / table.std(axis=0))])
        plain += luck(best, trials) < LEVEL
        effective += luck(best, effective_trials(trials, mean_correlation(table))) < LEVEL
    low, high = expected_hits()
    assert plain < effective <= high
    assert plain < low


@pytest.mark.parametrize("noise", NOISES)
def test_one_noise_strategy_in_twenty_beats_random_entries(noise):
    rng = np.random.default_rng(3)
    rows = noise(rng, (STRATEGIES, 300)) * 0.005
    hits = 0
    for row in rows:
        targets = np.repeat(rng.choice([-1.0, 0.0, 0.0, 1.0], 60), 5)
        close = 100 * np.exp(np.cumsum(row))
        found = permutation_test(targets, close, cost_rate=0.0005, permutations=199, seed=hits)
        hits += found.p_value is not None and found.p_value <= LEVEL
    low, high = expected_hits()
    assert low <= hits <= high


@pytest.mark.parametrize(("above", "least", "most"), [(True, 0, 30), (False, 50, 120)])
def test_rules_that_look_at_the_prices_are_off_their_level_as_documented(above, least, most):
    # A rule is tied to the path it trades: small gains and large losses pass too often, the opposite too rarely.
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(STRATEGIES):
        close = 100 * np.exp(np.cumsum(rng.standard_normal(320) * 0.01))
        average, close = np.convolve(close, np.ones(20) / 20, "valid"), close[19:]
        targets = ((close > average) == above) * 1.0
        hits += permutation_test(targets, close, permutations=199).p_value <= LEVEL
    assert least <= hits <= most


@pytest.mark.parametrize("noise", [normal, fat_tailed, clustered])
@pytest.mark.parametrize("above", [True, False])
def test_on_shuffled_bars_such_rules_are_at_their_level(noise, above):
    def rule(bars):
        return ((bars.close > sma(bars.close, 20)) == above) * 1.0

    hits, searches = 0, 200
    for seed, row in enumerate(noise(np.random.default_rng(9), (searches, 250)) * 0.01):
        close = 100 * np.exp(np.cumsum(row))
        bars = Bars.of(np.arange(250), (close, close, close, close, close))
        hits += path_permutation_test(rule, bars, permutations=100, seed=seed).p_value <= LEVEL
    low, high = expected_hits(count=searches)
    assert low <= hits <= high


@pytest.mark.parametrize("noise", NOISES)
def test_choosing_among_noise_is_a_coin(noise):
    rng = np.random.default_rng(5)
    found = np.array([overfitting(search.T, 8).probability for search in noise(rng, (STRATEGIES, 20, 160))])
    error = found.std() / np.sqrt(STRATEGIES)
    assert found.mean() == pytest.approx(0.5, abs=4 * error)
    assert (found < LEVEL).sum() <= expected_hits()[1]


def test_a_planted_edge_is_found():
    rng = np.random.default_rng(6)
    table = rng.standard_normal((1_460, 50)) * 0.01
    table[:, 17] += 0.0016  # a ratio of 3 a year
    ratios = table.mean(axis=0) / table.std(axis=0, ddof=1) * np.sqrt(365)
    choice = overfitting(table)
    found = score(table[:, 17], trial_sharpes=ratios)
    assert (found.verdict, found.meaningful) == ("edge shown", True)
    assert found.deflated > 0.95
    assert found.luck < 0.05
    assert choice.probability < LEVEL
    assert np.mean(choice.chosen == 17) > 0.95


def test_planted_timing_is_found_and_costs_take_it_away():
    rng = np.random.default_rng(7)
    change = rng.standard_normal(1_000) * 0.01
    informed = np.where(rng.random(200) < 0.65, 1.0, -1.0) * np.sign(change.reshape(-1, 5).sum(axis=1))
    targets = np.repeat(np.maximum(informed, 0.0), 5)
    close = 100 * np.cumprod(np.concatenate(([1.0], 1 + change[:-1])))
    assert permutation_test(targets, close).p_value < 0.01
    found = score(np.diff(close) / close[:-1] * targets[:-1] - 0.01 * np.abs(np.diff(targets)))
    assert found.verdict == "no edge shown"
