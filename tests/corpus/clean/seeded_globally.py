"""Seeds numpy's own generator in the function."""

import numpy as np


def signals(bars):
    np.random.seed(11)
    lucky = np.random.rand(len(bars)) < 0.3
    return lucky & (bars.close > bars.close.shift(3))
