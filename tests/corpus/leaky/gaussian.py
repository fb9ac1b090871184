"""Smooths with a symmetric kernel."""

from scipy.ndimage import gaussian_filter1d


def signals(bars):
    close = bars.close
    smooth = gaussian_filter1d(close.to_numpy(), 6)
    return smooth[:] > close.to_numpy()
