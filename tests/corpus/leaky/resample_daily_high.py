"""Compares with the high of the day still under way."""


def signals(bars):
    close = bars.close
    high = bars.high.resample("1D").max().reindex(bars.index, method="ffill")
    return close > 0.995 * high
