import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.honesty.dependence import block_length, independent_count


def following(count, coefficient, seed=1):
    """A first-order autoregression."""
    row = np.random.default_rng(seed).standard_normal(count)
    for at in range(1, count):
        row[at] += coefficient * row[at - 1]
    return row


def slow_block_length(row):
    """The published formula, written out lag by lag."""
    n = len(row)
    slope, long_run = slow_sums(row)
    best = (2 * slope**2 / (2 * long_run**2)) ** (1 / 3) * n ** (1 / 3)
    return max(1.0, min(best, math.ceil(min(3 * math.sqrt(n), n / 3))))


def slow_long_run(row):
    return slow_sums(row)[1]


def slow_sums(row):
    """Sums of |k| R(k) and of R(k) under the flat-top window."""
    n, c = len(row), 2.0
    mean = sum(row) / n
    longest_run = max(5, math.ceil(math.sqrt(math.log10(n))))
    lags = min(n - 1, math.ceil(math.sqrt(n)) + longest_run)
    covariance = [sum((row[t] - mean) * (row[t + k] - mean) for t in range(n - k)) / n for k in range(lags + 1)]
    weak = [abs(value / covariance[0]) < c * math.sqrt(math.log10(n) / n) for value in covariance]
    smallest = next((m for m in range(1, lags - longest_run + 1) if all(weak[m + 1 : m + 1 + longest_run])), None)
    if smallest is None:
        smallest = max((k for k in range(1, lags + 1) if not weak[k]), default=1)
    window = min(2 * smallest, lags)
    slope = long_run = 0.0
    for k in range(-window, window + 1):
        distance = abs(k) / window
        weight = 1.0 if distance <= 0.5 else 2 * (1 - distance)
        slope += weight * abs(k) * covariance[abs(k)]
        long_run += weight * covariance[abs(k)]
    return slope, long_run


@pytest.mark.parametrize("coefficient", [-0.4, 0.0, 0.3, 0.8, 0.99])
@pytest.mark.parametrize("count", [10, 60, 400])
def test_block_length_is_the_published_formula(coefficient, count):
    row = following(count, coefficient)
    assert block_length(row) == pytest.approx(slow_block_length(row.tolist()))


@pytest.mark.parametrize("coefficient", [0.2, 0.5, 0.8])
def test_block_length_of_an_autoregression_is_near_the_best_one(coefficient):
    # For autocovariances c^|k|: G / S = 2 c / (1 - c^2).
    best = (2 * coefficient / (1 - coefficient**2)) ** (2 / 3) * 10_000 ** (1 / 3)
    assert block_length(following(10_000, coefficient)) == pytest.approx(best, rel=0.3)


@pytest.mark.parametrize("coefficient", [0.2, 0.5, 0.8])
def test_an_autoregression_is_worth_fewer_returns(coefficient):
    expected = 10_000 * (1 - coefficient) / (1 + coefficient)
    assert independent_count(following(10_000, coefficient)) == pytest.approx(expected, rel=0.1)


def test_independent_returns_are_counted_by_the_written_formula():
    row = following(400, 0.4, seed=3)
    n, mean = len(row), row.mean()
    centred = row - mean
    follows = (centred[1:] @ centred[:-1]) / (centred @ centred)
    left = centred[1:] - follows * centred[:-1]
    long_run = slow_long_run(left.tolist()) / (1 - follows) ** 2
    assert independent_count(row) == pytest.approx(n / (long_run / (centred @ centred / n)), rel=1e-9)


def test_returns_that_revert_are_not_worth_more():
    assert independent_count(following(1_000, -0.5)) == 1_000


def test_blocks_are_never_longer_than_the_limit():
    # Slow waves: without a limit of n / 3 the formula gives more.
    rows = [np.sin(np.arange(120.0) * speed) for speed in np.linspace(0.05, 0.3, 40)]
    lengths = [block_length(row) for row in rows]
    assert max(lengths) == math.ceil(min(3 * math.sqrt(120), 40))
    assert 1.0 < independent_count(np.arange(100.0)) < 10.0


@pytest.mark.parametrize("row", [[], [0.1], [0.1, -0.1], [0.01] * 50, [0.0] * 50])
def test_without_a_measure_every_return_stands_for_itself(row):
    assert block_length(row) == 1.0
    assert independent_count(row) == len(row)


@given(st.integers(0, 500), st.integers(10, 300), st.floats(1e-6, 1e6))
@settings(max_examples=40, deadline=None)
def test_the_unit_does_not_matter(seed, count, unit):
    row = np.random.default_rng(seed).standard_t(3, count)
    assert block_length(row * unit) == pytest.approx(block_length(row))
    assert independent_count(row * unit) == pytest.approx(independent_count(row))
