"""Compares with the average price of the day so far."""


def signals(bars):
    day = bars.index.floor("D")
    spent = (bars.close * bars.volume).groupby(day).cumsum()
    return bars.close < spent / bars.volume.groupby(day).cumsum()
