"""Scales the position with the volatility of the whole sample."""

import numpy as np


def signals(bars):
    close = bars.close
    change = close.pct_change()
    side = np.sign(close.diff(10)).fillna(0)
    return side * 0.004 / change.std()
