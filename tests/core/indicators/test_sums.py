import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.indicators import rolling_std, sma, wma
from tallow.core.indicators.sums import add, moments_start, moments_step, multiply, sum_start, sum_step

numbers = st.floats(-1e12, 1e12, allow_nan=False, allow_subnormal=False)


def exact_std(values):
    fractions = [Fraction(value) for value in values]
    mean = sum(fractions) / len(fractions)
    return math.sqrt(sum((value - mean) ** 2 for value in fractions) / len(fractions))


@given(numbers, numbers)
def test_nothing_is_lost_by_add(left, right):
    high, low = add(left, 0.0, right)
    assert Fraction(high) + Fraction(low) == Fraction(left) + Fraction(right)


@given(st.floats(-1e60, 1e60), st.floats(1e-60, 1e60))
def test_nothing_is_lost_by_multiply(left, right):
    if abs(left) < 1e-60:
        left = 0.0
    product, error = multiply(left, right)
    assert Fraction(product) + Fraction(error) == Fraction(left) * Fraction(right)


def test_a_sum_of_three():
    state, seen = sum_start(3), []
    for value in (1.0, 2.0, 3.0, 4.0):
        state, full = sum_step(state, value)
        seen.append((state.high + state.low, full))
    assert seen == [(1.0, False), (3.0, False), (6.0, True), (9.0, True)]


def test_mean_and_deviation_of_two():
    state = moments_start(2)
    state, mean, std = moments_step(state, 1.0)
    assert np.isnan([mean, std]).all()
    state, mean, std = moments_step(state, 4.0)
    assert (mean, std) == (2.5, 1.5)


@given(st.integers(0, 10_000), st.integers(1, 30), st.floats(-3, 14))
@settings(max_examples=40, deadline=None)
def test_sums_equal_the_exact_sum_of_every_window(seed, window, scale):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=80) * 10.0 ** rng.uniform(-3, scale, 80)
    for row, mean in enumerate(sma(values, window)):
        exact = math.fsum(values[row - window + 1 : row + 1]) / window if row + 1 >= window else math.nan
        assert mean == pytest.approx(exact, rel=1e-12, abs=1e-22, nan_ok=True)


def test_a_million_bars_of_large_values_leave_no_trace_in_small_ones():
    rng = np.random.default_rng(11)
    values = np.concatenate([1e5 + rng.normal(0, 300, 1_000_000), rng.normal(0, 1e-3, 200)])
    mean, std, weighted = sma(values, 50), rolling_std(values, 50), wma(values, 50)
    weights = np.arange(1, 51)
    for row in range(len(values) - 150, len(values), 10):
        window = values[row - 49 : row + 1]
        assert mean[row] == pytest.approx(math.fsum(window) / 50, rel=1e-10)
        assert weighted[row] == pytest.approx(math.fsum(window * weights) / weights.sum(), rel=1e-10)
        assert std[row] == pytest.approx(exact_std(window), rel=1e-10)


def test_a_small_deviation_of_large_values_is_exact():
    values = 1e5 + np.random.default_rng(2).normal(0, 1e-6, 300)
    std = rolling_std(values, 20)
    for row in range(19, 300, 7):
        assert std[row] == pytest.approx(exact_std(values[row - 19 : row + 1]), rel=1e-9)


@pytest.mark.parametrize("value", [0.1, 1e-9, 61_234.57, 0.0])
def test_a_constant_window_has_no_deviation(value):
    values = np.concatenate([np.random.default_rng(3).normal(5, 2, 40), np.full(40, value)])
    assert rolling_std(values, 13)[60:].tolist() == [0.0] * 20
