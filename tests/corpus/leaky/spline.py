"""Draws a smoothing spline through everything."""

import numpy as np
from scipy.interpolate import UnivariateSpline


def signals(bars):
    close = bars.close
    x = np.arange(len(close))
    curve = UnivariateSpline(x, np.log(close), s=len(close) * 1e-4)(x)
    return np.log(close.to_numpy()) < curve
