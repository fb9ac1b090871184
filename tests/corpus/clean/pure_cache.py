"""Caches weights that depend on the parameter alone."""

from functools import cache

import numpy as np


@cache
def weights(size):
    return np.arange(1, size + 1) / (size * (size + 1) / 2)


def signals(bars, *, size=16):
    mean = bars.close.rolling(size).apply(lambda window: window @ weights(size), raw=True)
    return bars.close > mean
