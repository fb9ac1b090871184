"""Trains on the first seven tenths and trades on them as well."""

import numpy as np


def signals(bars):
    close = bars.close
    x = np.column_stack([np.ones(len(close)), close.pct_change(3).fillna(0)])
    y = close.pct_change().shift(-1).fillna(0).to_numpy()
    cut = int(len(close) * 0.7)
    weight, *_ = np.linalg.lstsq(x[:cut], y[:cut], rcond=None)
    return (x @ weight) > 0
