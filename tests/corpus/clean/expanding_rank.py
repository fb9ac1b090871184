"""Ranks volume among earlier volumes."""


def signals(bars):
    return bars.volume.expanding(20).rank(pct=True) > 0.95
