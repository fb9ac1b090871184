import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.indicators.extremes import aroon, donchian, rolling_max, rolling_min

NAN = np.nan


@given(st.lists(st.integers(-5, 5), max_size=60), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_equals_the_plain_maximum_and_minimum(values, window):
    column = np.array(values, np.float64)
    for row, (largest, smallest) in enumerate(
        zip(rolling_max(column, window), rolling_min(column, window), strict=True)
    ):
        seen = column[row + 1 - window : row + 1] if row + 1 >= window else np.array([NAN])
        np.testing.assert_array_equal([largest, smallest], [seen.max(), seen.min()])


def test_donchian_by_hand():
    upper, middle, lower = donchian(np.array([3.0, 5.0, 4.0]), np.array([1.0, 2.0, 2.5]), 2)
    np.testing.assert_array_equal(upper, [NAN, 5.0, 5.0])
    np.testing.assert_array_equal(middle, [NAN, 3.0, 3.5])
    np.testing.assert_array_equal(lower, [NAN, 1.0, 2.0])


def test_aroon_counts_from_the_latest_of_equal_extremes():
    up, down = aroon(np.array([5.0, 7.0, 7.0, 6.0, 6.0]), np.array([1.0, 1.0, 2.0, 2.0, 2.0]), 4)
    assert (up[4], down[4]) == (50.0, 25.0)
    assert np.isnan(up[:4]).all()


@pytest.mark.parametrize("function", [donchian, aroon])
def test_a_hole_in_one_column_is_a_hole_in_all_lines(function):
    high, low = np.arange(12.0) + 1, np.arange(12.0)
    low[5] = NAN
    assert all(np.isnan(line[5]) for line in function(high, low, 3))
