import json

import click
import pytest

from tallow.cli import run
from tallow.cli.explanations import PAGES
from tallow.cli.usage import in_our_form


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["backtest"], "MISSING_ARGUMENT", "tallow backtest needs FILE|NAME"),
        (["sweep", "sma_cross"], "MISSING_ARGUMENT", "tallow sweep needs K=VALUES..."),
        (["holdout", "seal", "-s", "BTC/USDT"], "MISSING_ARGUMENT", "tallow holdout seal needs --from"),
        (["backtest", "x", "--no-chek"], "UNKNOWN_OPTION", "tallow backtest has no option --no-chek"),
        (["--nope"], "UNKNOWN_OPTION", "tallow has no option --nope"),
        (["backtest", "x", "--days", "two"], "BAD_OPTION", "--days: 'two' is not a valid integer range"),
        (["backtest", "x", "--fill", "never"], "BAD_OPTION", "--fill: 'never' is not one of 'next_open', 'close'"),
        (["backtest", "x", "--lake"], "BAD_OPTION", "option '--lake' requires an argument"),
        (["results", "nope"], "BAD_COMMAND", "no such command 'nope'"),
        (["backtest", "x", "y"], "BAD_COMMAND", "got unexpected extra argument (y)"),
    ],
)
def test_what_cannot_be_read_is_told_like_every_error(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: str, said: str
) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert (captured.out, lines[0]) == ("", f"error[{code}] {said}")
    assert lines[-1].split()[0] == "try"
    assert lines[-1].endswith(" --help")
    assert code in PAGES
    assert run(["explain", code]) == 0


def test_the_nearest_option_and_the_usage_are_facts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["backtest", "x", "--no-chek", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert (found["error"], found["exit_code"]) == ("UNKNOWN_OPTION", 2)
    assert "--no-check" in found["facts"]["nearest"]
    assert found["facts"]["usage"] == "tallow backtest [OPTIONS] FILE|NAME"
    assert found["commands"] == ["tallow backtest --help"]


def test_a_group_without_a_verb_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["results"]) == 2
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (click.ClickException("It broke."), "error[BAD_COMMAND] it broke\n  try  tallow --help"),
        (click.BadParameter("no"), "error[BAD_COMMAND] invalid value: no\n  try  tallow --help"),
        (click.MissingParameter(param_type="argument"), "error[MISSING_ARGUMENT] tallow needs something more\n"),
    ],
)
def test_what_has_no_command_is_told_as_well(problem: click.ClickException, said: str) -> None:
    assert str(in_our_form(problem)).startswith(said)
