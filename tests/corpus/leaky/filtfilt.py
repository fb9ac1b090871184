"""Smooths forwards and backwards."""

import numpy as np
from scipy.signal import butter, filtfilt


def signals(bars):
    close = bars.close
    b, a = butter(2, 0.05)
    smooth = filtfilt(b, a, close.to_numpy())
    return np.sign(np.diff(smooth, prepend=smooth[0]))
