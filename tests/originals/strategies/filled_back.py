"""Mistake 2: a series with one value a day is filled backwards onto hours."""


def signals(bars):
    known = bars["close"].where(bars.index.hour == 23)
    index = known.bfill()
    return (index > index.shift(1).rolling(24).mean()).astype(float)
