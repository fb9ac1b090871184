"""Convolves with a kernel laid over both sides."""

import numpy as np


def signals(bars):
    close = bars.close
    smooth = np.convolve(close, np.ones(9) / 9, mode="same")
    return close.to_numpy() < smooth
