"""Buys below 30 and sells above 70."""

import numpy as np
import pandas as pd


def signals(bars):
    step = bars.close.diff()
    up = step.clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()
    down = (-step.clip(upper=0)).ewm(alpha=1 / 14, adjust=False).mean()
    rsi = 100 - 100 / (1 + up / down)
    side = pd.Series(np.nan, bars.index)
    side[rsi < 35], side[rsi > 65] = 1.0, 0.0
    return side.ffill().fillna(0)
