import numpy as np
import pytest

from tallow.core.indicators.oscillators import cci, stochastic

NAN = np.nan


def test_cci_by_hand():
    close = np.array([3.0, 6.0, 12.0])
    # typical = close here; mean 7, mean absolute deviation (4 + 1 + 5) / 3.
    np.testing.assert_allclose(cci(close, close, close, 3), [NAN, NAN, 5.0 / (0.015 * 10 / 3)])


@pytest.mark.parametrize("price", [0.1, 61_234.57, 1e-9])
def test_cci_of_a_constant_price_is_zero(price):
    column = np.full(40, price)
    assert cci(column, column, column, 14)[13:].tolist() == [0.0] * 27


def test_stochastic_by_hand():
    high, low = np.array([10.0, 12.0, 12.0]), np.array([8.0, 9.0, 10.0])
    close = np.array([9.0, 11.0, 12.0])
    k, d = stochastic(high, low, close, 2, 1, 2)
    np.testing.assert_allclose(k, [NAN, NAN, 100.0])
    np.testing.assert_allclose(d, [NAN, NAN, (75.0 + 100.0) / 2])


def test_stochastic_without_a_range_is_zero():
    column = np.full(10, 5.0)
    assert stochastic(column, column, column, 3, 1, 1).k[2:].tolist() == [0.0] * 8
