"""Looks ahead only while a position is under water."""

import numpy as np


def signals(bars):
    close = bars.close.to_numpy()
    entry = (bars.close.pct_change(24) > 0.02).to_numpy()
    out, price = np.zeros(len(close)), 0.0
    for i in range(len(close)):
        if price == 0 and entry[i]:
            price = close[i]
        elif price and close[i] < price * 0.985:
            if i + 2 < len(close) and close[i + 2] < close[i]:
                price = 0.0
        elif price and close[i] > price * 1.03:
            price = 0.0
        out[i] = price > 0
    return out
