"""Compares with the quantile of what was known."""


def signals(bars):
    change = bars.close.pct_change()
    return change < change.expanding(50).quantile(0.05)
