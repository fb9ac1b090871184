"""Fits a line again every hundred bars, on earlier bars only."""

import numpy as np


def signals(bars, *, step=100, window=300):
    change = bars.close.pct_change().fillna(0).to_numpy()
    x = np.column_stack([np.roll(change, k) for k in (0, 1, 2)])
    x[:2] = 0
    out = np.zeros(len(change))
    for start in range(window, len(change), step):
        past = slice(start - window, start - 1)
        weight, *_ = np.linalg.lstsq(x[past], change[start - window + 1 : start], rcond=None)
        out[start : start + step] = np.sign(x[start : start + step] @ weight)
    return out
