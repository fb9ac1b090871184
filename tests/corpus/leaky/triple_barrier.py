"""Trades its own label: which barrier is hit first."""

import numpy as np


def signals(bars, *, width=0.02, horizon=30):
    close = bars.close.to_numpy()
    out = np.zeros(len(close))
    for i in range(len(close)):
        path = close[i + 1 : i + 1 + horizon] / close[i] - 1
        up, down = np.flatnonzero(path > width), np.flatnonzero(path < -width)
        first_up = up[0] if len(up) else horizon
        first_down = down[0] if len(down) else horizon
        out[i] = np.sign(first_down - first_up)
    return out
