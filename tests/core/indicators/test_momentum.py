import numpy as np
import pytest

from tallow.core.indicators.averages import ema
from tallow.core.indicators.momentum import macd, rsi, trix
from tallow.domain.errors import UserError

NAN = np.nan


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0, 1.0, 2.0], [NAN, NAN, 50.0, 75.0]),
        ([1.0, 2.0, 3.0, 4.0], [NAN, NAN, 100.0, 100.0]),
        ([4.0, 3.0, 2.0, 1.0], [NAN, NAN, 0.0, 0.0]),
        ([5.0, 5.0, 5.0, 5.0], [NAN, NAN, 0.0, 0.0]),
    ],
)
def test_rsi_by_hand(values, expected):
    np.testing.assert_allclose(rsi(np.array(values), 2), expected)


def test_macd_by_hand():
    # slow(3): 2 in row 2; fast(2): (2 + 3) / 2 in row 2, then thirds.
    line, signal, histogram = macd(np.array([1.0, 2.0, 3.0, 6.0]), 2, 3, 1)
    np.testing.assert_allclose(line, [NAN, NAN, 0.5, (2.5 + 3.5 * 2 / 3) - 4.0])
    np.testing.assert_allclose(signal, line)
    np.testing.assert_allclose(histogram[2:], 0.0)


@pytest.mark.parametrize(("fast", "slow"), [(26, 12), (12, 12)])
def test_macd_refuses_a_fast_average_that_is_not_faster(fast, slow):
    with pytest.raises(UserError, match="fast = ") as caught:
        macd(np.ones(50), fast, slow, 9)
    assert caught.value.code == "BAD_PARAMETER"


def test_trix_is_the_change_of_a_triple_average():
    values = 100 + np.random.default_rng(4).normal(size=60).cumsum()
    triple = ema(ema(ema(values, 5), 5), 5)
    np.testing.assert_allclose(trix(values, 5)[13:], 100 * (triple[13:] / triple[12:-1] - 1), rtol=1e-12)
    assert np.isnan(trix(values, 5)[:13]).all()


def test_trix_of_zeros_is_zero():
    assert trix(np.zeros(5), 1).tolist()[1:] == [0.0] * 4
