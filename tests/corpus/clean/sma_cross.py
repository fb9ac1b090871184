"""Crosses two moving averages."""


def signals(bars, *, fast=10, slow=30):
    return bars.close.rolling(fast).mean() > bars.close.rolling(slow).mean()
