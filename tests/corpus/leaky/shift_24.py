"""Compares with the close 24 bars ahead."""


def signals(bars):
    close = bars.close
    ahead = close.shift(-24)
    return ahead > close
