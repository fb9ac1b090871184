"""Stamps daily values with the end of their day."""


def signals(bars):
    daily = bars.close.resample("1D", label="right", closed="left").last()
    return bars.close > daily.reindex(bars.index, method="ffill")
