"""Standardises with the mean and deviation of all rows."""


def signals(bars):
    close = bars.close
    score = (close - close.mean()) / close.std()
    return -score.clip(-1, 1)
