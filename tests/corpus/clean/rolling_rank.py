"""Ranks within trailing windows."""


def signals(bars):
    return bars.close.rolling(50).rank(pct=True) - 0.5
