import numpy as np
import pytest

from tallow.core.indicators.inputs import LARGEST, checked_columns, checked_window, usable
from tallow.domain.errors import UserError


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, True), (-5.0, True), (LARGEST, True), (1e151, False), (np.inf, False), (-np.inf, False), (np.nan, False)],
)
def test_usable(value, expected):
    assert usable(value) is expected


def test_windows_of_numpy_are_whole_numbers_too():
    window = checked_window(np.int32(7))
    assert (window, type(window)) == (7, int)


def test_the_message_names_the_parameter_and_the_least_value():
    with pytest.raises(UserError, match="slow = 1 ") as caught:
        checked_window(1, "slow", least=2)
    assert caught.value.code == "BAD_PARAMETER"
    assert caught.value.facts == {"valid": "a whole number from 2"}


def test_columns_become_contiguous_floats():
    first, second = checked_columns([1, 2], np.arange(4)[::2])
    assert first.tolist() == [1.0, 2.0]
    assert second.tolist() == [0.0, 2.0]
    assert second.dtype == np.float64
    assert second.flags.c_contiguous


@pytest.mark.parametrize("columns", [([1.0], [1.0, 2.0]), ([[1.0]],), (1.0,)])
def test_columns_of_other_shapes_are_refused(columns):
    with pytest.raises(UserError) as caught:
        checked_columns(*columns)
    assert caught.value.code == "BAD_PARAMETER"
