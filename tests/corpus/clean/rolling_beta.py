"""Regresses on trailing windows."""

import numpy as np


def signals(bars):
    change, volume = bars.close.pct_change(), bars.volume.pct_change()
    beta = change.rolling(60).cov(volume) / volume.rolling(60).var()
    return np.sign(beta).fillna(0)
