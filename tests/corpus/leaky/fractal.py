"""Marks a low as a fractal two bars before it is known."""

import pandas as pd


def signals(bars):
    low, high = bars.low, bars.high
    bottom = (low < low.shift(1)) & (low < low.shift(2)) & (low < low.shift(-1)) & (low < low.shift(-2))
    top = (high > high.shift(1)) & (high > high.shift(2)) & (high > high.shift(-1)) & (high > high.shift(-2))
    side = pd.Series(float("nan"), bars.index)
    side[bottom], side[top] = 1.0, 0.0
    return side.ffill().fillna(0)
