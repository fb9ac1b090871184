"""Convolves by FFT with a kernel that looks back."""

import numpy as np
from scipy.signal import fftconvolve


def signals(bars):
    kernel = np.exp(-np.arange(40) / 8)
    change = np.log(bars.close).diff().fillna(0).to_numpy()
    trend = fftconvolve(change, kernel / kernel.sum())[: len(change)]
    return np.tanh(400 * trend)
