"""Uses a fractal two bars later, when it is known."""


def signals(bars):
    low = bars.low
    bottom = (low.shift(2) < low.shift(3)) & (low.shift(2) < low.shift(4))
    bottom &= (low.shift(2) < low.shift(1)) & (low.shift(2) < low)
    return bottom.rolling(6).max().fillna(0)
