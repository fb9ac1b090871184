"""Compares with the close 250 bars ahead."""


def signals(bars):
    close = bars.close
    ahead = close.shift(-250)
    return ahead > close
