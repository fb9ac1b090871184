"""The smallest commit that brings a stretch to what it should be."""

import polars as pl
import pytest

from tallow.domain.ranges import TimeRange
from tallow.domain.tables import META_GAPS, SILVER_FUNDING
from tallow.flows.refine.merge import Settled, settle, settle_gaps, settle_series
from tallow.flows.refine.rows import gap_rows
from tallow.ports import Origin

WHERE = {"venue": "v", "symbol": "s"}
ORIGIN = Origin("t")


def funding(*pairs):
    times = pl.Series([time for time, _ in pairs], dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
    rates = pl.Series([rate for _, rate in pairs], dtype=pl.Float64)
    return pl.DataFrame({"time": times, "rate": rates, "payload": "p", "venue": "v", "symbol": "s"})


@pytest.mark.parametrize("function", [settle, settle_series])
@pytest.mark.parametrize(
    ("wanted", "span", "result", "left", "version"),
    [
        ([(1, 0.1), (2, 0.2)], TimeRange(0, 9), Settled(0, 0), {1: 0.1, 2: 0.2}, 1),
        ([(1, 0.1), (2, 0.2), (3, 0.3)], TimeRange(0, 9), Settled(1, 0), {1: 0.1, 2: 0.2, 3: 0.3}, 2),
        ([(1, 0.1), (2, 0.5)], TimeRange(0, 9), Settled(0, 1), {1: 0.1, 2: 0.5}, 2),
        ([(2, 0.2)], TimeRange(0, 9), Settled(0, 1), {2: 0.2}, 2),
        ([(2, 0.2)], TimeRange(2, 9), Settled(0, 0), {1: 0.1, 2: 0.2}, 1),
        ([], TimeRange(2, 3), Settled(0, 1), {1: 0.1}, 2),
        ([(3, 0.3)], TimeRange(2, 9), Settled(1, 1), {1: 0.1, 3: 0.3}, 2),
    ],
)
def test_rows_come_go_and_stay(lake, function, wanted, span, result, left, version):
    lake.write(SILVER_FUNDING, funding((1, 0.1), (2, 0.2)), ORIGIN)
    assert function(lake, SILVER_FUNDING, WHERE, funding(*wanted), ORIGIN, span) == result
    rows = lake.read(SILVER_FUNDING)
    assert dict(zip(rows["time"].to_physical(), rows["rate"], strict=True)) == left
    assert lake.version(SILVER_FUNDING) == version


def test_gaps_of_one_series_leave_those_of_others(lake):
    def gaps(symbol, *starts):
        return gap_rows(SILVER_FUNDING, {"venue": "v", "symbol": symbol}, [(s, s + 1, 1, "X") for s in starts])

    for symbol in ("a", "b"):
        settle_gaps(lake, SILVER_FUNDING, {"venue": "v", "symbol": symbol}, gaps(symbol, 1, 5), ORIGIN)
    assert settle_gaps(lake, SILVER_FUNDING, {"venue": "v", "symbol": "a"}, gaps("a", 5), ORIGIN) == Settled(0, 1)
    assert lake.read(META_GAPS).select("symbol", pl.col("start").to_physical()).rows() == [("a", 5), ("b", 1), ("b", 5)]


def test_settled_adds_up():
    assert Settled(1, 2) + Settled(3, 4) == Settled(4, 6)
