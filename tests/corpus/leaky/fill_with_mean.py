"""Fills missing momentum with the mean of all."""


def signals(bars):
    close = bars.close
    momentum = close.pct_change(30)
    quiet = momentum.where(momentum.abs() > 0.01)
    return quiet.fillna(quiet.mean())
