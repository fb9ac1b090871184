"""Scales between the lowest and the highest close of all."""


def signals(bars):
    close = bars.close
    scaled = (close - close.min()) / (close.max() - close.min())
    return scaled < 0.3
