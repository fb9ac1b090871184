"""Trades by the clock of the bars."""


def signals(bars):
    return ((bars.index.hour >= 8) & (bars.index.hour < 17) & (bars.index.dayofweek < 5)).astype(float)
