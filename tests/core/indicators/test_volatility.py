import numpy as np
import pytest

from tallow.core.indicators.volatility import atr, bollinger, rolling_std, true_range
from tallow.domain.errors import UserError

NAN = np.nan


@pytest.mark.parametrize(
    ("high", "low", "last", "expected"), [(5.0, 3.0, 4.0, 2.0), (5.0, 3.0, 1.0, 4.0), (5.0, 3.0, 9.0, 6.0)]
)
def test_true_range(high, low, last, expected):
    assert true_range(high, low, last) == expected


def test_atr_by_hand():
    high, low, close = np.array([[5.0, 6.0, 9.0, 8.0], [4.0, 5.0, 6.0, 7.0], [4.5, 5.0, 8.0, 7.5]])
    # true ranges 1.5, 4, 1 from row 1 on
    np.testing.assert_allclose(atr(high, low, close, 2), [NAN, NAN, 2.75, (2.75 + 1.0) / 2])


def test_bands_lie_population_deviations_apart():
    upper, middle, lower = bollinger(np.array([1.0, 3.0, 3.0]), 2, 2.0)
    np.testing.assert_allclose(upper, [NAN, 4.0, 3.0])
    np.testing.assert_allclose(middle, [NAN, 2.0, 3.0])
    np.testing.assert_allclose(lower, [NAN, 0.0, 3.0])


@pytest.mark.parametrize("width", [0.0, -1.0, NAN, np.inf])
def test_a_width_that_is_not_above_zero_is_refused(width):
    with pytest.raises(UserError, match="width") as caught:
        bollinger(np.ones(5), 2, width)
    assert caught.value.code == "BAD_PARAMETER"


def test_one_value_has_no_deviation():
    assert rolling_std(np.array([1.0, 7.0]), 1).tolist() == [0.0, 0.0]
