"""The Delta lake keeps the promises of the Lake port."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.domain.errors import Error, TerminalError, TransientError, UserError
from tallow.domain.ranges import TimeRange
from tallow.domain.tables import (
    BRONZE_CANDLES,
    GOLD_CANDLES,
    META_GAPS,
    META_LINEAGE,
    META_QUARANTINE,
    RAW_PAYLOADS,
    SILVER_CANDLES,
    TABLES,
)
from tallow.ports import Origin
from tallow.stores.lake import DeltaLake, store

HOUR = 3_600_000_000
BTC = {"venue": "binance", "symbol": "BTC/USDT", "timeframe": "1h"}
SOURCE = Path(store.__file__).parents[3]


def hours(frame: pl.DataFrame) -> list[int]:
    return [moment // HOUR for moment in frame["time"].to_physical().to_list()]


def versions(lake: DeltaLake) -> dict[str, int | None]:
    return {table.full_name: lake.version(table) for table in TABLES}


def test_a_new_lake_is_empty_and_makes_no_folder(lake, tmp_path):
    assert lake.read(SILVER_CANDLES).columns == list(SILVER_CANDLES.column_names)
    assert lake.read(SILVER_CANDLES).schema["time"] == pl.Datetime("us", "UTC")
    assert lake.version(SILVER_CANDLES) is None
    assert not (tmp_path / "lake").exists()


def test_write_adds_rows_once_sorted_by_key(lake, candles, origin):
    first = lake.write(SILVER_CANDLES, candles([3, 1, 2]), origin)
    again = lake.write(SILVER_CANDLES, candles([1, 2, 3]), origin)
    more = lake.write(SILVER_CANDLES, candles([0, 2, 4, 4]), origin)
    assert (first.rows, first.version) == (3, 1)
    assert (again.rows, again.version) == (0, 1)
    assert (more.rows, more.version) == (2, 2)
    assert hours(lake.read(SILVER_CANDLES)) == [0, 1, 2, 3, 4]


def test_an_existing_row_stays_as_it_is(lake, candles, origin):
    lake.write(SILVER_CANDLES, candles([1], close=10.0), origin)
    lake.write(SILVER_CANDLES, candles([1, 2], close=99.0), origin)
    assert lake.read(SILVER_CANDLES)["close"].to_list() == [10.0, 99.0]


def test_the_first_of_two_rows_with_one_key_stays(lake, candles, origin):
    lake.write(SILVER_CANDLES, pl.concat([candles([1], close=5.0), candles([1], close=6.0)]), origin)
    assert lake.read(SILVER_CANDLES)["close"].to_list() == [5.0]


def test_nan_becomes_null_and_absent_columns_are_null(lake, candles, origin):
    lake.write(SILVER_CANDLES, candles([1]), origin)
    row = lake.read(SILVER_CANDLES).row(0, named=True)
    assert row["quote_volume"] is None
    assert row["high"] is None


def test_read_by_series_span_columns_and_other_columns(lake, candles, origin):
    lake.write(SILVER_CANDLES, pl.concat([candles(range(10)), candles(range(5), "ETH/USDT", 7.0)]), origin)
    assert hours(lake.read(SILVER_CANDLES, BTC, TimeRange(3 * HOUR, 6 * HOUR))) == [3, 4, 5]
    assert lake.read(SILVER_CANDLES, {"symbol": "ETH/USDT"}, columns=("close", "time")).columns == ["close", "time"]
    assert len(lake.read(SILVER_CANDLES, {"payload": "nothing"})) == 0
    assert lake.read(SILVER_CANDLES)["symbol"].unique().sort().to_list() == ["BTC/USDT", "ETH/USDT"]


def test_unknown_columns_are_refused_with_the_nearest(lake, candles, origin):
    with pytest.raises(UserError) as caught:
        lake.read(SILVER_CANDLES, columns=("closes",))
    assert caught.value.code == "UNKNOWN_COLUMN"
    assert "close" in caught.value.facts["nearest"]
    with pytest.raises(UserError, match="no column"):
        lake.write(SILVER_CANDLES, candles([1]).with_columns(pl.lit(1).alias("closing")), origin)


def test_time_travel_reads_an_old_version(lake, candles, origin):
    lake.write(SILVER_CANDLES, candles([1]), origin)
    lake.write(SILVER_CANDLES, candles([2]), origin)
    assert hours(lake.read(SILVER_CANDLES, version=1)) == [1]
    assert hours(lake.read(SILVER_CANDLES, version=2)) == [1, 2]
    assert len(lake.read(SILVER_CANDLES, version=0)) == 0
    with pytest.raises(UserError) as caught:
        lake.read(SILVER_CANDLES, version=3)
    assert (caught.value.code, caught.value.facts["valid"]) == ("NO_VERSION", "0..2")


def test_the_version_of_a_series_moves_only_with_the_series(lake, candles, origin):
    lake.write(SILVER_CANDLES, candles([1]), origin)
    lake.write(SILVER_CANDLES, candles([1], "ETH/USDT"), origin)
    assert lake.version(SILVER_CANDLES, BTC) == 1
    assert lake.version(SILVER_CANDLES) == 2
    assert lake.version(SILVER_CANDLES, BTC | {"symbol": "SOL/USDT"}) is None
    assert hours(lake.read(SILVER_CANDLES, BTC, version=lake.version(SILVER_CANDLES, BTC))) == [1]


def test_lineage_tells_job_inputs_rows_and_span(lake, candles, clock):
    frame = pl.concat([candles([1, 2]), candles([5], "ETH/USDT")])
    lake.write(SILVER_CANDLES, frame, Origin("refine silver", {"bronze.candles": 4}))
    rows = lake.read(META_LINEAGE, {"table_name": "silver.candles"})
    assert rows.select("version", "symbol", "rows", "job", "inputs").rows() == [
        (1, "BTC/USDT", 2, "refine silver", '{"bronze.candles":4}'),
        (1, "ETH/USDT", 1, "refine silver", '{"bronze.candles":4}'),
    ]
    assert rows["start"].to_physical().to_list() == [HOUR, 5 * HOUR]
    assert rows["end"].to_physical().to_list() == [2 * HOUR, 5 * HOUR]
    assert rows["written_time"].to_physical().to_list() == [clock.now()] * 2


def test_replace_makes_the_rows_the_whole_partition(lake, candles, origin):
    lake.write(SILVER_CANDLES, pl.concat([candles([1, 2, 3]), candles([1], "ETH/USDT")]), origin)
    done = lake.replace(SILVER_CANDLES, candles([2, 4]), BTC, origin)
    again = lake.replace(SILVER_CANDLES, candles([4, 2]), BTC, origin)
    assert (done.rows, done.version) == (1, 2)
    assert (again.rows, again.version) == (0, 2)
    assert hours(lake.read(SILVER_CANDLES, BTC)) == [2, 4]
    assert len(lake.read(SILVER_CANDLES)) == 3
    touched = lake.read(META_LINEAGE, {"symbol": "BTC/USDT"}).filter(pl.col("version") == 2)
    assert [(touched[name].to_physical()[0] // HOUR) for name in ("start", "end")] == [1, 4]


def test_replace_by_nothing_empties_the_partition(lake, candles, origin):
    lake.write(SILVER_CANDLES, candles([1]), origin)
    assert lake.replace(SILVER_CANDLES, candles([]), BTC, origin).version == 2
    assert len(lake.read(SILVER_CANDLES)) == 0
    assert lake.version(SILVER_CANDLES, BTC) == 2


@pytest.mark.parametrize("where", [{}, {"time": "1"}, {"symbol": "ETH/USDT"}])
def test_replace_refuses_what_is_not_the_partition_of_the_rows(lake, candles, origin, where):
    with pytest.raises(UserError) as caught:
        lake.replace(SILVER_CANDLES, candles([1]), where, origin)
    assert caught.value.code == "NOT_A_PARTITION"


def test_tables_without_event_time_in_their_key_are_unique_by_it(lake, origin):
    def payload(received: int) -> pl.DataFrame:
        time = pl.Series([received], dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
        return pl.DataFrame({"payload": ["f"], "venue": ["okx"], "received_time": time, "content": [b"\x00\xff"]})

    assert lake.write(RAW_PAYLOADS, payload(5), origin).rows == 1
    assert lake.write(RAW_PAYLOADS, payload(9), origin).rows == 0
    assert lake.read(RAW_PAYLOADS)["content"].to_list() == [b"\x00\xff"]


def test_a_null_time_is_a_value_of_the_key(lake, origin):
    row = pl.DataFrame({"table_name": ["bronze.candles"], "venue": ["okx"], "reason": ["X"], "row": [1]})
    assert lake.write(META_QUARANTINE, row, origin).rows == 1
    assert lake.write(META_QUARANTINE, row, origin).rows == 0
    assert len(lake.read(META_QUARANTINE)) == 1
    assert len(lake.read(META_QUARANTINE, span=TimeRange(0, 1))) == 0


def test_rows_are_sorted_by_a_key_that_does_not_begin_with_the_partition(lake, origin):
    def gap(table: str, venue: str) -> pl.DataFrame:
        return pl.DataFrame({"table_name": [table], "venue": [venue], "symbol": ["S"], "timeframe": [""]})

    lake.write(META_GAPS, pl.concat([gap("silver.trades", "a"), gap("gold.candles", "b")]), origin)
    assert lake.read(META_GAPS)["table_name"].to_list() == ["gold.candles", "silver.trades"]


def test_compaction_changes_no_row_no_version_and_no_old_version(lake, candles, origin):
    for hour in (5, 3, 4, 1, 2):
        lake.write(SILVER_CANDLES, candles([hour]), origin)
    before = lake.read(SILVER_CANDLES)
    assert lake.compact() >= 1
    assert lake.read(SILVER_CANDLES).equals(before)
    assert lake.version(SILVER_CANDLES, BTC) == 5
    assert hours(lake.read(SILVER_CANDLES, version=2)) == [3, 5]
    files = DeltaTable(lake.location(SILVER_CANDLES)).file_uris()
    assert len(files) == 1
    assert pl.read_parquet(files[0])["time"].is_sorted()
    assert lake.compact() == 0
    assert lake.write(SILVER_CANDLES, candles([1, 6]), origin).rows == 1


def test_crowded_series_are_put_together_when_the_writer_leaves(lake, candles, origin, monkeypatch):
    monkeypatch.setattr(store, "CROWDED", 3)
    with lake.exclusive():
        for hour in range(4):
            lake.write(SILVER_CANDLES, candles([hour]), origin)
    assert len(DeltaTable(lake.location(SILVER_CANDLES)).file_uris()) == 1
    assert lake.version(SILVER_CANDLES) == 4


def test_a_fresh_reader_sees_what_another_wrote(lake, candles, origin, clock):
    reader = DeltaLake(lake.path, clock)
    assert reader.version(SILVER_CANDLES) is None
    lake.write(SILVER_CANDLES, candles([1]), origin)
    assert hours(reader.read(SILVER_CANDLES)) == [1]
    lake.write(SILVER_CANDLES, candles([2]), origin)
    assert reader.version(SILVER_CANDLES) == 2
    assert hours(reader.read(SILVER_CANDLES)) == [1, 2]


def test_protocol_is_plain_and_deletion_vectors_are_off(lake, candles, origin):
    lake.write(SILVER_CANDLES, candles([1]), origin)
    for table in TABLES:
        delta = DeltaTable(lake.location(table))
        assert (delta.protocol().min_reader_version, delta.protocol().min_writer_version) == (1, 2)
        assert delta.metadata().configuration["delta.enableDeletionVectors"] == "false"
        assert [field.name for field in delta.schema().fields] == list(table.column_names)
        assert delta.metadata().partition_columns == list(table.partition)


def test_lineage_of_a_writer_killed_after_its_commit_is_repaired(lake, candles, origin, clock):
    lake.write(SILVER_CANDLES, candles([1]), origin)
    lost = DeltaLake(lake.path, clock)
    lost._record = lambda table: None
    lost.write(SILVER_CANDLES, candles([2], "ETH/USDT"), Origin("lost", {"bronze.candles": 7}))
    assert len(lake.read(META_LINEAGE)) == 1
    assert lake.version(SILVER_CANDLES, BTC | {"symbol": "ETH/USDT"}) == 2
    restarted = DeltaLake(lake.path, clock)
    with restarted.exclusive():
        pass
    rows = restarted.read(META_LINEAGE, {"symbol": "ETH/USDT"})
    assert rows.select("version", "job", "inputs", "rows").rows() == [(2, "lost", '{"bronze.candles":7}', 1)]
    with restarted.exclusive():
        pass
    assert len(restarted.read(META_LINEAGE)) == 2


def test_a_foreign_commit_moves_every_series(lake, candles, origin):
    lake.write(SILVER_CANDLES, candles([1]), origin)
    foreign = lake.read(SILVER_CANDLES).with_columns(pl.lit("SOL/USDT").alias("symbol"))
    write_deltalake(lake.location(SILVER_CANDLES), foreign, mode="append", commit_properties=CommitProperties())
    assert lake.version(SILVER_CANDLES, BTC) == 2
    lake.write(SILVER_CANDLES, candles([2], "ETH/USDT"), origin)
    row = lake.read(META_LINEAGE).filter(pl.col("version") == 2).row(0, named=True)
    assert (row["symbol"], row["rows"]) == ("", 0)
    assert row["job"].startswith("delta-rs")


def test_query_reads_tables_by_their_full_names(lake, candles, origin):
    lake.write(SILVER_CANDLES, pl.concat([candles(range(3)), candles(range(2), "ETH/USDT")]), origin)
    found = lake.query("SELECT symbol, count(*) AS n FROM silver.candles GROUP BY symbol ORDER BY n DESC;")
    assert found.rows() == [("BTC/USDT", 3), ("ETH/USDT", 2)]


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("select closing from silver.candles", "closing -> close"),
        ("select * from silver.candle", "silver.candle -> silver.candles"),
        ("select from from silver.candles", ""),
    ],
)
def test_a_query_that_fails_names_the_nearest(lake, candles, origin, sql, hint):
    lake.write(SILVER_CANDLES, candles([1]), origin)
    with pytest.raises(UserError) as caught:
        lake.query(sql)
    assert caught.value.code == "BAD_SQL"
    assert hint in caught.value.facts.get("nearest", "")
    assert "silver_candles" not in caught.value.message


def test_a_query_of_a_lake_without_tables_says_so(lake):
    with pytest.raises(UserError) as caught:
        lake.query("select 1 from gold.candles")
    assert (caught.value.code, caught.value.exit_code) == ("NO_DATA", 3)


def test_two_writers_the_second_is_told_who_writes(lake, candles, origin, clock):
    other = DeltaLake(lake.path, clock)
    with lake.exclusive(), pytest.raises(TransientError) as caught:
        other.write(SILVER_CANDLES, candles([1]), origin)
    assert (caught.value.code, caught.value.exit_code) == ("BUSY", 6)
    assert str(os.getpid()) in caught.value.facts["held by"]
    assert other.write(SILVER_CANDLES, candles([1]), origin).rows == 1


def test_a_url_is_read_only(tmp_path, clock, lake, candles, origin):
    lake.write(SILVER_CANDLES, candles([1]), origin)
    remote = DeltaLake(f"file://{lake.path}", clock, storage_options={"timeout": "1s"})
    assert remote.version(SILVER_CANDLES) == 1
    assert remote.location(SILVER_CANDLES) == f"file://{lake.path}/silver/candles"
    with pytest.raises(UserError) as caught:
        remote.write(SILVER_CANDLES, candles([2]), origin)
    assert caught.value.code == "READ_ONLY_LAKE"


def test_a_damaged_log_is_reported_not_guessed(lake, candles, origin, clock):
    lake.write(SILVER_CANDLES, candles([1]), origin)
    log = Path(lake.location(SILVER_CANDLES)) / "_delta_log" / "00000000000000000000.json"
    log.write_text("{not json")
    with pytest.raises(TerminalError) as caught:
        DeltaLake(lake.path, clock).read(SILVER_CANDLES)
    assert caught.value.code == "LAKE_DAMAGED"


def test_a_lost_data_file_is_reported(lake, candles, origin):
    lake.write(SILVER_CANDLES, candles([1]), origin)
    next(Path(lake.location(SILVER_CANDLES)).rglob("*.parquet")).unlink()
    with pytest.raises(TerminalError, match="cannot be read"):
        lake.read(SILVER_CANDLES)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path, clock, candles, origin):
    (tmp_path / "file").write_text("")
    with pytest.raises(Error) as caught:
        DeltaLake(str(tmp_path / "file" / "lake"), clock).write(SILVER_CANDLES, candles([1]), origin)
    assert caught.value.code == "CANNOT_WRITE"


READER = """
import sys
from tallow.domain.tables import SILVER_CANDLES
from tallow.stores.lake import DeltaLake
lake = DeltaLake(sys.argv[1], None)
assert len(lake.read(SILVER_CANDLES)) == 500
assert lake.query("select count(*) as n from silver.candles")["n"][0] == 500
"""


@pytest.mark.thorough
@pytest.mark.slow
def test_reader_processes_end_cleanly_twenty_times(lake, candles, origin):
    lake.write(SILVER_CANDLES, candles(range(500)), origin)
    command = [sys.executable, "-c", READER, lake.path]
    codes = [subprocess.run(command, env={"PYTHONPATH": str(SOURCE)}, check=False).returncode for _ in range(20)]
    assert codes == [0] * 20


HOLDER = """
import sys
from tallow.stores.lake import DeltaLake
class Clock:
    now = monotonic = staticmethod(lambda: 0)
with DeltaLake(sys.argv[1], Clock).exclusive():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_frees_the_lake(lake, candles, origin):
    lake.write(SILVER_CANDLES, candles([1]), origin)
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, lake.path],
        env={"PYTHONPATH": str(SOURCE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout.readline() == "held\n"
        with pytest.raises(TransientError) as caught:
            lake.write(SILVER_CANDLES, candles([2]), origin)
        assert caught.value.facts["held by"] == f"process {child.pid}"
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert lake.write(SILVER_CANDLES, candles([2]), origin).rows == 1


def test_importing_the_lake_loads_no_heavy_library():
    code = "import sys, tallow.stores.lake; print([m for m in ('polars', 'deltalake', 'numba') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True)
    assert run.stdout == "[]\n"


@settings(max_examples=10, deadline=None)
@given(batches=st.lists(st.lists(st.integers(0, 30), max_size=8), max_size=5))
def test_any_batches_give_the_union_of_their_keys(tmp_path_factory, batches):
    class Clock:
        now = monotonic = staticmethod(lambda: 0)

    lake = DeltaLake(str(tmp_path_factory.mktemp("lake")), Clock())
    for batch in batches:
        frame = pl.DataFrame(
            {
                "venue": ["v"] * len(batch),
                "symbol": ["s"] * len(batch),
                "timeframe": ["1h"] * len(batch),
                "time": pl.Series([hour * HOUR for hour in batch], dtype=pl.Int64).cast(pl.Datetime("us", "UTC")),
            }
        )
        before = versions(lake)
        new = lake.write(GOLD_CANDLES, frame, Origin("p")).rows
        assert (versions(lake) == before) == (new == 0)
    assert hours(lake.read(GOLD_CANDLES)) == sorted({hour for batch in batches for hour in batch})


def test_one_batch_of_many_series_is_one_commit(lake, candles, origin):
    frame = pl.concat([candles([1], symbol) for symbol in ("A/B", "C/D", "O'X/Y:Y")])
    assert lake.write(BRONZE_CANDLES, frame, origin).version == 1
    assert lake.replace(BRONZE_CANDLES, candles([2], "O'X/Y:Y"), BTC | {"symbol": "O'X/Y:Y"}, origin).version == 2
    assert hours(lake.read(BRONZE_CANDLES)) == [1, 1, 2]
