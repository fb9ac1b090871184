import pytest

from tallow.domain.errors import UserError
from tallow.domain.tables import LAYERS, SILVER_CANDLES, TABLES, Table, find_table


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.full_name)
def test_keys_partitions_and_times_are_columns(table: Table) -> None:
    names = table.column_names
    assert table.layer in LAYERS
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    assert set(table.partition) <= set(names)
    assert not table.event_time or dict(zip(names, table.columns, strict=True))[table.event_time].type == "time"
    assert table.meaning.endswith(".")
    assert all(column.meaning for column in table.columns)


def test_a_table_is_found_by_its_full_name() -> None:
    assert find_table("silver.candles") is SILVER_CANDLES


def test_an_unknown_table_names_the_nearest() -> None:
    with pytest.raises(UserError, match="UNKNOWN_TABLE") as caught:
        find_table("silver.candels")
    assert "silver.candles" in caught.value.facts["nearest"]
