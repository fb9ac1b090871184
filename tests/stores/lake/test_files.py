"""Only files that can hold an answer are opened."""

import polars as pl
import pytest
from deltalake import DeltaTable

from tallow.domain.ranges import EVERYTHING, TimeRange
from tallow.domain.tables import META_LINEAGE, SILVER_CANDLES
from tallow.stores.lake.files import DataFile, data_files, read_files

HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("start", "end", "span", "expected"),
    [
        (100_000, 200_000, TimeRange(0, 100_000), False),
        (100_000, 200_000, TimeRange(0, 100_001), True),
        (100_000, 200_000, TimeRange(200_000, 300_000), True),
        (100_000, 200_000, TimeRange(201_001, 300_000), False),
        (None, None, TimeRange(0, 1), True),
    ],
)
def test_a_file_is_skipped_when_its_times_lie_outside(start, end, span, expected):
    assert DataFile("x", (), start, end).may_hold(span) is expected


def test_files_are_listed_with_series_and_times(lake, candles, origin):
    lake.write(SILVER_CANDLES, pl.concat([candles([1, 5]), candles([2], "A:B/C%D")]), origin)
    files = data_files(DeltaTable(lake.location(SILVER_CANDLES)), SILVER_CANDLES)
    assert {(file.series[1], file.start, file.end) for file in files} == {
        ("BTC/USDT", HOUR, 5 * HOUR),
        ("A:B/C%D", 2 * HOUR, 2 * HOUR),
    }
    parts = read_files(SILVER_CANDLES, files, {"symbol": "A:B/C%D"}, EVERYTHING, ("close",))
    assert list(parts) == [("binance", "A:B/C%D", "1h")]
    assert parts[("binance", "A:B/C%D", "1h")].columns == [*SILVER_CANDLES.key, "close"]


def test_a_table_without_files_has_none(lake):
    with lake.exclusive():
        pass
    for table in (SILVER_CANDLES, META_LINEAGE):
        assert data_files(DeltaTable(lake.location(table)), table) == []
