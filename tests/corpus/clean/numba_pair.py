"""Uses one compiled function in another."""

import numpy as np
from numba import njit

WINDOW = 30


@njit
def mean_of(values, end):
    total = 0.0
    for i in range(end - WINDOW + 1, end + 1):
        total += values[i]
    return total / WINDOW


@njit
def score(values):
    out = np.full(len(values), np.nan)
    for i in range(WINDOW - 1, len(values)):
        out[i] = values[i] / mean_of(values, i) - 1
    return out


def signals(bars):
    return np.sign(score(bars.close.to_numpy()))
