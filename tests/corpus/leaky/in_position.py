"""Leaves a position one bar before it would lose."""

import numpy as np


def signals(bars):
    close = bars.close.to_numpy()
    entry = (bars.close.rolling(5).mean() > bars.close.rolling(60).mean()).to_numpy()
    out, held = np.zeros(len(close)), False
    for i in range(len(close)):
        if not held and entry[i] and i and not entry[i - 1]:
            held = True
        elif (held and i + 1 < len(close) and close[i + 1] < close[i] * 0.988) or (held and not entry[i]):
            held = False
        out[i] = held
    return out
