"""Grows its position with the share of all bars that have passed."""

import numpy as np


def signals(bars):
    side = (bars.close > bars.close.rolling(15).mean()).astype(float)
    return side * np.arange(len(bars)) / len(bars)
