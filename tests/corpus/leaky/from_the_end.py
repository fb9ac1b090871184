"""Sums from the end."""


def signals(bars):
    change = bars.close.diff().fillna(0)
    rest = change[::-1].cumsum()[::-1]
    return rest > 0
