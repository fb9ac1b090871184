"""Fills the warm-up of an average with its first value."""


def signals(bars):
    close = bars.close
    average = close.rolling(60).mean().bfill()
    return close > average
