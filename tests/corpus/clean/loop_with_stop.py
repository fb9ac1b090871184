"""Holds with a trailing stop."""

import numpy as np


def signals(bars, *, stop=0.02):
    close = bars.close.to_numpy()
    entry = (bars.close > bars.close.rolling(48).max().shift(1)).to_numpy()
    out, top = np.zeros(len(close)), 0.0
    for i in range(len(close)):
        if top == 0 and entry[i]:
            top = close[i]
        elif top:
            top = max(top, close[i])
            if close[i] < top * (1 - stop):
                top = 0.0
        out[i] = top > 0
    return out
