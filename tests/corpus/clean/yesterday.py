"""Compares with the range of the day before."""


def signals(bars):
    day = bars.index.floor("D")
    high = bars.high.groupby(day).max().shift(1)
    return bars.close.to_numpy() > high.reindex(day).to_numpy()
