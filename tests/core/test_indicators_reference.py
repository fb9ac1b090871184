"""Indicators against plain definitions, written out row by row, and against TA-Lib on recorded candles."""

import math
import statistics
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core import indicators

NAN = math.nan


def windows(values, n, function):
    """The function of every full window."""
    return [function(values[row + 1 - n : row + 1]) if row + 1 >= n else NAN for row in range(len(values))]


def plain_sma(values, n):
    return windows(values, n, lambda window: math.fsum(window) / n)


def plain_wma(values, n):
    weights = range(1, n + 1)
    return windows(values, n, lambda w: math.fsum(v * k for v, k in zip(w, weights, strict=True)) / sum(weights))


def plain_std(values, n):
    return windows(values, n, statistics.pstdev)


def smoothed(values, n, weight):
    """Plain average of the first n, then the newest value with this weight; leading NaN are skipped."""
    start = next((row for row, value in enumerate(values) if not math.isnan(value)), len(values))
    line = [NAN] * len(values)
    for row in range(start + n - 1, len(values)):
        if row == start + n - 1:
            line[row] = math.fsum(values[start : row + 1]) / n
        else:
            line[row] = line[row - 1] * (1 - weight) + values[row] * weight
    return line


def plain_ema(values, n):
    return smoothed(values, n, 2 / (n + 1))


def plain_rsi(values, n):
    gains = [NAN] + [max(b - a, 0.0) for a, b in pairwise(values)]
    losses = [NAN] + [max(a - b, 0.0) for a, b in pairwise(values)]
    up, down = smoothed(gains, n, 1 / n), smoothed(losses, n, 1 / n)
    pairs = list(zip(up, down, strict=True))[: len(values)]
    return [100 * u / (u + d) if u + d > 0 else (0.0 if u + d == 0 else NAN) for u, d in pairs]


def plain_trix(values, n):
    triple = plain_ema(plain_ema(plain_ema(values, n), n), n)
    return [NAN, *(100 * (b - a) / a for a, b in pairwise(triple))][: len(values)]


def plain_max(values, n):
    return windows(values, n, max)


def plain_min(values, n):
    return windows(values, n, min)


def plain_true_ranges(high, low, close):
    return [NAN] + [max(high[row], close[row - 1]) - min(low[row], close[row - 1]) for row in range(1, len(close))]


def plain_atr(high, low, close, n):
    return smoothed(plain_true_ranges(high, low, close), n, 1 / n)[: len(close)]


def plain_cci(high, low, close, n):
    typical = [sum(bar) / 3 for bar in zip(high, low, close, strict=True)]

    def index(window):
        mean = math.fsum(window) / n
        spread = math.fsum(abs(value - mean) for value in window) / n
        return (window[-1] - mean) / (0.015 * spread) if spread > 1e-13 * mean else 0.0

    return windows(typical, n, index)


def plain_stochastic_k(high, low, close, n):
    line = []
    for row, price in enumerate(close):
        top, bottom = max(high[max(0, row + 1 - n) : row + 1]), min(low[max(0, row + 1 - n) : row + 1])
        place = 100 * (price - bottom) / (top - bottom) if top > bottom else 0.0
        line.append(place if row + 1 >= n else NAN)
    return line


def plain_aroon_up(high, low, n):
    def latest(window):
        return max(range(len(window)), key=lambda place: (window[place], place))

    return windows(high, n + 1, lambda window: 100 * latest(window) / n)


def plain_obv(close, volume):
    total, line = 0.0, []
    for row, traded in enumerate(volume):
        step = 1 if row == 0 else (close[row] > close[row - 1]) - (close[row] < close[row - 1])
        total += step * traded
        line.append(total)
    return line


def plain_vwap(high, low, close, volume, n):
    typical = [sum(bar) / 3 for bar in zip(high, low, close, strict=True)]
    line = [NAN] * len(close)
    for row in range(n - 1, len(close)):
        part = slice(row + 1 - n, row + 1)
        total = math.fsum(volume[part])
        if total > 0:
            line[row] = math.fsum(p * v for p, v in zip(typical[part], volume[part], strict=True)) / total
    return line


CASES = {
    "sma": ("close", indicators.sma, plain_sma),
    "ema": ("close", indicators.ema, plain_ema),
    "wma": ("close", indicators.wma, plain_wma),
    "rolling_std": ("close", indicators.rolling_std, plain_std),
    "rolling_max": ("close", indicators.rolling_max, plain_max),
    "rolling_min": ("close", indicators.rolling_min, plain_min),
    "rsi": ("close", indicators.rsi, plain_rsi),
    "trix": ("close", indicators.trix, plain_trix),
    "atr": ("high low close", indicators.atr, plain_atr),
    "cci": ("high low close", indicators.cci, plain_cci),
    "stochastic": ("high low close", lambda h, l, c, n: indicators.stochastic(h, l, c, n, 1, 1).k, plain_stochastic_k),  # noqa: E741
    "donchian": ("high low", lambda h, l, n: indicators.donchian(h, l, n).upper, lambda h, l, n: plain_max(h, n)),  # noqa: E741
    "aroon": ("high low", lambda h, l, n: indicators.aroon(h, l, n).up, plain_aroon_up),  # noqa: E741
    "obv": ("close volume", lambda c, v, n: indicators.obv(c, v), lambda c, v, n: plain_obv(c, v)),
    "vwap": ("high low close volume", indicators.vwap, plain_vwap),
}


def bars(rows, seed):
    """Bars on a coarse grid, so that equal highs, lows and closes are common; some without volume."""
    rng = np.random.default_rng(seed)
    close = 50.0 + np.cumsum(rng.integers(-2, 3, rows)) * 0.25
    high, low = close + rng.integers(0, 3, rows) * 0.25, close - rng.integers(0, 3, rows) * 0.25
    volume = rng.integers(0, 4, rows) * 1.5
    return {"high": high, "low": low, "close": close, "volume": volume}


@pytest.mark.parametrize("name", CASES)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(1, 90),
    window=st.integers(1, 12),
    holes=st.sets(st.integers(0, 89), max_size=2),
)
@settings(max_examples=25, deadline=None)
def test_equals_the_plain_definition_between_holes(name, seed, rows, window, holes):
    columns, function, plain = CASES[name]
    market = bars(rows, seed)
    arrays = [market[column] for column in columns.split()]
    holes = sorted(hole for hole in holes if hole < rows)
    expected, start = [], 0
    for hole in [*holes, rows]:
        expected += plain(*(array[start:hole].tolist() for array in arrays), window)
        expected += [NAN] * (hole < rows)
        start = hole + 1
    arrays = [array.copy() for array in arrays]
    for hole in holes:
        arrays[0][hole] = NAN
    np.testing.assert_allclose(function(*arrays, window), expected, rtol=1e-9, atol=1e-9)


@given(seed=st.integers(0, 10_000), days=st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_daily_vwap_is_the_vwap_of_each_day_so_far(seed, days):
    market = bars(24 * days, seed)
    time = np.arange(24 * days) * 3_600_000_000
    line = indicators.daily_vwap(time, *market.values())
    for row in range(24 * days):
        today = slice(row - row % 24, row + 1)
        columns = [column[today].tolist() for column in market.values()]
        np.testing.assert_allclose(line[row], plain_vwap(*columns, row % 24 + 1)[-1], rtol=1e-12)


def recorded(folder, name):
    """Candles of a recording, by column."""
    frame = pl.read_ipc(folder / "binance" / "spot" / name)
    return {column: frame[column].cast(pl.Float64).to_numpy() for column in ("high", "low", "close", "volume")}


@pytest.mark.shared
@pytest.mark.parametrize("name", ["klines-1h-long/BTC_USDT-1h.feather", "klines-5m/BTC_USDT-5m.feather"])
def test_recorded_candles_give_ta_libs_numbers(shared_data, name):
    market = recorded(shared_data, name)
    high, low, close, volume = (column.copy() for column in market.values())
    pairs = [
        (indicators.sma(close, 100), talib.SMA(close, 100)),
        (indicators.ema(close, 26), talib.EMA(close, 26)),
        (indicators.wma(close, 30), talib.WMA(close, 30)),
        (indicators.rsi(close, 14), talib.RSI(close, 14)),
        (indicators.atr(high, low, close, 14), talib.ATR(high, low, close, 14)),
        (indicators.adx(high, low, close, 14).adx, talib.ADX(high, low, close, 14)),
        (indicators.obv(close, volume), talib.OBV(close, volume)),
        (indicators.rolling_max(high, 50), talib.MAX(high, 50)),
        *zip(indicators.bollinger(close, 20, 2.0), talib.BBANDS(close, 20, 2.0, 2.0), strict=True),
        *zip(indicators.aroon(high, low, 25), talib.AROON(high, low, 25)[::-1], strict=True),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    # Lines around zero: as close as 1e-9 of the price, or of their own scale of 100.
    around_zero = [
        *zip(indicators.macd(close), talib.MACD(close), strict=True),
        (indicators.trix(close, 15), talib.TRIX(close, 15)),
        *zip(indicators.stochastic(high, low, close), talib.STOCH(high, low, close, 14, 3, 0, 3, 0), strict=True),
    ]
    for ours, theirs in around_zero:
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9 * close.max())


@pytest.mark.shared
def test_cci_and_deviation_of_recorded_candles(shared_data):
    # TA-Lib sums squares in one number; where prices stood still that costs it digits, so the exact value decides.
    high, low, close, _ = (column.copy() for column in recorded(shared_data, "klines-5m/BTC_USDT-5m.feather").values())
    np.testing.assert_allclose(indicators.cci(high, low, close, 20), talib.CCI(high, low, close, 20), atol=1e-6)
    ours, theirs = indicators.rolling_std(close, 20), talib.STDDEV(close, 20)
    for row in np.argsort(-np.abs(ours - theirs) / ours)[:20]:
        if np.isfinite(ours[row]):
            assert ours[row] == pytest.approx(statistics.pstdev(close[row - 19 : row + 1].tolist()), rel=1e-12)
