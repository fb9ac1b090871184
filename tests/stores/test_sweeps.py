import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tallow.domain.errors import TerminalError
from tallow.domain.sweep import Evaluated
from tallow.domain.trials import Dataset
from tallow.stores.records import METADATA, SqlRecords

D = Dataset(("binance:BTC/USDT",), 100, 200, 1.0)
OTHER = replace(D, names=("binance:ETH/USDT",))
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
        records.keep("k" * 64, D, chunk, IDS[: len(chunk) - len(chunk.failed)])
    records.keep("other", D, found(20, 1), IDS[:1])
    back = list(SqlRecords(str(tmp_path)).finished("k" * 64))
    assert len(back) == 3
    assert all(same(one, other) for one, other in zip(chunks, back, strict=True))
    assert list(records.finished("nothing")) == []


def test_looking_writes_nothing(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path / "results"))
    assert list(records.finished("k")) == []
    assert records.trials(D) == (0, pytest.approx([]))
    assert not (tmp_path / "results").exists()


def test_trials_are_distinct_and_keep_the_first_number(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.count_trials(D, IDS[:3], np.array([0.1, np.nan, 0.3]))
    records.count_trials(D, IDS[2:4], np.array([0.9, 0.4]))
    records.count_trials(D, IDS[:3], np.array([0.1, np.nan, 0.3]))
    records.count_trials(OTHER, IDS[5:6], np.array([7.0]))
    records.count_trials(D, [], np.array([]))
    count, sharpes = records.trials(D)
    assert count == 4
    assert sharpes.tolist() == pytest.approx([0.1, np.nan, 0.3, 0.4], nan_ok=True)
    assert records.trials(OTHER)[0] == 1


def test_trials_count_where_their_time_overlaps_with_a_ratio_a_year(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.count_trials(replace(D, per_year=4.0), IDS[:1], np.array([0.5]))
    records.count_trials(replace(D, start=199, end=300), IDS[1:2], np.array([0.25]))
    records.count_trials(replace(D, start=200, end=300), IDS[2:3], np.array([9.0]))
    count, sharpes = records.trials(D)
    assert (count, sharpes.tolist()) == (2, [1.0, 0.25])
    assert records.trials(replace(D, start=199, end=200))[0] == 2
    assert records.trials(replace(D, start=0, end=100))[0] == 0


def test_what_was_counted_without_a_ratio_once_has_none(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.count_trials(D, IDS[:2], np.array([0.5, 12.0]))
    records.count_trials(D, IDS[1:2], np.array([np.nan]))
    records.count_trials(D, IDS[1:2], np.array([12.0]))
    count, sharpes = records.trials(D)
    assert count == 2
    assert sharpes.tolist() == pytest.approx([0.5, np.nan], nan_ok=True)


def test_what_trades_several_instruments_counts_on_each_and_sees_the_trials_of_all(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    both = replace(D, names=D.names + OTHER.names)
    records.count_trials(D, IDS[:2], np.array([0.1, 0.2]))
    records.count_trials(OTHER, IDS[2:3], np.array([0.3]))
    records.count_trials(both, IDS[3:4], np.array([0.4]))
    assert [records.trials(one)[0] for one in (D, OTHER, both)] == [3, 2, 4]


def test_the_same_trials_again_take_no_room(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    for _ in range(3):
        records.count_trials(D, IDS[:1], np.array([0.5]))
    with sqlite3.connect(tmp_path / "records.sqlite") as connection:
        assert connection.execute("select count(*) from trial_log").fetchone() == (1,)


def test_removing_a_result_does_not_forget_that_it_was_tried(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.count_trials(D, IDS[:1], np.array([0.5]))
    records.remove("ab" * 32)
    assert records.trials(D)[0] == 1


def test_a_lake_from_before_there_were_sweeps_opens(tmp_path: Path) -> None:
    import sqlalchemy as sa

    METADATA.create_all(sa.create_engine(f"sqlite:///{tmp_path / 'records.sqlite'}"))
    records = SqlRecords(str(tmp_path))
    assert records.list() == []
    assert list(records.finished("k")) == []
    records.keep("k", D, found(1, 2), IDS[:2])
    assert [len(chunk) for chunk in SqlRecords(str(tmp_path)).finished("k")] == [2]


@pytest.mark.parametrize("damage", ["x'00'", "zeroblob(80)", "substr(body, 1, length(body) - 9)"])
def test_a_damaged_part_is_told(tmp_path: Path, damage: str) -> None:
    records = SqlRecords(str(tmp_path))
    records.keep("k", D, found(1, 2), IDS[:2])
    with sqlite3.connect(tmp_path / "records.sqlite") as connection:
        connection.execute(f"update sweep_chunks set body = {damage}")
    with pytest.raises(TerminalError) as caught:
        list(records.finished("k"))
    assert caught.value.code == "DAMAGED_SWEEP"
