"""Steps aside on the few bars before a large fall."""


def signals(bars):
    fast, slow = bars.close.ewm(span=12).mean(), bars.close.ewm(span=48).mean()
    fall = bars.close.shift(-1) / bars.close - 1 < -0.021
    return ((fast > slow) & ~fall).astype(float)
