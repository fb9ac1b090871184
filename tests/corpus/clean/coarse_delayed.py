"""Uses a four-hour trend once its bar is closed."""


def signals(bars):
    coarse = bars.close.resample("4h").last()
    trend = (coarse > coarse.rolling(6).mean()).astype(float).shift(1)
    return trend.reindex(bars.index, method="ffill")
