"""Uses the volume-weighted price of the full day."""


def signals(bars):
    close = bars.close
    day = bars.index.floor("D")
    total = (close * bars.volume).groupby(day).transform("sum") / bars.volume.groupby(day).transform("sum")
    return (close < total).astype(float)
