"""Mistake 2: another market, read from a file beside the strategy, carried over the days on which it is closed."""

from pathlib import Path

import pandas as pd


def signals(bars):
    stocks = pd.read_csv(Path(__file__).with_name("stocks.csv"), index_col=0, parse_dates=True)["close"]
    index = stocks.tz_localize("UTC").reindex(bars.index, method="ffill")
    return (index.diff(24) > 0).astype(float)
