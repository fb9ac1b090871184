"""Ranks each close among all closes."""


def signals(bars):
    close = bars.close
    return close.rank(pct=True) < 0.25
