"""Keeps the low frequencies of the whole sample."""

import numpy as np


def signals(bars):
    close = bars.close
    spectrum = np.fft.rfft(close.to_numpy())
    spectrum[60:] = 0
    smooth = np.fft.irfft(spectrum, len(close))
    return np.gradient(smooth) > 0
