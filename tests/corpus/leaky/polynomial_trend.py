"""Fits a parabola to all closes."""

import numpy as np


def signals(bars):
    close = bars.close
    x = np.linspace(0, 1, len(close))
    fit = np.polyval(np.polyfit(x, close, 2), x)
    return close.to_numpy() > fit
