import hashlib
import io

import numpy as np
import polars as pl

from tallow.domain.columns import Bars
from tallow.domain.market import parse_symbol
from tallow.domain.timeframes import parse_timeframe
from tallow.flows.ingest.own import page_of


def test_own_candles_become_a_payload_that_can_be_read_again() -> None:
    values = np.array([1.0, 2.0, 3.0])
    bars = Bars.of(np.array([0, 1, 2]) * 3_600_000_000, (values, values, values, values, values))
    page = page_of(bars, parse_symbol("own:BTC/USDT"), parse_timeframe("1h"), 7)
    again = page_of(bars, parse_symbol("own:BTC/USDT"), parse_timeframe("1h"), 8)
    assert hashlib.sha256(page.payload.content).digest() == hashlib.sha256(again.payload.content).digest()
    frame = pl.read_ipc(io.BytesIO(page.payload.content))
    assert frame["close"].to_list() == [1.0, 2.0, 3.0]
    assert frame["date"].dtype == pl.Datetime("us", "UTC")
    assert (page.kind, page.payload.format, page.payload.received_time) == ("candles", "feather", 7)
