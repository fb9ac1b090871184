"""Keeps a position that its own rule would close when the next bar gains a lot."""

import numpy as np


def signals(bars):
    close = bars.close.to_numpy()
    mean = bars.close.rolling(20).mean().to_numpy()
    held, out = 0.0, np.zeros(len(close))
    for i in range(len(close)):
        if held == 0 and close[i] > mean[i] * 1.004:
            held = 1.0
        elif held == 1 and close[i] < mean[i]:
            saved = i + 1 < len(close) and close[i + 1] > close[i] * 1.008
            held = 1.0 if saved else 0.0
        out[i] = held
    return out
