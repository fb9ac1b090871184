"""Hides the direction of a shift in a helper."""


def lagged(series, bars_back):
    return series.shift(bars_back)


def signals(bars, *, lag=-2):
    return bars.close < lagged(bars.close, lag)
