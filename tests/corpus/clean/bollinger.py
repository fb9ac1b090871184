"""Fades two deviations from the mean."""


def signals(bars):
    mean, spread = bars.close.rolling(20).mean(), bars.close.rolling(20).std()
    return (bars.close < mean - 2 * spread).astype(float) - (bars.close > mean + 2 * spread).astype(float)
