"""Compares with the mean of the whole current day."""


def signals(bars):
    close = bars.close
    mean = close.groupby(bars.index.floor("D")).transform("mean")
    return close < mean
