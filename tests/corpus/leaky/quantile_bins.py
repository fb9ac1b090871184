"""Bins momentum by deciles of the whole sample."""

import pandas as pd


def signals(bars):
    close = bars.close
    momentum = close.pct_change(12)
    return (pd.qcut(momentum, 10, labels=False) >= 8).astype(float)
