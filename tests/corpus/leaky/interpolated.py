"""Draws lines between sparse points."""


def signals(bars):
    sparse = bars.close.where(bars.index.hour == 0)
    return sparse.interpolate().bfill() > bars.close
