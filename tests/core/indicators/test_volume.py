import numpy as np
import pytest

from tallow.core.indicators.volume import daily_vwap, obv, vwap
from tallow.domain.errors import UserError

NAN = np.nan
HOUR = 3_600_000_000


def test_obv_by_hand():
    close, volume = np.array([1.0, 2.0, 2.0, 1.0, 3.0]), np.array([10.0, 5.0, 7.0, 3.0, 1.0])
    assert obv(close, volume).tolist() == [10.0, 15.0, 15.0, 12.0, 13.0]


def test_vwap_by_hand():
    close, volume = np.array([10.0, 20.0, 40.0]), np.array([1.0, 3.0, 1.0])
    np.testing.assert_allclose(vwap(close, close, close, volume, 2), [NAN, 17.5, 25.0])


def test_vwap_is_undefined_where_nothing_traded():
    close, volume = np.full(7, 0.1), np.array([1e9, 0.3, 0.0, 0.0, 0.0, 0.7, 0.0])
    np.testing.assert_allclose(vwap(close, close, close, volume, 2), [NAN, 0.1, 0.1, NAN, NAN, 0.1, 0.1])


def test_daily_vwap_begins_again_at_midnight_utc():
    time = np.array([22, 23, 24, 25]) * HOUR
    close, volume = np.array([10.0, 20.0, 40.0, 10.0]), np.array([1.0, 1.0, 0.0, 2.0])
    np.testing.assert_allclose(daily_vwap(time, close, close, close, volume), [10.0, 15.0, NAN, 10.0])


@pytest.mark.parametrize("missing", [NAN, np.inf, 1e300])
def test_daily_vwap_is_unknown_up_to_midnight_after_a_missing_value(missing):
    time = np.array([21, 22, 23, 24]) * HOUR
    close, volume = np.array([10.0, missing, 40.0, 10.0]), np.ones(4)
    np.testing.assert_array_equal(daily_vwap(time, close, close, close, volume), [10.0, NAN, NAN, 10.0])


def test_daily_vwap_before_1970():
    time = np.array([-1, 0]) * HOUR
    close = np.array([10.0, 20.0])
    np.testing.assert_array_equal(daily_vwap(time, close, close, close, np.ones(2)), [10.0, 20.0])


def test_times_of_another_length_are_refused():
    with pytest.raises(UserError) as caught:
        daily_vwap(np.zeros(1, np.int64), *[np.ones(2)] * 4)
    assert caught.value.code == "BAD_PARAMETER"
