"""Uses the four-hour close before the four hours are over."""


def signals(bars):
    close = bars.close
    coarse = close.resample("4h").last()
    trend = coarse > coarse.rolling(6).mean()
    return trend.reindex(bars.index, method="ffill")
