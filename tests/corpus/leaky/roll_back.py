"""Rolls the array the wrong way."""

import numpy as np


def signals(bars):
    return np.where(np.roll(bars.close.values, -2) > bars.close.values, 1.0, -1.0)
