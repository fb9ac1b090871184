import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallow.core.strategies.rounding import ROUNDING, settle

NAN = float("nan")


def settled(values):
    targets = np.array(values, np.float64)
    settle(targets)
    return targets.tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([0.5], [0.5]),
        ([1.0, 1.0 + 1e-9, 1.0 - 1e-9, 0.5], [1.0, 1.0, 1.0, 0.5]),
        ([1.0, 1.0 + 2e-8], [1.0, 1.0 + 2e-8]),  # more than rounding
        ([0.0, 1e-9, NAN, 1e-9, 1.0], [0.0, 0.0, NAN, 0.0, 1.0]),
        ([100.0, 100.0 + 5e-7], [100.0, 100.0]),  # rounding grows with the size
        ([0.3, 0.3, 0.0, 0.3], [0.3, 0.3, 0.0, 0.3]),
    ],
)
def test_targets_that_differ_by_rounding_are_the_one_before(values, expected):
    np.testing.assert_array_equal(settled(values), expected)


def test_many_small_steps_do_not_creep_away_from_what_is_held():
    # Each step is rounding, their sum is not: the target moves once it has left the one held.
    found = settled(1.0 + 0.4 * ROUNDING * np.arange(10))
    assert sorted(set(found)) == [1.0, 1.0 + 0.4 * ROUNDING * 3, 1.0 + 0.4 * ROUNDING * 6, 1.0 + 0.4 * ROUNDING * 9]


@given(st.lists(st.sampled_from([0.0, 0.25, 0.25 + 1e-10, 1.0, 1.0 - 1e-12, NAN, -1.0]), max_size=30))
def test_settling_again_changes_nothing_and_nothing_moves_far(values):
    once = settled(values)
    np.testing.assert_array_equal(settled(once), once)
    np.testing.assert_allclose(once, values, atol=2 * ROUNDING)
