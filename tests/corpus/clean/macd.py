"""Follows the sign of the MACD histogram."""

import numpy as np


def signals(bars):
    line = bars.close.ewm(span=12).mean() - bars.close.ewm(span=26).mean()
    return np.sign(line - line.ewm(span=9).mean())
