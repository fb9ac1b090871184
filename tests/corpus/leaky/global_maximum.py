"""Measures the distance to the highest high of all."""


def signals(bars):
    close = bars.close
    return bars.high.max() / close - 1 > 0.05
