import sqlite3
from pathlib import Path

import numpy as np
import pytest

from tallow.domain.errors import TerminalError
from tallow.domain.sweep import Evaluated
from tallow.stores.records import METADATA, SqlRecords

IDS = [bytes([number]) * 16 for number in range(1, 9)]


def found(first: int, count: int, failed: dict[int, str] | None = None) -> Evaluated:
    rows = tuple((first + place, "sma", 0.1 * place, place % 2 == 0) for place in range(count))
    columns = {
        "final_equity": np.array([float(first + place) / 3 for place in range(count)]),
        "bar_sharpe": np.array([0.1 * (first + place) if place else np.nan for place in range(count)]),
    }
    return Evaluated(("fast", "kind", "level", "on"), rows, columns, failed or {})


def same(left: Evaluated, right: Evaluated) -> bool:
    numbers = [{name: column.tobytes() for name, column in one.columns.items()} for one in (left, right)]
    parts = [(one.names, one.rows, dict(one.failed)) for one in (left, right)]
    types = [[type(value) for row in one.rows for value in row] for one in (left, right)]
    return numbers[0] == numbers[1] and parts[0] == parts[1] and types[0] == types[1]


def test_what_is_kept_comes_back_with_every_bit_in_order(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    chunks = [found(1, 3), found(9, 1), found(4, 2, {1: "BAD_PARAMETER: no"})]
    for chunk in chunks:
        records.keep("k" * 64, "d" * 64, chunk, IDS[: len(chunk) - len(chunk.failed)])
    records.keep("other", "d" * 64, found(20, 1), IDS[:1])
    back = list(SqlRecords(str(tmp_path)).finished("k" * 64))
    assert len(back) == 3
    assert all(same(one, other) for one, other in zip(chunks, back, strict=True))
    assert list(records.finished("nothing")) == []


def test_looking_writes_nothing(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path / "results"))
    assert list(records.finished("k")) == []
    assert records.trials("d") == (0, pytest.approx([]))
    assert not (tmp_path / "results").exists()


def test_trials_are_distinct_and_keep_the_first_number(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.count_trials("d", IDS[:3], np.array([0.1, np.nan, 0.3]))
    records.count_trials("d", IDS[2:4], np.array([0.9, 0.4]))
    records.count_trials("d", IDS[:3], np.array([0.1, np.nan, 0.3]))
    records.count_trials("other", IDS[5:6], np.array([7.0]))
    records.count_trials("d", [], np.array([]))
    count, sharpes = records.trials("d")
    assert count == 4
    assert sharpes.tolist() == pytest.approx([0.1, np.nan, 0.3, 0.4], nan_ok=True)
    assert records.trials("other")[0] == 1


def test_the_same_trials_again_take_no_room(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    for _ in range(3):
        records.count_trials("d", IDS[:1], np.array([0.5]))
    with sqlite3.connect(tmp_path / "records.sqlite") as connection:
        assert connection.execute("select count(*) from trials").fetchone() == (1,)


def test_removing_a_result_does_not_forget_that_it_was_tried(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.count_trials("d", IDS[:1], np.array([0.5]))
    records.remove("ab" * 32)
    assert records.trials("d")[0] == 1


def test_a_lake_from_before_there_were_sweeps_opens(tmp_path: Path) -> None:
    import sqlalchemy as sa

    METADATA.create_all(sa.create_engine(f"sqlite:///{tmp_path / 'records.sqlite'}"))
    records = SqlRecords(str(tmp_path))
    assert records.list() == []
    assert list(records.finished("k")) == []
    records.keep("k", "d", found(1, 2), IDS[:2])
    assert [len(chunk) for chunk in SqlRecords(str(tmp_path)).finished("k")] == [2]


@pytest.mark.parametrize("damage", ["x'00'", "zeroblob(80)", "substr(body, 1, length(body) - 9)"])
def test_a_damaged_part_is_told(tmp_path: Path, damage: str) -> None:
    records = SqlRecords(str(tmp_path))
    records.keep("k", "d", found(1, 2), IDS[:2])
    with sqlite3.connect(tmp_path / "records.sqlite") as connection:
        connection.execute(f"update sweep_chunks set body = {damage}")
    with pytest.raises(TerminalError) as caught:
        list(records.finished("k"))
    assert caught.value.code == "DAMAGED_SWEEP"
