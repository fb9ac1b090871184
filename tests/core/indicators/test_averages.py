import numpy as np
import pytest

from tallow.core.indicators.averages import ema, sma, wma

NAN = np.nan


@pytest.mark.parametrize(
    ("function", "window", "expected"),
    [
        (sma, 1, [2.0, 4.0, 9.0, 3.0]),
        (sma, 3, [NAN, NAN, 5.0, 16.0 / 3]),
        (sma, 5, [NAN] * 4),
        (ema, 1, [2.0, 4.0, 9.0, 3.0]),
        (ema, 2, [NAN, 3.0, 7.0, 13.0 / 3]),
        (wma, 1, [2.0, 4.0, 9.0, 3.0]),
        (wma, 3, [NAN, NAN, 37.0 / 6, 31.0 / 6]),
    ],
)
def test_by_hand(function, window, expected):
    np.testing.assert_allclose(function(np.array([2.0, 4.0, 9.0, 3.0]), window), expected, rtol=1e-15)


def test_an_average_of_an_average_skips_its_leading_nan():
    values = np.arange(10.0)
    once = ema(values, 3)
    np.testing.assert_array_equal(ema(once, 2)[2:], ema(once[2:], 2))


def test_integers_are_accepted():
    assert sma(np.array([1, 2, 4]), 2)[1:].tolist() == [1.5, 3.0]
