import numpy as np
import pytest

from tallow.core.indicators.trend import adx, directions, movement


@pytest.mark.parametrize(
    ("rise", "fall", "expected"),
    [
        (2.0, 1.0, (2.0, 0.0)),
        (1.0, 2.0, (0.0, 2.0)),
        (1.0, 1.0, (0.0, 0.0)),
        (-1.0, -2.0, (0.0, 0.0)),
        (-1.0, 0.5, (0.0, 0.5)),
        (0.0, -3.0, (0.0, 0.0)),
    ],
)
def test_only_the_larger_movement_counts(rise, fall, expected):
    assert movement(rise, fall) == expected


@pytest.mark.parametrize(
    ("plus", "minus", "span", "expected"),
    [(3.0, 1.0, 10.0, (30.0, 10.0, 50.0)), (0.0, 0.0, 10.0, (0.0, 0.0, np.nan)), (0.0, 0.0, 0.0, (0.0, 0.0, np.nan))],
)
def test_directions(plus, minus, span, expected):
    np.testing.assert_allclose(directions(plus, minus, span), expected)


def test_a_straight_rise_is_all_trend():
    high = np.arange(1.0, 21.0)
    line, plus, minus = adx(high, high - 1, high - 0.5, 4)
    assert np.isnan(line[:7]).all()
    assert np.isnan(plus[:4]).all()
    np.testing.assert_allclose(line[7:], 100.0)
    assert (plus[4:] > 0).all()
    assert minus[4:].tolist() == [0.0] * 16


def test_a_flat_market_has_no_trend_and_leaves_the_last_value():
    flat = np.full(20, 7.0)
    assert adx(flat, flat, flat, 3).adx[5:].tolist() == [0.0] * 15
