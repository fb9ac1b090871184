from pathlib import Path

from tallow.domain.holdout import Opening, Seal
from tallow.stores.records import SqlRecords

LOOK = Opening("binance:BTC/USDT", 5, "v" * 64, "sma(fast=1) 1h", 7)


def test_looking_writes_nothing(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path / "results"))
    assert (records.seals(), records.openings()) == ((), ())
    assert not (tmp_path / "results").exists()


def test_seals_and_openings_come_back_in_order(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    made = (Seal("binance:BTC/USDT", "1h", 5, 6, 2), Seal("okx:ETH/USDT", "1m", 9, 9), Seal("a:B/C", "1d", 1, 2))
    for seal in made:
        records.seal(seal)
    numbers = [records.begin_opening(LOOK) for _ in range(2)]
    again = SqlRecords(str(tmp_path))
    assert again.seals() == made
    assert [one.number for one in again.openings()] == numbers
    assert [one.key for one in again.openings()] == ["", ""]


def test_a_result_is_written_down_once(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    number = records.begin_opening(LOOK)
    records.finish_opening(number, "a" * 64)
    records.finish_opening(number, "b" * 64)
    records.finish_opening(number + 1, "c" * 64)
    assert [one.key for one in records.openings()] == ["a" * 64]
