"""Reads the next element in a compiled loop."""

import numpy as np
from numba import njit


@njit
def decide(close, slow):
    out = np.zeros(len(close))
    for i in range(slow, len(close) - 1):
        mean = close[i - slow : i].mean()
        if close[i] > mean and close[i + 1] > close[i] * 1.002:
            out[i] = 1.0
    return out


def signals(bars, *, slow=20):
    return decide(bars.close.to_numpy(), slow)
