"""Cuts at quantiles of all returns."""


def signals(bars):
    close = bars.close
    change = close.pct_change()
    return (change < change.quantile(0.1)).astype(int) - (change > change.quantile(0.9)).astype(int)
