"""What holds for all indicators: TA-Lib's numbers, batch equals steps, no look-ahead, restart after a hole."""

import math

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core import indicators
from tallow.core.indicators import (
    averages,
    extremes,
    momentum,
    oscillators,
    sums,
    trend,
    volatility,
    volume,
)
from tallow.domain.errors import UserError

HOUR = 3_600_000_000


def market(rows, seed=1, price=100.0):
    """A random walk with ties, flat bars and bars without volume."""
    rng = np.random.default_rng(seed)
    close = np.round(price * np.exp(np.cumsum(rng.normal(0, 0.01, rows) * (rng.random(rows) > 0.1))), 2)
    high = np.round(close * (1 + rng.exponential(0.004, rows) * (rng.random(rows) > 0.2)), 2)
    low = np.round(close * (1 - rng.exponential(0.004, rows) * (rng.random(rows) > 0.2)), 2)
    traded = np.round(rng.exponential(10, rows), 3) * (rng.random(rows) > 0.1)
    return {"time": np.arange(rows) * HOUR, "high": high, "low": low, "close": close, "volume": traded}


def lines(result):
    return result if isinstance(result, tuple) else (result,)


# name: (columns, batch, start, step)
CASES = {
    "sma": ("close", lambda c: indicators.sma(c, 7), lambda: averages.sma_start(7), averages.sma_step),
    "ema": ("close", lambda c: indicators.ema(c, 7), lambda: averages.ema_start(7), averages.ema_step),
    "wma": ("close", lambda c: indicators.wma(c, 7), lambda: averages.wma_start(7), averages.wma_step),
    "rsi": ("close", lambda c: indicators.rsi(c, 7), lambda: momentum.rsi_start(7), momentum.rsi_step),
    "macd": ("close", lambda c: indicators.macd(c, 3, 8, 4), lambda: momentum.macd_start(3, 8, 4), momentum.macd_step),
    "trix": ("close", lambda c: indicators.trix(c, 4), lambda: momentum.trix_start(4), momentum.trix_step),
    "adx": ("high low close", lambda *c: indicators.adx(*c, 5), lambda: trend.adx_start(5), trend.adx_step),
    "cci": ("high low close", lambda *c: indicators.cci(*c, 6), lambda: oscillators.cci_start(6), oscillators.cci_step),
    "stochastic": (
        "high low close",
        lambda *c: indicators.stochastic(*c, 5, 3, 2),
        lambda: oscillators.stochastic_start(5, 3, 2),
        oscillators.stochastic_step,
    ),
    "atr": ("high low close", lambda *c: indicators.atr(*c, 5), lambda: volatility.atr_start(5), volatility.atr_step),
    "aroon": ("high low", lambda *c: indicators.aroon(*c, 6), lambda: extremes.aroon_start(6), extremes.aroon_step),
    "donchian": (
        "high low",
        lambda *c: indicators.donchian(*c, 6),
        lambda: extremes.channel_start(6),
        extremes.donchian_step,
    ),
    "obv": ("close volume", indicators.obv, volume.obv_start, volume.obv_step),
    "vwap": (
        "high low close volume",
        lambda *c: indicators.vwap(*c, 4),
        lambda: volume.vwap_start(4),
        volume.vwap_step,
    ),
    "daily_vwap": (
        "time high low close volume",
        indicators.daily_vwap,
        volume.daily_vwap_start,
        lambda state, time, *bar: volume.daily_vwap_step(state, int(time), bar),
    ),
    "rolling_max": (
        "close",
        lambda c: indicators.rolling_max(c, 6),
        lambda: extremes.extreme_start(6),
        lambda *a: extremes.extreme_step(*a)[:2],
    ),
    "rolling_std": (
        "close",
        lambda c: indicators.rolling_std(c, 6),
        lambda: volatility.std_start(6),
        lambda *a: sums.moments_step(*a)[::2],
    ),
}
# Their lines are made from the lines of the cases above by one array expression.
DERIVED = {
    "bollinger": ("close", lambda c: indicators.bollinger(c, 6, 1.5)),
    "rolling_min": ("close", lambda c: indicators.rolling_min(c, 6)),
}
BATCHES = {name: case[:2] for name, case in CASES.items()} | DERIVED

REFERENCES = {
    "sma": (lambda m, w: indicators.sma(m["close"], w), lambda m, w: talib.SMA(m["close"], w)),
    "ema": (lambda m, w: indicators.ema(m["close"], w), lambda m, w: talib.EMA(m["close"], w)),
    "wma": (lambda m, w: indicators.wma(m["close"], w), lambda m, w: talib.WMA(m["close"], w)),
    "rsi": (lambda m, w: indicators.rsi(m["close"], w), lambda m, w: talib.RSI(m["close"], w)),
    "trix": (lambda m, w: indicators.trix(m["close"], w), lambda m, w: talib.TRIX(m["close"], w)),
    "macd": (
        lambda m, w: indicators.macd(m["close"], w, w + 9, 5),
        lambda m, w: talib.MACD(m["close"], w, w + 9, 5),
    ),
    "bollinger": (
        lambda m, w: indicators.bollinger(m["close"], w, 2.5),
        lambda m, w: talib.BBANDS(m["close"], w, 2.5, 2.5),
    ),
    "rolling_std": (lambda m, w: indicators.rolling_std(m["close"], w), lambda m, w: talib.STDDEV(m["close"], w)),
    "rolling_max": (lambda m, w: indicators.rolling_max(m["close"], w), lambda m, w: talib.MAX(m["close"], w)),
    "rolling_min": (lambda m, w: indicators.rolling_min(m["close"], w), lambda m, w: talib.MIN(m["close"], w)),
    "adx": (
        lambda m, w: indicators.adx(m["high"], m["low"], m["close"], w),
        lambda m, w: tuple(f(m["high"], m["low"], m["close"], w) for f in (talib.ADX, talib.PLUS_DI, talib.MINUS_DI)),
    ),
    "cci": (
        lambda m, w: indicators.cci(m["high"], m["low"], m["close"], w),
        lambda m, w: talib.CCI(m["high"], m["low"], m["close"], w),
    ),
    "atr": (
        lambda m, w: indicators.atr(m["high"], m["low"], m["close"], w),
        lambda m, w: talib.ATR(m["high"], m["low"], m["close"], w),
    ),
    "aroon": (
        lambda m, w: indicators.aroon(m["high"], m["low"], w),
        lambda m, w: talib.AROON(m["high"], m["low"], w)[::-1],
    ),
    "stochastic": (
        lambda m, w: indicators.stochastic(m["high"], m["low"], m["close"], w, 3, 4),
        lambda m, w: talib.STOCH(m["high"], m["low"], m["close"], w, 3, 0, 4, 0),
    ),
    "obv": (lambda m, w: indicators.obv(m["close"], m["volume"]), lambda m, w: talib.OBV(m["close"], m["volume"])),
}


@pytest.mark.parametrize("window", [2, 14, 50])
@pytest.mark.parametrize("name", REFERENCES)
def test_equals_ta_lib(name, window):
    ours, theirs = REFERENCES[name]
    for rows, seed in ((3_000, 5), (40, 6), (window, 7)):
        bars = market(rows, seed)
        for line, reference in zip(lines(ours(bars, window)), lines(theirs(bars, window)), strict=True):
            # 1e-9 relative; the absolute part is for lines that cross zero, in units of a price of 100.
            np.testing.assert_allclose(line, reference, rtol=1e-9, atol=1e-9)


def test_every_public_function_is_tested_and_called_causal():
    functions = {name for name in indicators.__all__ if name.islower()}
    assert functions == set(BATCHES)
    assert {function.__name__ for function in indicators.CAUSAL} == functions


@pytest.mark.parametrize("name", CASES)
@given(seed=st.integers(0, 10_000), rows=st.integers(0, 120), holes=st.lists(st.integers(0, 119), max_size=3))
@settings(max_examples=15, deadline=None)
def test_batch_equals_single_steps_bit_for_bit(name, seed, rows, holes):
    columns, batch, start, step = CASES[name]
    bars = market(rows, seed)
    for hole in holes:
        bars["close"][hole : hole + 1] = np.nan
    arrays = [bars[column] for column in columns.split()]
    state, stepped = start(), []
    for row in range(rows):
        state, *values = step(state, *(array[row] for array in arrays))
        stepped.append(values)
    batched = np.array(lines(batch(*arrays)))
    assert batched.T.tobytes() == np.array(stepped).tobytes() or rows == 0
    assert batched.shape[1] == rows


@pytest.mark.parametrize("name", BATCHES)
@given(seed=st.integers(0, 10_000), cut=st.integers(1, 79), future=st.sampled_from([0.5, 2.0, np.nan]))
@settings(max_examples=15, deadline=None)
def test_a_row_does_not_depend_on_later_rows(name, seed, cut, future):
    columns, batch = BATCHES[name]
    bars = market(80, seed)
    arrays = [bars[column] for column in columns.split()]
    changed = [np.concatenate([a[:cut], a[cut:] * (1 if a.dtype == np.int64 else future)]) for a in arrays]
    for whole, other, short in zip(
        lines(batch(*arrays)), lines(batch(*changed)), lines(batch(*(a[:cut] for a in arrays))), strict=True
    ):
        assert whole[:cut].tobytes() == other[:cut].tobytes() == short.tobytes()


@pytest.mark.parametrize("name", sorted(set(BATCHES) - {"daily_vwap"}))
@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf, 1e200])
def test_a_missing_value_restarts(name, missing):
    columns, batch = BATCHES[name]
    names = columns.split()
    bars = market(90)
    for column in names:
        arrays = [bars[name].copy() for name in names]
        arrays[names.index(column)][30] = missing
        before, after = (lines(batch(*(a[part] for a in arrays))) for part in (slice(30), slice(31, None)))
        for line, first, second in zip(lines(batch(*arrays)), before, after, strict=True):
            np.testing.assert_array_equal(line, np.concatenate([first, [np.nan], second]))


@pytest.mark.parametrize("name", BATCHES)
def test_no_rows_and_one_row(name):
    columns, batch = BATCHES[name]
    bars = market(1)
    for rows in (0, 1):
        assert all(len(line) == rows for line in lines(batch(*(bars[column][:rows] for column in columns.split()))))


@pytest.mark.parametrize(
    ("function", "columns"),
    [
        (indicators.sma, 1), (indicators.ema, 1), (indicators.wma, 1), (indicators.rsi, 1), (indicators.trix, 1),
        (indicators.rolling_max, 1), (indicators.rolling_min, 1), (indicators.rolling_std, 1),
        (indicators.bollinger, 1), (indicators.macd, 1), (indicators.donchian, 2), (indicators.aroon, 2),
        (indicators.cci, 3), (indicators.atr, 3), (indicators.adx, 3), (indicators.stochastic, 3), (indicators.vwap, 4),
    ],
)  # fmt: skip
@pytest.mark.parametrize("window", [0, -1, 2.5, True, "20", math.nan])
def test_a_window_below_one_is_refused(function, columns, window):
    with pytest.raises(UserError) as caught:
        function(*[np.ones(5)] * columns, window)
    assert caught.value.code == "BAD_PARAMETER"
    assert repr(window) in caught.value.message
