"""Differences against the next bar."""


def signals(bars):
    close = bars.close
    return (close.diff(-1) < 0).astype(float)
