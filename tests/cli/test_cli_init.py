import json
import subprocess
import sys

import pytest

from tallow.cli import VERBS, options_after_verb, run


def test_every_verb_can_be_imported_and_helps(capsys: pytest.CaptureFixture[str]) -> None:
    for name in VERBS:
        assert run([name, "--help"]) == 0
        assert "Usage" in capsys.readouterr().out


def test_help_lists_the_verbs_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    places = [text.index(f"\n  {name} ") for name in VERBS]
    assert places == sorted(places)


def test_help_and_version_import_nothing_heavy() -> None:
    code = (
        "import sys; from tallow.cli import run; run(['--help']); run(['--version'])\n"
        "heavy = {'numpy', 'pandas', 'polars', 'numba', 'deltalake', 'sqlalchemy', 'httpx2', 'rich', 'pyarrow'}\n"
        "sys.exit(','.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_unknown_verb_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bactest"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "error[UNKNOWN_VERB]" in captured.err
    assert "backtest" in captured.err


def test_an_error_is_json_when_json_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "NO_SUCH", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "UNKNOWN_CODE"


def test_a_stack_trace_comes_only_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "NO_SUCH"]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert run(["explain", "NO_SUCH", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_wrong_options_are_usage_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalog", "--no-such-option"]) == 2
    assert "no-such-option" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ([], []),
        (["--help"], ["--help"]),
        (["catalog"], ["catalog"]),
        (["--lake", "x", "catalog"], ["catalog", "--lake", "x"]),
        (["--json", "-q", "catalog", "--paths"], ["catalog", "--json", "-q", "--paths"]),
        (["--lake", "x"], ["--lake", "x"]),
    ],
)
def test_options_mean_the_same_before_and_after_the_verb(typed: list[str], meant: list[str]) -> None:
    assert options_after_verb(typed) == meant
