"""Compares with the close 2 bars ahead."""


def signals(bars):
    close = bars.close
    ahead = close.shift(-2)
    return ahead > close
