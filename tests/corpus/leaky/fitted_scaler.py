"""Fits a scaler on all rows."""

import numpy as np
from sklearn.preprocessing import StandardScaler


def signals(bars):
    close = bars.close
    x = close.pct_change(10).fillna(0).to_numpy()[:, None]
    scaled = StandardScaler().fit_transform(x)[:, 0]
    return np.clip(scaled, -1, 1)
