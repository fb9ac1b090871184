"""Computes in polars."""

import polars as pl


def signals(bars):
    frame = pl.DataFrame({"close": bars["close"].to_numpy()})
    return frame.select(pl.col("close") > pl.col("close").rolling_mean(20))["close"]
