"""Smooths with a centred polynomial."""

from scipy.signal import savgol_filter


def signals(bars):
    close = bars.close
    smooth = savgol_filter(close, 31, 3)
    return close.to_numpy() < smooth
