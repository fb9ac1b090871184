"""Stamps values one bar too early before joining them."""

import pandas as pd


def signals(bars):
    score = bars.close.pct_change()
    score.index = score.index - pd.Timedelta(hours=1)
    return score.reindex(bars.index).ffill().fillna(0).gt(0)
