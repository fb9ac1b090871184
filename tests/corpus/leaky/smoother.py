"""Runs a Kalman filter forwards and a smoother backwards."""

import numpy as np


def signals(bars):
    price = np.log(bars.close.to_numpy())
    level, spread = np.empty(len(price)), np.empty(len(price))
    x, p = price[0], 1.0
    for i, z in enumerate(price):
        p += 1e-5
        gain = p / (p + 1e-4)
        x, p = x + gain * (z - x), (1 - gain) * p
        level[i], spread[i] = x, p
    for i in range(len(price) - 2, -1, -1):
        level[i] += spread[i] / (spread[i] + 1e-5) * (level[i + 1] - level[i])
    return price < level
