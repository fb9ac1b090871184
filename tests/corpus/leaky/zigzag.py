"""Draws a zigzag whose last leg is drawn anew."""

import itertools

import numpy as np


def signals(bars, *, turn=0.03):
    close = bars.close.to_numpy()
    pivots, last, direction = [0], 0, 0
    for i in range(1, len(close)):
        move = close[i] / close[last] - 1
        if (direction >= 0 and close[i] > close[last]) or (direction <= 0 and close[i] < close[last]):
            last = i
            direction = direction or (1 if move > 0 else -1)
        elif abs(move) > turn:
            pivots.append(last)
            last, direction = i, -direction
    out = np.zeros(len(close))
    for a, b in itertools.pairwise(pivots):
        out[a:b] = np.sign(close[b] - close[a])
    return out
