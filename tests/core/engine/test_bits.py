import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba import njit

from tallow.core.engine.bits import WORD, first_bit, greater_bits, last_bit

NUMBERS = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 1.0, np.nextafter(1.0, 2.0), np.inf, np.nan])


@njit
def compare(left, right, row):
    return greater_bits(left, right, row)


@njit
def places(word):
    return first_bit(word), last_bit(word)


@settings(max_examples=50, deadline=None)
@given(left=arrays(np.float64, 2 * WORD, elements=NUMBERS), right=arrays(np.float64, 2 * WORD, elements=NUMBERS))
def test_each_bit_is_the_comparison_of_its_row(left, right):
    for row in (0, 1, WORD):
        word = int(compare(left, right, row))
        assert [bool(word >> bit & 1) for bit in range(WORD)] == (left > right)[row : row + WORD].tolist()


@pytest.mark.parametrize(
    ("word", "first", "last"), [(1, 0, 0), (0b1100, 2, 3), (1 << 63, 63, 63), ((1 << 64) - 1, 0, 63)]
)
def test_places_of_the_lowest_and_the_highest_bit(word, first, last):
    assert places(np.uint64(word)) == (first, last)


def test_no_bit_has_its_place_behind_the_last_row():
    assert places(np.uint64(0))[0] == WORD
