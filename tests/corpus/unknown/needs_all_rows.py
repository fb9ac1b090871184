"""Runs on the whole data only."""


def signals(bars):
    if len(bars) % 100:
        raise ValueError("whole hundreds of bars only")
    return bars.close > bars.close.rolling(9).mean()
