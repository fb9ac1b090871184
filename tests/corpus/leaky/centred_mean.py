"""Smooths with a centred window."""


def signals(bars):
    close = bars.close
    return close > close.rolling(11, center=True).mean()
