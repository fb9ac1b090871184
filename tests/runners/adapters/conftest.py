"""One rule in every style: long while the fast simple average is above the slow one."""

import textwrap

import numpy as np
import pytest

from tallow.domain.columns import Bars
from tallow.domain.timeframes import HOUR

BACKTESTING = """
    from tallow import indicators
    from tallow.adapters.backtesting import Strategy, crossover

    class Cross(Strategy):
        fast = 5
        slow = 20

        def init(self):
            self.quick = self.I(indicators.sma, self.data.Close, self.fast)
            self.calm = self.I(indicators.sma, self.data.Close, self.slow, name="calm")

        def next(self):
            if crossover(self.quick, self.calm):
                self.buy()
            elif crossover(self.calm, self.quick):
                self.position.close()
"""
FREQTRADE = """
    from tallow import indicators
    from tallow.adapters.freqtrade import IStrategy, crossed_above, crossed_below

    class Cross(IStrategy):
        timeframe = "1h"
        startup_candle_count = 19
        fast = 5
        slow = 20

        def populate_indicators(self, dataframe, metadata):
            close = dataframe["close"].to_numpy()
            dataframe["quick"] = indicators.sma(close, self.fast)
            dataframe["calm"] = indicators.sma(close, self.slow)
            return dataframe

        def populate_entry_trend(self, dataframe, metadata):
            dataframe.loc[crossed_above(dataframe["quick"], dataframe["calm"]), "enter_long"] = 1
            return dataframe

        def populate_exit_trend(self, dataframe, metadata):
            dataframe.loc[crossed_below(dataframe["quick"], dataframe["calm"]), "exit_long"] = 1
            return dataframe
"""
FUNCTION = """
    import pandas as pd
    from tallow import indicators

    def signals(bars, *, fast=5, slow=20):
        close = bars["close"].to_numpy()
        quick, calm = indicators.sma(close, fast), indicators.sma(close, slow)
        return pd.Series(quick > calm, bars.index).astype(float)
"""
CLASS = """
    import tallow

    class Cross(tallow.Strategy):
        fast = 5
        slow = 20

        def init(self):
            self.quick = self.indicator(tallow.indicators.sma, self.bars.close, self.fast)
            self.calm = self.indicator(tallow.indicators.sma, self.bars.close, self.slow)

        def next(self):
            self.target = float(self.quick[-1] > self.calm[-1])
"""
STYLES = {"backtesting": BACKTESTING, "freqtrade": FREQTRADE, "function": FUNCTION, "class": CLASS}


@pytest.fixture
def bars() -> Bars:
    """400 hourly bars that begin with a fall, so that the first crossing is upwards."""
    draw, count = np.random.default_rng(8), 400
    steps = draw.normal(0, 0.01, count)
    steps[:30] -= 0.01
    close = 50 * np.exp(np.cumsum(steps))
    opened = np.concatenate(([50.0], close[:-1])) * 1.0001
    high, low = np.maximum(opened, close) * 1.003, np.minimum(opened, close) * 0.997
    return Bars.of(np.arange(count) * HOUR, (opened, high, low, close, draw.uniform(1, 9, count)))


@pytest.fixture
def write(tmp_path):
    """Write a strategy file and give its path as text."""

    def written(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return str(path)

    return written


@pytest.fixture
def styles():
    """The rule as text, by style."""
    return STYLES
