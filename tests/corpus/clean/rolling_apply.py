"""Applies a function to trailing windows."""

import numpy as np


def slope(window):
    x = np.arange(len(window)) - (len(window) - 1) / 2
    return x @ window / (x @ x)


def signals(bars):
    return bars.close.rolling(24).apply(slope, raw=True) > 0
