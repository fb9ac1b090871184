"""Mistake 1: a peak is told by the bar after it, and sold at the peak itself."""

import numpy as np

from tallow import indicators


def signals(bars, *, window=9):
    line = indicators.trix(bars["close"].to_numpy(), window)
    target = np.full(len(bars), np.nan)
    for t in range(1, len(bars) - 1):
        if line[t - 1] > line[t] < line[t + 1]:
            target[t] = 1.0
        if line[t - 1] < line[t] > line[t + 1]:
            target[t] = 0.0
    return target
