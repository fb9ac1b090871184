"""Buys where the low is the lowest of a centred window."""


def signals(bars):
    low, high = bars.low, bars.high
    bottom = low == low.rolling(21, center=True).min()
    top = high == high.rolling(21, center=True).max()
    side = bottom.astype(float) - top.astype(float)
    return side.where(side != 0).ffill().fillna(0)
