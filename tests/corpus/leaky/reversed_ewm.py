"""Averages from the future backwards."""


def signals(bars):
    flipped = bars.close.iloc[::-1].ewm(span=30).mean().iloc[::-1]
    return flipped > bars.close
