"""Frames take the shape of their table."""

import polars as pl
import pytest

from tallow.domain.errors import UserError
from tallow.domain.tables import META_LINEAGE, SILVER_CANDLES, TABLES
from tallow.stores.lake.frames import by_series, delta_schema, joined, polars_schema, without


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.full_name)
def test_both_schemas_have_the_columns_of_the_table(table):
    assert tuple(polars_schema(table)) == table.column_names
    fields = delta_schema(table).fields
    assert [field.name for field in fields] == list(table.column_names)
    assert [field.metadata["comment"] for field in fields] == [column.meaning for column in table.columns]


def test_rows_are_split_by_series_each_sorted_and_unique(candles):
    frame = pl.concat([candles([2, 1, 2], "ETH/USDT"), candles([1, 2])])
    parts = by_series(SILVER_CANDLES, frame)
    assert list(parts) == [("binance", "BTC/USDT", "1h"), ("binance", "ETH/USDT", "1h")]
    assert [len(part) for part in parts.values()] == [2, 2]
    whole = joined(SILVER_CANDLES, parts)
    assert whole.equals(whole.sort(SILVER_CANDLES.key))
    assert joined(SILVER_CANDLES, {}).columns == list(SILVER_CANDLES.column_names)


def test_a_table_without_partition_is_one_series():
    rows = pl.DataFrame({"table_name": ["b", "a", "a"], "version": [1, 2, 2], "symbol": ["", "", ""]})
    assert list(by_series(META_LINEAGE, rows)) == [()]
    assert by_series(META_LINEAGE, rows)[()]["table_name"].to_list() == ["a", "b"]


def test_columns_the_table_has_not_are_refused(candles):
    with pytest.raises(UserError, match="no column 'opne'"):
        by_series(SILVER_CANDLES, candles([1]).with_columns(pl.lit(1.0).alias("opne")))


def test_without_keeps_order_and_takes_null_for_null():
    rows = pl.DataFrame({"a": [3, None, 1, 2]})
    assert without(rows, pl.DataFrame({"a": [None, 2]}), ["a"])["a"].to_list() == [3, 1]
