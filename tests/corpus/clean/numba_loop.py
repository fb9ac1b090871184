"""Holds a position in a compiled loop."""

import numpy as np
from numba import njit


@njit
def decide(close, window, band):
    out, held = np.zeros(len(close)), 0.0
    for i in range(window, len(close)):
        mean = close[i - window : i + 1].mean()
        if close[i] > mean * (1 + band):
            held = 1.0
        elif close[i] < mean * (1 - band):
            held = 0.0
        out[i] = held
    return out


def signals(bars, *, window=25, band=0.004):
    return decide(bars.close.to_numpy(), window, band)
