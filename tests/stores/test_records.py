import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tallow.domain.errors import TerminalError, UserError
from tallow.domain.evidence import Certificate, Finding, Incident, Rung
from tallow.domain.market import parse_symbol
from tallow.domain.results import FillLog, Result, Run, TradeLog
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
