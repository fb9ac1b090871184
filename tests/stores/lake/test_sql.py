"""A query is one SELECT over tables of the lake."""

import pytest

from tallow.domain.errors import UserError
from tallow.stores.lake.sql import read_query


@pytest.mark.parametrize(
    ("sql", "plain", "names"),
    [
        ("select 1", "select 1", []),
        ("SELECT * FROM silver.candles ;", "SELECT * FROM silver_candles ", ["silver.candles"]),
        ('select * from "gold.candles"', "select * from gold_candles", ["gold.candles"]),
        ('select * from "gold"."candles"', "select * from gold_candles", ["gold.candles"]),
        (
            "with c as (select * from Silver.Candles) select c.time from c join raw.payloads p using (payload)",
            "with c as (select * from silver_candles) select c.time from c join raw_payloads p using (payload)",
            ["silver.candles", "raw.payloads"],
        ),
        ("select 'drop silver.candles; x' as a", "select 'drop silver.candles; x' as a", []),
        ("select 1 -- drop table", "select 1 -- drop table", []),
        ("/* insert */ select 1", "/* insert */ select 1", []),
        ('select 1 as "update"', 'select 1 as "update"', []),
        (
            "select silver.candles.time from silver.candles",
            "select silver_candles.time from silver_candles",
            ["silver.candles"],
        ),
    ],
)
def test_a_select_gets_plain_table_names(sql, plain, names):
    text, tables = read_query(sql)
    assert text.strip() == plain.strip()
    assert [table.full_name for table in tables] == names


@pytest.mark.parametrize(
    "sql",
    [
        "",
        ";",
        "-- nothing",
        "drop table silver.candles",
        "create table t as select 1",
        "copy (select 1) to '/tmp/x.parquet'",
        "insert into silver.candles select * from silver.candles",
        "with x as (select 1) insert into gold.candles select * from x",
        "select 1; select 2",
        "select 1; drop table silver.candles",
        "select * into t from silver.candles",
        "set a = 1",
        "explain select 1",
        "'select' 1",
        '"select" 1',
    ],
)
def test_anything_else_is_refused(sql):
    with pytest.raises(UserError) as caught:
        read_query(sql)
    assert caught.value.code == "BAD_SQL"
    assert "silver.candles" in caught.value.facts["tables"]
