"""Fills a sparse signal from the far side of its gaps."""


def signals(bars):
    close = bars.close
    sparse = close.where(bars.volume > bars.volume.rolling(50).quantile(0.9))
    return close < sparse.bfill()
