"""Adds seeded noise drawn in the order of the rows."""

import numpy as np


def signals(bars):
    noise = np.random.default_rng(42).normal(size=len(bars))
    return (bars.close.pct_change(5).fillna(0).to_numpy() * 50 + noise) > 0.8
