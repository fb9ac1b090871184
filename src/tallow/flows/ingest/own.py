"""Make a page of candles that the caller holds in memory."""

import io
from typing import TYPE_CHECKING

from tallow.domain.columns import COLUMNS, Bars
from tallow.domain.market import Instrument
from tallow.domain.timeframes import Timeframe
from tallow.ports import Page, Payload

if TYPE_CHECKING:
    import polars as pl


def page_of(bars: Bars, instrument: Instrument, timeframe: Timeframe, received_time: int) -> Page:
    """Give a page whose payload is the candles as an uncompressed Arrow file, named after what they are."""
    buffer = io.BytesIO()
    _frame(bars).write_ipc(buffer, compression="uncompressed")
    payload = Payload(buffer.getvalue(), f"own data {instrument} {timeframe}", "feather", received_time)
    return Page(payload, "candles", instrument, bars, timeframe)


def _frame(bars: Bars) -> "pl.DataFrame":
    import polars as pl

    frame = pl.DataFrame({name: getattr(bars, name) for name in COLUMNS})
    return frame.with_columns(pl.col("time").cast(pl.Datetime("us", "UTC"))).rename({"time": "date"})
