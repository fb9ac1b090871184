"""Tosses a coin."""

import numpy as np


def signals(bars):
    return np.random.default_rng().random(len(bars)) > 0.5
