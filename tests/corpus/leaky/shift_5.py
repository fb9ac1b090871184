"""Compares with the close 5 bars ahead."""


def signals(bars):
    close = bars.close
    ahead = close.shift(-5)
    return ahead > close
