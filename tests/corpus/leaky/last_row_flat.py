"""Closes on the last bar of the data."""


def signals(bars):
    side = (bars.close.rolling(7).mean() > bars.close.rolling(21).mean()).astype(float)
    side.iloc[-1] = 0.0
    return side
