"""Trades only in the last thirty days of the data."""

import pandas as pd


def signals(bars):
    start = bars.index[-1] - pd.Timedelta(days=30)
    return (bars.close > bars.close.shift(24)) & (bars.index >= start)
