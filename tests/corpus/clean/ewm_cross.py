"""Crosses two exponential averages."""


def signals(bars):
    return (bars.close.ewm(span=12, adjust=False).mean() > bars.close.ewm(span=26, adjust=False).mean()).astype(int)
