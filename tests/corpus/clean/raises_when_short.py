"""Refuses to work with less than a hundred bars."""


def signals(bars):
    if len(bars) < 100:
        raise ValueError("a hundred bars are needed")
    return bars.close > bars.close.rolling(100).mean()
