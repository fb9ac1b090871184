"""Takes central differences."""

import numpy as np


def signals(bars):
    close = bars.close
    slope = np.gradient(close.to_numpy())
    return (slope > 0) * 1
