"""Holds what rose over a day."""


def signals(bars):
    return (bars.close.pct_change(24) > 0.01).to_numpy()
