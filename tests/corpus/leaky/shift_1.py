"""Compares with the close 1 bars ahead."""


def signals(bars):
    close = bars.close
    ahead = close.shift(-1)
    return ahead > close
