"""The note in a commit is all that lineage needs."""

import json

import polars as pl

from tallow.domain.tables import META_LINEAGE, SILVER_CANDLES
from tallow.ports import Origin
from tallow.stores.lake.frames import by_series
from tallow.stores.lake.history import NOTE, lineage_rows, write_note

HOUR = 3_600_000_000


def test_a_note_makes_the_lineage_rows_again(candles):
    parts = by_series(SILVER_CANDLES, candles([1, 4]))
    series = next(iter(parts))
    note = write_note(SILVER_CANDLES, parts, {series: 2}, Origin("job", {"b": 2, "a": "x"}), ("1.2.3", 77))
    rows = lineage_rows(SILVER_CANDLES, [{"version": 9, "operation": "WRITE", NOTE: note}])
    assert rows.columns == list(META_LINEAGE.column_names)
    row = rows.row(0, named=True)
    assert (row["table_name"], row["version"], row["rows"], row["job"]) == ("silver.candles", 9, 2, "job")
    assert (row["venue"], row["symbol"], row["timeframe"]) == series
    assert json.loads(row["inputs"]) == {"a": "x", "b": 2}
    assert [rows[name].to_physical()[0] for name in ("start", "end", "written_time")] == [HOUR, 4 * HOUR, 77]
    assert row["code_version"] == "1.2.3"


def test_commits_that_change_no_row_are_silent():
    commits = [{"version": 1, "operation": "OPTIMIZE"}, {"version": 0, "operation": "CREATE TABLE"}]
    assert lineage_rows(SILVER_CANDLES, commits).is_empty()
    assert lineage_rows(SILVER_CANDLES, ()).schema["start"] == pl.Datetime("us", "UTC")


def test_a_commit_of_another_engine_stands_for_any_series():
    commit = {"version": 3, "operation": "MERGE", "timestamp": 5, "engineInfo": "Apache-Spark/4.2"}
    row = lineage_rows(SILVER_CANDLES, [commit]).row(0, named=True)
    assert (row["job"], row["symbol"], row["start"], row["rows"]) == ("Apache-Spark/4.2", "", None, 0)
