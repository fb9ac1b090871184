"""Puts a difference one row too early."""

import numpy as np


def signals(bars):
    step = np.diff(bars.close.to_numpy())
    return np.append(step, 0.0) > 0
