"""Joins the last finished day."""

import pandas as pd


def signals(bars):
    daily = bars.close.resample("1D").mean()
    known = daily.rename("daily").reset_index()
    known["timestamp"] += pd.Timedelta(days=1)
    joined = pd.merge_asof(bars.reset_index(), known, on="timestamp")
    return (joined.close > joined.daily).to_numpy()
