"""Trades only where volume is above its median of all rows."""

import numpy as np


def signals(bars):
    close = bars.close
    return (close > close.shift(1)) & (bars.volume > np.median(bars.volume))
