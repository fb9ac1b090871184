import json
from pathlib import Path

import pytest

from tallow.cli import run
from tallow.cli.research import start_up

HONEST = """
def signals(bars, *, fast=10, slow=30):
    return (bars.close.rolling(fast).mean() > bars.close.rolling(slow).mean()).astype(int)
"""
CHEAT = """
def signals(bars, *, fast=10, slow=30):
    trend = bars.close.rolling(fast).mean() > bars.close.rolling(slow).mean()
    return (trend & (bars.close.shift(-1) > bars.close)).astype(int)
"""
SHORT = ["--timerange", "2024-01-01..2024-03-01"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "honest.py").write_text(HONEST)
    (tmp_path / "cheat.py").write_text(CHEAT)
    return tmp_path


def test_a_clean_strategy_is_certified(here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "honest.py", *SHORT, "--lake", str(own_lake), "-q"]) == 0
    words = capsys.readouterr().out
    assert words.startswith("CERTIFIED")
    # At most the 30 bars of the slow average: on these bars no decision hung on the oldest of them.
    assert "start-up  23 bars of warm-up. On the rows watched nothing changes once 23 bars are there" in words


def test_state_since_the_first_bar_is_warned_of(here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("counts.py").write_text("def signals(bars):\n    return bars.close.expanding().count() % 2\n")
    assert run(["check", "counts.py", *SHORT, "--lake", str(own_lake), "-q"]) == 0
    assert "start-up  WARNING: The values keep changing with the start of the data" in capsys.readouterr().out
    assert run(["check", "counts.py", *SHORT, "--lake", str(own_lake), "-q", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["startup"]
    assert (found["verdict"], found["warm_up"], found["available"]) == ("never", None, 1_080)


def test_what_cannot_be_tried_is_said() -> None:
    assert "not tried" in start_up(None)


def test_a_cheat_is_refused_with_row_values_line_and_replay(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", "cheat.py", *SHORT, "--lake", str(own_lake), "-q"]) == 4
    captured = capsys.readouterr()
    assert captured.out.startswith("LEAKY")
    assert "cheat.py:4" in captured.out
    assert "shift(-1)" in captured.out
    assert "error[LOOKAHEAD]" in captured.err
    again = next(line.split("tallow ", 1)[1] for line in captured.out.splitlines() if line.strip().startswith("replay"))
    assert run([*again.split(), *SHORT, "--lake", str(own_lake), "--json"]) == 4
    found = json.loads(capsys.readouterr().out)
    assert found["leaky"]
    assert found["true_future"] != found["changed_future"]
    harmless = ["--cut", "3", "--row", "1", "--future", "truncate"]
    assert run(["check", "cheat.py", *harmless, *SHORT, "--lake", str(own_lake)]) == 0
    assert capsys.readouterr().out.startswith("the same")


def test_a_finding_outside_the_data_is_refused(here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "cheat.py", *SHORT, "--lake", str(own_lake), "--cut", "999999"]) == 2
    assert "BAD_PARAMETER" in capsys.readouterr().err


def test_a_backtest_carries_its_verdict_and_is_found_again(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["backtest", "honest.py", *SHORT, "--lake", str(own_lake), "--json", "--set", "fast=12"]
    assert run(call) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["certificate"]["verdict"] == "certified"
    assert first["scene"]["parameters"] == {"fast": 12, "slow": 30}
    assert first["origin"] == "simulated"
    assert run(call) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert run(["results", "replay", first["key"][:12], "--lake", str(own_lake), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["equal"] is True


def test_every_option_of_the_scene_is_a_miss(here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["backtest", "honest.py", *SHORT, "--lake", str(own_lake), "--json", "--no-check"]
    changes = [
        [], ["--fee", "0.002"], ["--slippage", "3"], ["--fill", "close"], ["--cash", "5"], ["--stop-loss", "0.1"],
        ["--take-profit", "0.1"], ["--trailing-stop", "0.1"], ["--leverage", "2"], ["--short"], ["-s", "ETH/USDT"],
        ["--set", "slow=31"], ["--timerange", "2024-01-01..2024-02-01"],
    ]  # fmt: skip
    keys = set()
    for change in changes:
        assert run([*base, *change]) == 0
        keys.add(json.loads(capsys.readouterr().out)["key"])
    assert len(keys) == len(changes)


def test_a_leaky_backtest_shows_its_result_and_fails(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["backtest", "cheat.py", *SHORT, "--lake", str(own_lake), "--report", "out/report.html"]) == 4
    captured = capsys.readouterr()
    assert "LEAKY" in captured.out.upper()
    assert "error[LOOKAHEAD]" in captured.err
    assert "<html" in (here / "out" / "report.html").read_text()


def test_candles_the_lake_lacks_are_built_from_finer_ones(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["backtest", "buy_and_hold", "-t", "4h", "--lake", str(own_lake), "--json", "--no-check"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["bars_origin"] == "1h"
    assert any("1h" in note for note in result["notes"])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["backtest", "sma_crss"], 2, "sma_cross"),
        (["backtest", "sma_cross", "-s", "DOGE/USDT"], 3, "lake holds"),
        (["backtest", "sma_cross", "-t", "1y"], 2, "BAD_TIMEFRAME"),
        (["backtest", "sma_cross", "--timerange", "2030-01-01..2031-01-01"], 3, "2024-01-01"),
        (["backtest", "sma_cross", "--set", "fsat=3"], 2, "fast"),
        (["backtest", "sma_cross", "--set", "fast"], 2, "K=V"),
        (["backtest", "sma_cross", "--fee", "0.9"], 2, "BAD_SETTING"),
        (["backtest", "missing.py"], 2, "STRATEGY_NOT_FOUND"),
        (["backtest", "honest.py", "--set", "fast=-1"], 1, "honest.py"),
    ],
)
def test_bad_input_says_what_is_valid(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert run([*arguments, "--lake", str(own_lake), "-q", "--no-check"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error[")
    assert said in captured.err


def test_a_new_strategy_runs_as_it_is(here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", "strategy", "my_idea"]) == 0
    assert run(["backtest", "my_idea.py", *SHORT, "--lake", str(own_lake), "-q"]) == 0
    assert run(["new", "strategy", "my_idea"]) == 2
    assert "FILE_EXISTS" in capsys.readouterr().err
    assert run(["new", "strategy", "my-idea"]) == 2
    assert "BAD_NAME" in capsys.readouterr().err


def test_an_empty_default_lake_falls_back_to_the_demo_and_says_so(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["backtest", "buy_and_hold", *SHORT, "--no-check"]) == 0
    captured = capsys.readouterr()
    assert "SIMULATED" in captured.err
    assert (here / "tallow-demo" / "lake").exists()
    assert not (here / "tallow-lake").exists()


def test_decisions_on_hours_of_four_fill_on_hours(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["backtest", "honest.py", *SHORT, "--lake", str(own_lake), "--json", "-t", "4h", "--fill-detail", "1h"]
    assert run(call) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["scene"]["timeframe"] == "1h"
    assert found["scene"]["parameters"] == {"decide-on": "4h", "fast": 10, "slow": 30}
    assert found["certificate"]["verdict"] == "certified"
    assert found["metrics"]["trades"] > 0
    assert run(["results", "replay", found["key"][:16], "--lake", str(own_lake)]) == 0


ADAPTED = """
from tallow.adapters.freqtrade import IStrategy


class Rising(IStrategy):
    timeframe = "4h"
    stoploss = -0.05

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_long"] = (dataframe["close"] > dataframe["open"]).astype(int)
        dataframe["exit_long"] = 1 - dataframe["enter_long"]
        return dataframe
"""


@pytest.mark.parametrize(
    ("options", "timeframe", "stop", "notes"),
    [
        ([], "4h", 0.05, 0),
        (["-t", "1h", "--stop-loss", "0.02"], "1h", 0.02, 2),
        (["--fill-detail", "1h"], "1h", 0.05, 0),
    ],
)
def test_a_class_of_another_framework_sets_what_the_call_does_not(
    here: Path,
    own_lake: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    timeframe: str,
    stop: float,
    notes: int,
) -> None:
    (here / "rising.py").write_text(ADAPTED)
    assert run(["backtest", "rising.py", *SHORT, "--lake", str(own_lake), "--json", "--no-check", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["scene"]["timeframe"] == timeframe
    assert found["scene"]["execution"]["stop_loss"] == stop
    assert len([note for note in found["notes"] if "asks for" in note]) == notes
    assert found["metrics"]["trades"] > 0


def test_rules_of_the_venue_come_from_a_file_or_from_the_lake(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "rules.csv").write_text("valid_from,lot_size\n2024-01-10,0.5\n2024-02-10,5\n")
    call = ["backtest", "honest.py", *SHORT, "--no-check", "--lake", str(own_lake), "-q"]
    assert run([*call, "--venue-rules", "rules.csv"]) == 0
    said = capsys.readouterr().out
    assert "VENUE RULES: 2 of 2 versions used, given by hand; new ones begin 2024-02-10." in said
    assert "VENUE RULES: Before 2024-01-10 are not known" in said
    check = ["check", "honest.py", *SHORT, "--lake", str(own_lake), "-q", "--venue-rules"]
    assert run([*check, "rules.csv"]) == 0
    assert run([*check, "none.csv"]) == 3
    capsys.readouterr()
    assert run([*call, "--venue-rules"]) == 3
    assert "error[NO_RULES] the lake has no trading rules of simulated:BTC/USDT" in capsys.readouterr().err
    assert run([*call, "--venue-rules", "none.csv"]) == 3
    assert "none.csv" in capsys.readouterr().err
