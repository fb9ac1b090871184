import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tallow.core.honesty.sharpes import (
    SharpeSample,
    deflated_sharpe,
    effective_trials,
    expected_maximum_sharpe,
    luck,
    mean_correlation,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_sample,
)
from tallow.core.metrics.returns import sharpe
from tallow.domain.errors import UserError

# The example of Bailey and Lopez de Prado (2014): 2.5 a year from 1,250 days, a year of 250, variance of trials 1/2.
PAPER = SharpeSample(2.5 / math.sqrt(250), 1_250, -3.0, 10.0)
SPREAD = math.sqrt(0.5 / 250)


def test_sample_against_scipy():
    row = np.random.default_rng(2).standard_t(5, 300) * 0.01 + 0.001
    found = sharpe_sample(row, independent=True)
    assert found.ratio == sharpe(row, 1.0)
    assert found[1:] == pytest.approx((300, stats.skew(row), stats.kurtosis(row, fisher=False)))


def test_returns_that_follow_each_other_count_less():
    row = np.convolve(np.random.default_rng(2).standard_normal(1_000), np.ones(4))
    assert sharpe_sample(row).length < 500
    assert sharpe_sample(row, independent=True).length == len(row)


@pytest.mark.parametrize("returns", [[], [0.1], [0.01] * 9])
def test_without_a_ratio_there_is_no_sample(returns):
    assert sharpe_sample(returns) is None


@pytest.mark.parametrize(
    ("sample", "benchmark", "expected"),
    [
        (SharpeSample(0.458, 24, -2.448, 10.164), 0.0, 0.913),  # Bailey and Lopez de Prado (2012)
        (SharpeSample(0.458, 24), 0.0, 0.982),
        (SharpeSample(0.1, 101), 0.1, 0.5),
        (SharpeSample(0.1, 1), 0.0, 0.5),  # one return tells nothing
        (SharpeSample(1.0, 10, 2.0, 5.0), 0.0, 1.0),  # a spread of 0: two-point returns
        (SharpeSample(1.0, 10, 2.0, 5.0), 1.0, 0.5),
        (SharpeSample(1.0, 10, 2.0, 5.0), 2.0, 0.0),
    ],
)
def test_probabilistic_sharpe(sample, benchmark, expected):
    assert probabilistic_sharpe(sample, benchmark) == pytest.approx(expected, abs=5e-4)


@given(st.floats(-0.5, 0.5), st.integers(10, 5_000), st.floats(-1, 1), st.floats(3, 9))
@settings(max_examples=50, deadline=None)
def test_probabilistic_sharpe_against_scipy(ratio, length, skewness, kurtosis):
    error = math.sqrt((1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2) / (length - 1))
    found = probabilistic_sharpe(SharpeSample(ratio, length, skewness, kurtosis), 0.02)
    assert found == pytest.approx(stats.norm.cdf((ratio - 0.02) / error), rel=1e-9, abs=1e-12)


def test_deflated_sharpe_is_that_of_the_paper():
    assert expected_maximum_sharpe(100, SPREAD) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(PAPER, 100, SPREAD) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(PAPER, 46, SPREAD) == pytest.approx(0.9505, abs=5e-5)
    assert deflated_sharpe(SharpeSample(PAPER.ratio, 1_250), 88, SPREAD) == pytest.approx(0.9505, abs=5e-5)


@pytest.mark.parametrize("trials", [2, 5, 10, 100, 1_000, 10_000])
def test_expected_maximum_is_close_to_the_exact_one(trials):
    # E max = integral of x d(F^N) = integral of 1 - F^N above 0, less F^N below.
    grid = np.linspace(-12, 12, 200_001)
    power = stats.norm.cdf(grid) ** trials
    exact = np.trapezoid(np.where(grid > 0, 1 - power, -power), grid)
    assert expected_maximum_sharpe(trials, 1.0) == pytest.approx(exact, rel=0.08 if trials < 5 else 0.04)


@pytest.mark.parametrize(("trials", "expected"), [(1, 0.0), (1.05, 0.0), (1.0, 0.0)])
def test_one_trial_has_no_expected_maximum(trials, expected):
    assert expected_maximum_sharpe(trials, 1.0) == expected


@given(st.floats(1, 1e6), st.floats(1, 1e6), st.floats(0, 2))
@settings(max_examples=50, deadline=None)
def test_more_trials_never_raise_a_score(few, many, spread):
    few, many = min(few, many), max(few, many)
    assert deflated_sharpe(PAPER, many, spread) <= deflated_sharpe(PAPER, few, spread)
    assert luck(PAPER, many) >= luck(PAPER, few)


def test_one_trial_deflates_nothing():
    assert deflated_sharpe(PAPER, 1, SPREAD) == probabilistic_sharpe(PAPER)
    assert luck(PAPER, 1) == pytest.approx(1 - probabilistic_sharpe(PAPER), abs=1e-12)


@pytest.mark.parametrize("trials", [1, 10, 1_000])
@pytest.mark.parametrize("ratio", [-0.1, 0.0, 0.1])
def test_luck_is_the_rest_of_the_power_of_the_probability(ratio, trials):
    sample = SharpeSample(ratio, 500, -0.5, 5.0)
    assert luck(sample, trials) == pytest.approx(1 - probabilistic_sharpe(sample) ** trials, abs=1e-12)


def test_skewness_to_the_right_helps_no_chosen_strategy():
    plain, right = SharpeSample(0.1, 500, 0.0, 5.0), SharpeSample(0.1, 500, 2.0, 5.0)
    assert luck(right, 10) == luck(plain, 10) > 1 - probabilistic_sharpe(right) ** 10
    assert luck(plain._replace(skewness=-2.0), 10) > luck(plain, 10)


def test_luck_keeps_its_digits_in_the_tail():
    sample = SharpeSample(0.5, 401)
    assert luck(sample, 3) == pytest.approx(3 * stats.norm.sf(10 / math.sqrt(1 + 0.5 * 0.25)), rel=1e-6)
    assert luck(SharpeSample(-9.0, 1_000, 0.0, 1.0), 3) == 1.0


@pytest.mark.parametrize(("per_year", "years"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_minimum_track_record_is_that_of_the_paper(per_year, years):
    # A ratio of 2 a year against 1 (Bailey and Lopez de Prado, 2012).
    sample = SharpeSample(2 / math.sqrt(per_year), 100)
    assert minimum_track_record(sample, 1 / math.sqrt(per_year)) / per_year == pytest.approx(years, abs=5e-3)


@given(st.floats(0.01, 0.3), st.floats(-1, 1), st.floats(3, 9), st.sampled_from([0.9, 0.95, 0.99]))
@settings(max_examples=50, deadline=None)
def test_at_the_minimum_length_the_probability_is_the_confidence(ratio, skewness, kurtosis, confidence):
    sample = SharpeSample(ratio, 50, skewness, kurtosis)
    length = minimum_track_record(sample, 0.0, confidence)
    assert probabilistic_sharpe(sample._replace(length=length)) == pytest.approx(confidence)


@pytest.mark.parametrize(("ratio", "benchmark"), [(0.0, 0.0), (-0.1, 0.0), (0.1, 0.1)])
def test_no_record_is_long_enough_at_or_below_the_benchmark(ratio, benchmark):
    assert minimum_track_record(SharpeSample(ratio, 100), benchmark) is None


@pytest.mark.parametrize(
    ("trials", "correlation", "expected"), [(100, 0, 100), (100, 1, 1), (100, 0.5, 50.5), (100, -0.2, 100), (1, 0.3, 1)]
)
def test_effective_trials(trials, correlation, expected):
    assert effective_trials(trials, correlation) == pytest.approx(expected)


@given(st.integers(0, 100), st.integers(2, 6))
@settings(max_examples=20, deadline=None)
def test_mean_correlation_against_the_whole_table(seed, trials):
    rng = np.random.default_rng(seed)
    table = rng.standard_normal((50, trials)) + rng.standard_normal((50, 1))
    pairs = np.corrcoef(table.T)[~np.eye(trials, dtype=bool)]
    still = np.column_stack((table, np.full(50, 0.1), np.zeros(50)))
    assert mean_correlation(table) == pytest.approx(pairs.mean())
    assert mean_correlation(still) == pytest.approx(pairs.mean())


def test_one_moving_trial_correlates_with_nothing():
    assert mean_correlation(np.column_stack((np.arange(5.0), np.zeros(5)))) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: expected_maximum_sharpe(0.5, 1.0),
        lambda: expected_maximum_sharpe(2, -1.0),
        lambda: luck(PAPER, 0),
        lambda: minimum_track_record(PAPER, 0.0, 1.0),
        lambda: effective_trials(0, 0.1),
        lambda: effective_trials(3, 1.5),
        lambda: sharpe_sample([0.1, np.nan]),
    ],
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(UserError, match="BAD_PARAMETER"):
        call()
