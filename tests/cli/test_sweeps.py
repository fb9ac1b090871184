import json
import shlex
from html import unescape
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
MONTH = ["--timerange", "2024-01-01..2024-02-01", "--workers", "1"]
WALK = ["walkforward", "honest.py", "fast=5,10", "slow=20,40", *MONTH, "--train", "10d", "--test", "7d"]


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
    assert "1 combination failed, first fast=50, slow=20: BAD_PARAMETER" in out
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


def test_a_page_says_the_command_that_makes_it_again(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["honest.py", "fast=10,30", "slow=20,40", "--constraint", "fast < slow", "--constraint", "fast != 12"]
    call += ["--metric", "total_return", "--set", "size=0.5", *MONTH[:2]]
    (here / "honest.py").write_text(HONEST.replace("slow=30", "slow=30, size=1.0").replace("int)", "float) * size"))
    where = ["--lake", str(own_lake), "--workers", "1", "--no-check"]
    assert run(["sweep", *call, *where, "--html", "out/page.html"]) == 0
    said = capsys.readouterr()
    assert "only where fast < slow\nonly where fast != 12" in said.out
    assert f"page    {Path('out/page.html')}" in said.err
    page = (here / "out" / "page.html").read_text("utf-8")
    command = unescape(page.partition('<p class="command"><code>')[2].partition("</code>")[0])
    assert shlex.split(command)[:2] == ["tallow", "sweep"]
    assert run([*shlex.split(command)[1:], *where, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["computed"], again["combinations"], again["metric"]) == (0, 3, "total_return")
    assert {(row["parameters"]["fast"], row["parameters"]["slow"]) for row in again["rows"]} == {
        (10, 20),
        (10, 40),
        (30, 40),
    }
    assert again["result"] in page


@pytest.mark.parametrize("method", ["random", "latin", "sobol", "optuna"])
def test_drawn_searches_repeat_by_seed(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    call = ["sweep", "sma_cross", "fast=2..20", "slow=21..60", "--method", method, "--trials", "6", *MONTH]
    call += ["--lake", str(own_lake), "--no-check", "--json"]
    assert run([*call, "--seed", "3"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["method"], first["seed"], first["combinations"], first["computed"]) == (method, 3, 6, 6)
    assert run([*call, "--seed", "3", "--top", "2"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert (second["computed"], second["rows"]) == (0, first["rows"][:2])
    assert run([*call, "--seed", "4"]) == 0
    other = json.loads(capsys.readouterr().out)
    assert [row["parameters"] for row in other["rows"]] != [row["parameters"] for row in first["rows"]]


def test_combinations_that_raise_are_told_in_every_form(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "shaky.py").write_text(HONEST.replace("    return", "    assert fast != 6, 'six is out'\n    return", 1))
    call = ["sweep", "shaky.py", "fast=5..7", *MONTH, "--lake", str(own_lake), "--no-check"]
    assert run([*call, "--html", "page.html", "-q"]) == 0
    captured = capsys.readouterr()
    assert "1 combination failed, first fast=6: STRATEGY_FAILED" in captured.out
    page = (here / "page.html").read_text("utf-8")
    assert page.count("six is out") == captured.out.count("six is out") == 1
    assert run([*call, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    # What the code does may change without the text of the file: such a failure is tried again.
    assert (found["computed"], found["failed"], found["trials"]) == (1, 1, 2)
    (failure,) = found["failures"]
    assert failure["parameters"] == {"fast": 6}
    assert "six is out" in failure["reason"]


def test_a_sweep_without_a_best_names_no_result(here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Averages over more bars than there are never trade: no ratio exists.
    assert run(["sweep", "sma_cross", "slow=2000,3000", *MONTH, "--lake", str(own_lake)]) == 0
    captured = capsys.readouterr()
    assert "no combination has a bar_sharpe" in captured.out
    assert "tallow report" not in captured.err


def test_a_walk_forward_is_told_as_text_as_values_and_as_a_page(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--lake", str(own_lake)]
    assert run([*WALK, *where, "--html", "out/walk.html"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].endswith("1h, rolling walk forward in 3 steps of 4 combinations by grid")
    assert any(line.startswith("  ✓ causality of the last choice certified") for line in lines)
    assert lines[-1].startswith("  repeat    tallow results replay ")
    assert f"page    {Path('out/walk.html')}" in captured.err
    assert run([*WALK, *where, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["computed"], found["combinations"], found["certificate"]["verdict"]) == (0, 4, "certified")
    assert [fold["train"] for fold in found["folds"]] == [[0, 240], [168, 408], [336, 576]]
    assert [fold["test"] for fold in found["folds"]] == [[240, 408], [408, 576], [576, 744]]
    growth = 1.0
    for fold in found["folds"]:
        assert set(fold["parameters"]) == {"fast", "slow"}
        growth *= 1.0 + fold["test_return"]
    assert 10_000.0 * growth == pytest.approx(found["metrics"]["final_equity"])
    page = (here / "out" / "walk.html").read_text("utf-8")
    assert found["digest"] in page
    assert "Walk forward of honest" in page


def test_a_walk_chooses_what_a_sweep_of_its_training_stretch_finds(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--lake", str(own_lake), "--json", "--no-check"]
    assert run([*WALK, *where, "--anchored"]) == 0
    walked = json.loads(capsys.readouterr().out)
    assert (walked["anchored"], walked["certificate"]) == (True, None)
    second = ["--timerange", "2024-01-01..2024-01-18", "--workers", "1"]
    assert run(["sweep", "honest.py", "fast=5,10", "slow=20,40", *second, *where]) == 0
    swept = json.loads(capsys.readouterr().out)
    assert walked["folds"][1]["train"] == [0, 408] == [0, swept["bars"]]
    assert walked["folds"][1]["parameters"] == swept["best"]
    assert walked["folds"][1]["trained"] == swept["rows"][0]["bar_sharpe"]


def test_a_walk_of_a_cheat_fails_the_check(here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["walkforward", "cheat.py", "ahead=1,2", *MONTH, "--train", "400", "--test", "200", "-q"]
    assert run([*call, "--lake", str(own_lake), "--no-check"]) == 0
    assert "unproven" in capsys.readouterr().out
    assert run([*call, "--lake", str(own_lake)]) == 4
    captured = capsys.readouterr()
    assert "causality of the last choice leaky" in captured.out
    assert "error[LOOKAHEAD] cheat.py" in captured.err
    # What is known of a stored walk is not forgotten by asking less.
    assert run([*call, "--lake", str(own_lake), "--no-check"]) == 4


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["fast=5..9", "--train", "40d"], 2, "error[TOO_FEW_BARS]"),
        (["fast=5..9", "--train", "soon"], 2, "train = 'soon' is no stretch of 1h bars"),
        (["fast=5..9", "--test", "30m"], 2, "test = '30m' is no stretch of 1h bars"),
        (["fast=9..5"], 2, "error[BAD_RANGE]"),
        (["fast=5..9", "--constraint", "fast > slow", "--train", "10d"], 2, "error[NO_COMBINATIONS]"),
        (["fast=5..9", "--set", "fast=3"], 2, "error[BAD_RANGE]"),
        (["fast=50,60", "--set", "slow=20", "--train", "10d"], 1, "error[ALL_FAILED]"),
        (["fast=5..9", "-s", "DOGE/USDT"], 3, "lake holds"),
    ],
)
def test_a_walk_that_cannot_be_says_why(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert run(["walkforward", "sma_cross", *MONTH, *arguments, "--lake", str(own_lake), "-q", "--no-check"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error[")
    assert said in captured.err


def test_a_cross_validation_is_told_as_text_as_values_and_as_a_page(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["cross-validate", "honest.py", "fast=5,10", "slow=20,40", *MONTH, "--groups", "4", "--test-groups", "2"]
    call += ["--purge", "2h", "--lake", str(own_lake)]
    assert run([*call, "--html", "out/cross.html"]) == 0
    captured = capsys.readouterr()
    words = "6 splits of 4 groups with 2 held out, purge 2 bars, embargo 8 bars; 4 combinations by grid"
    assert captured.out.splitlines()[0].endswith(words)
    assert f"page    {Path('out/cross.html')}" in captured.err
    assert run([*call, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["computed"], found["certificate"]["verdict"], len(found["paths"])) == (0, "certified", 3)
    assert found["digest"] in (here / "out" / "cross.html").read_text("utf-8")
    key = found["key"][:12]
    assert run([*call, "--no-cache"]) == 0
    assert f"next    tallow report {key}" in capsys.readouterr().err
    for verb in (["results", "show"], ["results", "replay"], ["report"]):
        assert run([*verb, key, "--lake", str(own_lake), "-q"]) == 0
    assert "cross-validation" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["fast=5..9", "--groups", "300"], 2, "error[TOO_FEW_BARS]"),
        (["fast=5..9", "--test-groups", "6"], 2, "test_groups cannot be 6"),
        (["fast=5..9", "--embargo", "soon"], 2, "embargo = 'soon' is no stretch of 1h bars"),
        (["fast=5..9", "--method", "optuna"], 2, "error[BAD_SEARCH]"),
    ],
)
def test_a_cross_validation_that_cannot_be_says_why(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert run(["cross-validate", "sma_cross", *MONTH, *arguments, "--lake", str(own_lake), "-q", "--no-check"]) == code
    assert said in capsys.readouterr().err
