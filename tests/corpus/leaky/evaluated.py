"""Computes from a text."""

RULE = "c.shift(1 - 2) / c - 1"


def signals(bars):
    return eval(RULE, {"c": bars.close}).fillna(0) > 0
