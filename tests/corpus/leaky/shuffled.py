"""Picks rows by a seeded permutation of all of them."""

import numpy as np


def signals(bars):
    order = np.random.default_rng(5).permutation(len(bars))
    out = np.zeros(len(bars))
    out[order[: len(bars) // 2]] = 1
    return out
