"""Adds a look three bars ahead to a crossing rule."""


def signals(bars):
    close = bars.close
    fast, slow = close.rolling(8).mean(), close.rolling(40).mean()
    rising = close.shift(-3) > close
    return ((fast > slow) & rising).astype(int)
