"""Looks the close of the current day up in a dictionary."""


def signals(bars):
    close = bars.close
    day = bars.index.date
    last = dict(zip(day, close, strict=False))
    return [int(last[d] > c) for d, c in zip(day, close, strict=False)]
