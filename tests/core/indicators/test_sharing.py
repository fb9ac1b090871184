import tracemalloc

import numpy as np
import pytest

from tallow.core.indicators import ema, macd, sharing, sma
from tallow.core.indicators.sharing import LineStore

CLOSE = np.array([1.0, 2.0, 4.0, 8.0, 16.0])


def test_a_call_on_a_column_is_computed_once():
    store = LineStore([CLOSE])
    with sharing.sharing(store):
        first, again, view = sma(CLOSE, 2), sma(CLOSE, 2), sma(CLOSE[:], 2)
        assert first is again is view
        assert sma(CLOSE, 3) is not first
        assert sma(CLOSE, window=2) is sma(CLOSE, window=2)
        assert macd(CLOSE, 1, 2, 1) is macd(CLOSE, 1, 2, 1)
    assert store.computed == 4
    assert sma(CLOSE, 2) is not first
    np.testing.assert_array_equal(sma(CLOSE, 2), first)


@pytest.mark.parametrize("other", [CLOSE * 1.0, CLOSE[:4], CLOSE[::-1], CLOSE[1:], CLOSE.view(np.int64)])
def test_what_is_no_column_is_computed_anew(other):
    store = LineStore([CLOSE])
    with sharing.sharing(store):
        assert sma(other, 2) is not sma(other, 2)
    assert store.computed == 0


def test_a_true_is_another_value_than_a_one():
    store = LineStore([CLOSE])
    assert store.key(sma, (CLOSE, 1), {}) != store.key(sma, (CLOSE, True), {})
    assert store.key(sma, (CLOSE, 1), {}) != store.key(sma, (CLOSE,), {"window": 1})


def test_shared_lines_are_read_only_and_sharing_ends():
    with sharing.sharing(LineStore([CLOSE])):
        line = sma(CLOSE, 2)
        with pytest.raises(ValueError, match="read-only"):
            line[0] = 1.0
        with pytest.raises(ValueError, match="read-only"):
            macd(CLOSE, 1, 2, 1).signal[0] = 1.0
        with sharing.sharing(None):
            sma(CLOSE, 2)[0] = 1.0
    sma(CLOSE, 2)[0] = 1.0


def test_the_least_recently_used_lines_are_forgotten(monkeypatch):
    monkeypatch.setattr(sharing, "LINE_BYTES", 0)
    store = LineStore([CLOSE])
    assert store.capacity == sharing.FEWEST_LINES
    with sharing.sharing(store):
        first = sma(CLOSE, 1)
        for window in (2, 3, 1, 4, 5):
            sma(CLOSE, window)
        assert sma(CLOSE, 1) is first
        assert store.computed == 5
        sma(CLOSE, 2)
    assert store.computed == 6


def test_memory_of_a_forgotten_line_is_used_again_unless_somebody_has_it(monkeypatch):
    monkeypatch.setattr(sharing, "LINE_BYTES", 0)
    values = np.arange(10.0)
    with sharing.sharing(LineStore([values])):
        kept = sma(values, 1)
        view, places = sma(values, 2)[3:], set()
        before = kept.copy(), view.copy()
        for window in range(3, 10):
            line = sma(values, window)
            places.add(line.__array_interface__["data"][0])
            np.testing.assert_array_equal(
                line, [np.nan] * (window - 1) + [i - (window - 1) / 2 for i in range(window - 1, 10)]
            )
            del line
        np.testing.assert_array_equal(kept, before[0])
        np.testing.assert_array_equal(view, before[1])
    assert len(places) < 7
    assert kept.__array_interface__["data"][0] not in places


def test_an_average_from_shared_sums_is_the_average_alone():
    for values in (CLOSE, np.array([np.nan, np.nan, 1.0, 2.0, 4.0]), np.array([1.0, np.nan, 3.0, 4.0, 5.0]), CLOSE[:0]):
        with sharing.sharing(LineStore([values])):
            together = [sma(values, window) for window in (1, 2, 3, 7)]
        for window, line in zip((1, 2, 3, 7), together, strict=True):
            np.testing.assert_array_equal(line, sma(values, window))


def test_views_of_what_others_have_are_never_written_to(monkeypatch):
    monkeypatch.setattr(sharing, "LINE_BYTES", 0)
    values, own = np.arange(10.0), np.arange(20.0)
    store = LineStore([values])
    for shift in range(30):
        store.call(lambda column, by: column[::-1] if by % 2 else own[by % 10 : by % 10 + 10], values, shift)
        store.call(lambda column, by: np.column_stack((column, column + by)), values, shift)
        store.call(lambda column, by: np.arange(10.0 - by % 3).astype(np.float32 if by % 2 else float), values, shift)
        line = store.call(sma, values, shift + 1)
        assert (line.shape, line.dtype) == ((10,), np.float64)
    np.testing.assert_array_equal(values, np.arange(10.0))
    np.testing.assert_array_equal(own, np.arange(20.0))


def test_forgotten_lines_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(sharing, "LINE_BYTES", 0)
    values = np.random.default_rng(1).random(100_000)
    with sharing.sharing(LineStore([values])):
        tracemalloc.start()
        for window in range(2, 40):
            ema(values, window)
            sma(values, window)
        kept, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert kept < 12 * values.nbytes
    assert most < 14 * values.nbytes
