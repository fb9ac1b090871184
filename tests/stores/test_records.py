import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tallow.domain.errors import TerminalError, UserError
from tallow.domain.evidence import Certificate, Finding, Incident, Rung
from tallow.domain.market import parse_symbol
from tallow.domain.results import Filed, FillLog, Result, Run, TradeLog
from tallow.domain.scene import Scene
from tallow.domain.timeframes import parse_timeframe
from tallow.stores.records import SqlRecords


def a_result(key: str = "ab" * 32, created: int = 1) -> Result:
    ints, floats = np.array([0, 1]), np.array([0.5, 1.5])
    fills = FillLog(ints, ints, floats, floats, floats, floats, ints)
    trades = TradeLog(
        ints, ints, ints, ints, ints, floats, floats, floats, floats, floats, floats, floats, floats, ints
    )
    run = Run(ints, floats, floats, floats, fills, trades, 2, 3)
    return Result(
        key=key,
        digest=run.digest(),
        scene=Scene("sma_cross", parse_symbol("BTC/USDT"), parse_timeframe("1h"), {"fast": 3}),
        strategy_source="def signals(bars): ...",
        strategy_hash="ff",
        engine_version="1",
        table_versions={"gold.candles": 4},
        data_digest="dd",
        origin="binance",
        bars_origin="native",
        metrics={"trades": 2, "sharpe": None, "return_pct": 1.25},
        run=run,
        incidents=(Incident("GAP", 0, 1, 1, True, -2.0),),
        created=created,
        notes=("said",),
    )


def same(left: Result, right: Result) -> bool:
    return replace(left, run=right.run) == right and left.run.digest() == right.run.digest()


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path / "results"))
    records.save(a_result())
    loaded = SqlRecords(str(tmp_path / "results")).load("abab")
    assert loaded is not None
    assert same(loaded, a_result())


def test_looking_writes_nothing(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path / "results"))
    assert records.load("ab") is None
    assert records.list() == []
    assert not (tmp_path / "results").exists()


def test_a_result_from_before_scores_opens_and_takes_its_score(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.save(a_result())
    with sqlite3.connect(tmp_path / "records.sqlite") as database:
        (text,) = database.execute("select body from results").fetchone()
        body = json.loads(text)
        del body["score"], body["ladder"]
        database.execute("update results set body = ?", (json.dumps(body),))
    database.close()
    old = records.load("abab")
    assert old is not None
    assert same(old, a_result())
    assert records.list()[0]["score"] == "not scored"
    scored = replace(a_result(), score={"verdict": "edge shown"}, ladder=(Rung("model", "next open", 1.0),))
    records.save(scored)
    records.save(replace(scored, score={"verdict": "no edge shown"}))  # the first one stays
    new = records.load("abab")
    assert new is not None
    assert same(new, scored)
    assert records.list()[0]["score"] == "edge shown"


def test_a_score_never_takes_a_certificate_away(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    certified = replace(a_result(), certificate=Certificate("certified", "nothing found"))
    records.save(certified)
    records.save(replace(a_result(), score={"verdict": "edge shown"}))
    kept = records.load("abab")
    assert kept is not None
    assert same(kept, certified)


def test_nothing_is_found_under_a_strange_key(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    assert records.load("ab") is None
    records.save(a_result())
    assert records.load("a%") is None


def test_the_same_key_again_changes_nothing(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.save(a_result(created=1))
    records.save(a_result(created=2))
    assert [row["created"] for row in records.list()] == [1]


def test_a_certificate_found_later_is_kept(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.save(a_result())
    finding = Finding(1, 2, 1, "down", 1.0, 0.0, "shift", 1)
    certificate = Certificate("leaky", "row 1 changes", findings=(finding,))
    records.save(replace(a_result(), certificate=certificate))
    records.save(a_result())
    loaded = records.load("ab")
    assert loaded is not None
    assert loaded.certificate == certificate
    assert records.list()[0]["verdict"] == "leaky"


def test_a_second_certificate_of_the_same_verdict_changes_nothing(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.save(replace(a_result(), certificate=Certificate("certified", "first")))
    records.save(replace(a_result(), certificate=Certificate("certified", "second")))
    loaded = records.load("ab")
    assert loaded is not None
    assert loaded.certificate is not None
    assert loaded.certificate.reason == "first"


def test_newest_first_and_no_more_than_asked(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    for place, key in enumerate(("aa", "ab", "ba")):
        records.save(a_result(key * 32, created=place))
    assert [str(row["key"])[:2] for row in records.list(2)] == ["ba", "ab"]
    assert records.list(1)[0]["metrics"] == {"trades": 2, "sharpe": None, "return_pct": 1.25}


def test_an_ambiguous_key_names_the_candidates(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.save(a_result("aa" * 32))
    records.save(a_result("ab" * 32))
    with pytest.raises(UserError, match="AMBIGUOUS_KEY") as caught:
        records.load("a")
    assert "aaaa" in caught.value.facts["they are"]


def test_a_removed_result_is_gone_and_can_be_saved_again(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.save(a_result())
    assert records.remove("ab" * 32) == 1
    assert records.remove("ab" * 32) == 0
    assert records.load("ab") is None
    records.save(a_result())
    assert records.load("ab") is not None


@pytest.mark.parametrize("damage", ["gone", "cut", "other"])
def test_damaged_arrays_are_told_not_shown(tmp_path: Path, damage: str) -> None:
    records = SqlRecords(str(tmp_path))
    records.save(a_result())
    path = tmp_path / f"{'ab' * 32}.npz"
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:100])
    else:
        other = SqlRecords(str(tmp_path / "other"))
        other.save(replace(a_result(), run=replace(a_result().run, ambiguous_bars=9)))
        path.write_bytes((tmp_path / "other" / path.name).read_bytes())
    with pytest.raises(TerminalError, match="DAMAGED_RESULT"):
        records.load("ab")


def a_file(key: str = "cd" * 32, **changes: object) -> Filed:
    arrays = {"equity": np.array([1.0, 2.5]), "events": np.zeros((0, 12))}
    found = Filed(
        key, "portfolio", "ee" * 32, 5, "half", ("binance:BTC/USDT", "binance:ETH/USDT"), "1h", "unproven",
        {"range": [0, 9]}, {"metrics": {"trades": 3}, "score": None}, arrays,
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]


def test_a_result_of_another_kind_lies_beside_backtests(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    assert records.filed("cd") is None
    records.file(a_file())
    records.save(a_result(created=9))
    found = SqlRecords(str(tmp_path)).filed("cdcd")
    assert found is not None
    assert found.arrays_digest() == a_file().arrays_digest()
    assert (found.kind, found.digest, found.instruments, found.body) == (
        "portfolio", "ee" * 32, a_file().instruments, a_file().body,
    )  # fmt: skip
    assert (records.load("cd"), records.filed("ab")) == (None, None)
    rows = records.list()
    assert [row["kind"] for row in rows] == ["backtest", "portfolio"]
    assert rows[1]["instruments"] == ["binance:BTC/USDT", "binance:ETH/USDT"]
    assert rows[0]["instruments"] == ["binance:BTC/USDT"]
    assert (rows[1]["score"], rows[1]["metrics"]) == ("not scored", {"trades": 3})
    with pytest.raises(UserError, match="AMBIGUOUS_KEY"):
        records.filed("")
    assert records.remove("cd" * 32) == 1
    assert records.filed("cd") is None


def test_evidence_is_added_to_a_filed_result_and_never_taken_away(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.file(a_file())
    records.file(a_file(verdict="certified", created=6))
    records.file(a_file(verdict="unproven", created=7))
    found = records.filed("cd")
    assert found is not None
    assert (found.verdict, found.created) == ("certified", 6)


@pytest.mark.parametrize("damage", ["gone", "cut", "other"])
def test_damaged_arrays_of_a_filed_result_are_told(tmp_path: Path, damage: str) -> None:
    records = SqlRecords(str(tmp_path))
    records.file(a_file())
    path = tmp_path / f"{'cd' * 32}.npz"
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:50])
    else:
        np.savez_compressed(path, equity=np.array([1.0, 2.0]), events=np.zeros((0, 12)))
    with pytest.raises(TerminalError, match="DAMAGED_RESULT"):
        records.filed("cd")


def test_many_instruments_fit_into_their_column(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.file(a_file(instruments=tuple(f"binance:COIN{place}/USDT" for place in range(20))))
    shown = str(records.list()[0]["instrument"])
    assert shown == "binance:COIN0/USDT, binance:COIN1/USDT + 18"
    assert len(shown) <= 64


def test_a_backtest_that_lost_an_array_is_damaged(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.save(a_result())
    np.savez_compressed(tmp_path / f"{'ab' * 32}.npz", equity=np.zeros(2))
    with pytest.raises(TerminalError, match="DAMAGED_RESULT"):
        records.load("ab")


def test_other_numbers_under_the_same_key_are_refused_and_what_is_stored_stays(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    first = a_result()
    records.save(first)
    other = replace(first, digest="ee" * 32, certificate=Certificate("certified", "later"))
    with pytest.raises(UserError, match="NOT_REPEATABLE") as caught:
        records.save(other)
    assert caught.value.exit_code == 1
    kept = records.load("ab")
    assert kept is not None
    assert (kept.digest, kept.certificate) == (first.digest, first.certificate)


def test_arrays_that_a_killed_writer_left_are_not_taken_for_those_of_the_result(tmp_path: Path) -> None:
    records = SqlRecords(str(tmp_path))
    records.save(a_result())
    path = tmp_path / f"{'ab' * 32}.npz"
    left = path.read_bytes()
    records.remove("ab" * 32)
    path.write_bytes(b"half a file" + left)
    records.save(a_result())
    assert records.load("ab") is not None
