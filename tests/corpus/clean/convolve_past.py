"""Convolves with a kernel that looks back."""

import numpy as np


def signals(bars):
    smooth = np.convolve(bars.close, np.ones(15) / 15)[: len(bars)]
    smooth[:14] = np.nan
    return (bars.close.to_numpy() > smooth) * 1.0
