"""Stays out with too few bars."""

import numpy as np


def signals(bars, *, slow=80):
    if len(bars) < slow:
        return np.zeros(len(bars))
    return (bars.close > bars.close.rolling(slow).mean()).to_numpy()
