"""Trades hours that were good until now."""


def signals(bars):
    change = bars.close.pct_change().fillna(0)
    known = change.groupby(bars.index.hour).transform(lambda one: one.shift(1).expanding().mean())
    return known > 0.0002
