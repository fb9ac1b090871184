"""Shifts the wrong way in polars."""

import polars as pl


def signals(bars):
    frame = pl.DataFrame({"close": bars["close"].to_numpy()})
    return frame.select((pl.col("close").shift(-1) > pl.col("close")).cast(pl.Int8))["close"]
