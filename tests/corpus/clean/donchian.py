"""Breaks out of the channel of earlier bars."""

import numpy as np
import pandas as pd


def signals(bars):
    top, bottom = bars.high.rolling(20).max().shift(1), bars.low.rolling(20).min().shift(1)
    side = np.where(bars.close > top, 1.0, np.where(bars.close < bottom, 0.0, np.nan))
    return pd.Series(side).ffill().fillna(0).to_list()
