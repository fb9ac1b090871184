"""Knows the next open."""


def signals(bars):
    return (bars.open.shift(-1) > bars.close).astype(int)
