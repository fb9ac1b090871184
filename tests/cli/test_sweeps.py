import json
from pathlib import Path

import pytest

from tallow.cli import run

HONEST = """
def signals(bars, *, fast=10, slow=30):
    return (bars.close.rolling(fast).mean() > bars.close.rolling(slow).mean()).astype(int)
"""
CHEAT = """
def signals(bars, *, ahead=1):
    return (bars.close.shift(-ahead) > bars.close).astype(int)
"""
SHORT = ["--timerange", "2024-01-01..2024-03-01"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "honest.py").write_text(HONEST)
    (tmp_path / "cheat.py").write_text(CHEAT)
    return tmp_path


def test_a_sweep_finds_the_best_certifies_it_and_is_stored(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["sweep", "honest.py", "fast=5..15:5", "slow=10,40", "--constraint", "fast < slow", *SHORT]
    call += ["--lake", str(own_lake), "--json", "--workers", "1"]
    assert run(call) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["combinations"], first["computed"], first["failed"], first["trials"]) == (4, 4, 0, 4)
    assert first["certificate"]["verdict"] == "certified"
    assert first["rows"][0]["parameters"] == first["best"]
    scores = [row["bar_sharpe"] for row in first["rows"]]
    assert scores == sorted(scores, reverse=True)
    assert run(call) == 0
    second = json.loads(capsys.readouterr().out)
    assert second["computed"] == 0
    assert second["rows"] == first["rows"]
    assert run(["results", "show", first["result"][:12], "--lake", str(own_lake), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["scene"]["parameters"] == first["best"]
    assert shown["metrics"]["final_equity"] == first["rows"][0]["final_equity"]


def test_a_sweep_of_a_cheat_fails_the_check(here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sweep", "cheat.py", "ahead=1,2", *SHORT, "--lake", str(own_lake), "-q", "--workers", "1"]) == 4
    captured = capsys.readouterr()
    assert "leaky" in captured.out
    assert "error[LOOKAHEAD]" in captured.err


def test_failed_combinations_are_told_and_the_others_count(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["sweep", "sma_cross", "fast=5,50", "slow=20", *SHORT, "--lake", str(own_lake), "-q", "--no-check"]
    assert run(call) == 0
    out = capsys.readouterr().out
    assert "1 combinations failed, first fast=50, slow=20: BAD_PARAMETER" in out
    assert "1 distinct trials" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["fast"], 2, "BAD_RANGE"),
        (["fast=9..5"], 2, "5..50:5"),
        (["fast=0.5..9.5:0.5"], 2, "whole number"),
        (["fats=5..9"], 2, "fast"),
        (["fast=5..9", "--constraint", "fast << slow"], 2, "BAD_CONSTRAINT"),
        (["fast=5..9", "--constraint", "fast > slow"], 2, "NO_COMBINATIONS"),
        (["fast=5..9", "--set", "fast=3"], 2, "both"),
        (["fast=5..9", "-s", "DOGE/USDT"], 3, "lake holds"),
        (["fast=50,60", "--set", "slow=20"], 1, "ALL_FAILED"),
    ],
)
def test_bad_input_says_what_is_valid(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert run(["sweep", "sma_cross", *arguments, "--lake", str(own_lake), "-q", "--no-check"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error[")
    assert said in captured.err
