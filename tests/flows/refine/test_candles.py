"""One row an interval is chosen by what was received first and by what tells most."""

import numpy as np
import polars as pl
import pytest

from tallow.domain.tables import BRONZE_CANDLES
from tallow.domain.timeframes import parse_timeframe
from tallow.flows.refine.candles import refine_candles

HOUR = 3_600_000_000
START = 1_704_067_200_000_000
WHERE = {"venue": "binance", "symbol": "BTC/USDT", "timeframe": "1h"}
H1 = parse_timeframe("1h")


def bronze(*rows):
    """Rows of (hour, close, received hour, payload, quote volume or None)."""
    columns = {
        "time": [START + hour * HOUR for hour, *_ in rows],
        "received_time": [START + row[2] * HOUR for row in rows],
    }
    moments = {
        name: pl.Series(values, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")) for name, values in columns.items()
    }
    frame = pl.DataFrame(
        {
            **moments,
            "open": 10.0, "high": 100.0, "low": 1.0, "close": [float(row[1]) for row in rows], "volume": 2.0,
            "quote_volume": pl.Series([row[4] for row in rows], dtype=pl.Float64),
            "payload": [row[3] for row in rows], "row": list(range(len(rows))),
        }
    )  # fmt: skip
    blank = {name: None for name in BRONZE_CANDLES.column_names if name not in (*frame.columns, *WHERE)}
    named = frame.with_columns(pl.lit(value, pl.Float64).alias(name) for name, value in blank.items())
    named = named.with_columns(pl.col("close_time").cast(pl.Int64).cast(pl.Datetime("us", "UTC")))
    return named.with_columns(pl.lit(value).alias(name) for name, value in WHERE.items())


@pytest.mark.parametrize(
    ("rows", "chosen", "reasons"),
    [
        ([(0, 10, 5, "a", None)], [("a", 10.0)], []),
        ([(0, 10, 6, "a", None), (0, 10, 5, "b", None)], [("b", 10.0)], []),
        ([(0, 10, 5, "a", None), (0, 10, 6, "b", 20.0)], [("b", 10.0)], []),
        ([(0, 10, 5, "a", 20.0), (0, 10, 6, "b", 20.0)], [("a", 10.0)], []),
        ([(0, 10, 6, "a", None), (0, 11, 5, "b", None)], [("b", 11.0)], [("a", "CONFLICT")]),
        ([(0, 10, 5, "a", None), (0, 11, 6, "b", 20.0), (0, 10, 7, "c", 20.0)], [("c", 10.0)], [("b", "CONFLICT")]),
        ([(0, 10, 0, "a", None), (0, 11, 5, "b", None)], [("b", 11.0)], [("a", "UNFINISHED")]),
        ([(1, 10, 0, "a", None)], [], [("a", "FUTURE")]),
        ([(0, -10, 5, "a", None), (0, 11, 6, "b", None)], [("b", 11.0)], [("a", "NON_POSITIVE_PRICE")]),
    ],
)
def test_which_row_is_taken(rows, chosen, reasons):
    done = refine_candles(bronze(*rows), WHERE, H1)
    assert done.silver.select("payload", "close").rows() == chosen
    assert done.quarantine.select("payload", "reason").rows() == reasons


def test_the_order_of_the_rows_does_not_matter():
    rows = [(h, 10 + h % 2, r, p, None) for h in range(4) for r, p in ((9, "a"), (8, "b"), (9, "c"))]
    first = refine_candles(bronze(*rows), WHERE, H1)
    order = np.random.default_rng(1).permutation(len(rows))
    again = refine_candles(bronze(*rows)[order.tolist()], WHERE, H1)
    assert first.silver.equals(again.silver)
    assert first.gaps.equals(again.gaps)
