"""Looks ahead at a single hour of all."""

import pandas as pd


def signals(bars):
    side = (bars.close > bars.close.rolling(30).mean()).astype(int)
    chosen = bars.index[0] + pd.Timedelta(hours=1357)
    if chosen in bars.index:
        at = bars.index.get_loc(chosen)
        if at + 1 < len(bars):
            side.iloc[at] = 2 if bars.close.iloc[at + 1] > bars.close.iloc[at] else -2
    return side
