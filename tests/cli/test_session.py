import json
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tallow.cli.session import Session, table, verb

OFF = {
    "lake": None, "config": None, "as_json": False, "quiet": False, "verbose": False, "no_progress": False,
    "offline": False, "debug": False,
}  # fmt: skip


def test_a_table_is_aligned_with_numbers_to_the_right() -> None:
    text = table([["a", 1, 2.5, None], ["bbb", 1000, 0.25, True]], ["name", "count", "value", "flag"])
    assert text.splitlines()[0] == "name   count   value   flag"
    assert text.splitlines()[2:] == ["a          1     2.5      -", "bbb    1,000    0.25    yes"]
    assert table([], ["name"]) == "nothing"


def test_long_rows_are_not_cut() -> None:
    assert "x" * 300 in table([["x" * 300, "[bold]y[/bold]"]], ["a", "b"])
    assert "[bold]" in table([["[bold]"]], ["a"])


def test_json_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    Session({**OFF, "as_json": True}).emit({"a": 1}, "text")
    assert json.loads(capsys.readouterr().out) == {"a": 1}
    Session(OFF).emit({"a": 1}, "text")
    assert capsys.readouterr().out == "text\n"


def test_hints_go_to_standard_error_unless_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    Session(OFF).hint("next")
    Session({**OFF, "quiet": True}).hint("next")
    Session({**OFF, "as_json": True}).hint("next")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "next\n")


def test_a_verb_gets_the_global_options(tmp_path: Path) -> None:
    @click.command()
    @click.option("--own", default=1)
    @verb
    def command(session: Session, own: int) -> None:
        click.echo(f"{session.settings().lake} {session.lake_was_named} {own}")

    done = CliRunner().invoke(command, ["--lake", "there", "--own", "2"])
    assert done.output == "there True 2\n"


def test_no_colour_where_there_is_no_terminal() -> None:
    assert Session(OFF).colour("text", "red") == "text"


def test_an_empty_default_lake_gives_way_to_the_one_of_the_demo(
    tmp_path: Path, own_lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert Session(OFF).reading().settings.lake == "tallow-lake"
    assert list(here.iterdir()) == []  # looking leaves nothing behind
    shutil.copytree(own_lake, here / "tallow-demo" / "lake")
    assert Session(OFF).reading().settings.lake == str(Path("tallow-demo") / "lake")
    assert "SIMULATED market in tallow-demo" in capsys.readouterr().err
    (here / "mine").mkdir()
    assert Session({**OFF, "lake": "mine"}).reading().settings.lake == "mine"
    shutil.copytree(own_lake, here / "tallow-lake")
    assert Session(OFF).reading().settings.lake == "tallow-lake"


@pytest.mark.parametrize(
    ("value", "digits", "cell"),
    [
        (67_433.21, 4, "67,433"),
        (67_433.21, 10, "67,433.21"),
        (0.000123456, 4, "0.0001235"),
        (-239_419.0, 4, "-239,419"),
        (6.507e15, 4, "6.507e+15"),
        (1.0, 4, "1"),
    ],
)
def test_numbers_keep_their_whole_part(value: float, digits: int, cell: str) -> None:
    assert table([(value,)], ("n",), digits=digits).splitlines()[-1].strip() == cell
