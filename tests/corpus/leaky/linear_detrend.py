"""Removes a line fitted to all rows."""

from scipy.signal import detrend


def signals(bars):
    close = bars.close
    rest = detrend(close.to_numpy())
    return rest < 0
