"""Compares with the first price of the day."""


def signals(bars):
    return bars.close > bars.open.groupby(bars.index.date).transform("first")
