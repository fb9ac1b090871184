"""Divides by the last close."""


def signals(bars):
    return bars.close / bars.close.iloc[-1] < 1
