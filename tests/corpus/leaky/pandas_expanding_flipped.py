"""Expands from the newest bar."""


def signals(bars):
    top = bars.high.sort_index(ascending=False).expanding().max().sort_index()
    return bars.close < 0.93 * top
