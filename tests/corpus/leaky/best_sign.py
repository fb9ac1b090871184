"""Turns a feature by its correlation with later returns."""

import numpy as np


def signals(bars):
    feature = bars.close.pct_change(4)
    later = bars.close.pct_change().shift(-1)
    return np.sign(feature * feature.corr(later)).fillna(0)
