"""Compares with the mean of all closes."""


def signals(bars):
    close = bars.close
    return close < close.mean()
