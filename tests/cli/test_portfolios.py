import json
from pathlib import Path

import pytest

from tallow.cli import run

HONEST = """
import pandas as pd
def weights(frames, *, window=48):
    close = pd.DataFrame({symbol: bars.close for symbol, bars in frames.items()})
    rise = close.pct_change(window, fill_method=None)
    return rise.eq(rise.max(axis=1), axis=0) * 0.9
"""
CHEAT = HONEST.replace("fill_method=None)", "fill_method=None).shift(-1)")
PAIR = ["-s", "BTC/USDT", "-s", "ETH/USDT", "--timerange", "2024-01-01..2024-01-21", "-q"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "honest.py").write_text(HONEST)
    (tmp_path / "cheat.py").write_text(CHEAT)
    return tmp_path


def call(*arguments: str, lake: Path) -> int:
    return run(["portfolio", *arguments, *PAIR, "--lake", str(lake)])


def test_a_file_is_carried_out_certified_and_told(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["honest.py", "--set", "window=24", "--rebalance", "daily"]
    assert call(*chosen, lake=own_lake) == 0
    said = capsys.readouterr().out
    assert said.startswith("honest (window=24) on BTC/USDT, ETH/USDT 1h\n2024-01-01..2024-01-21, 480 rows, ")
    for words in (
        "SIMULATED",
        "CERTIFIED",
        "simulated:ETH/USDT: gold.candles v",
        "shrunk purchases",
        "tallow results replay",
    ):
        assert words in said
    assert call(*chosen, "--json", lake=own_lake) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["digest"] in said
    assert found["certificate"]["verdict"] == "certified"
    profits = [one["profit"] for one in found["instruments"]]
    assert sum(profits) == pytest.approx(found["metrics"]["final_equity"] - 10_000.0)
    assert sum(one["trades"] for one in found["instruments"]) == found["metrics"]["trades"]
    assert sum(one["fees"] for one in found["instruments"]) == pytest.approx(found["metrics"]["fees"])
    assert (found["stored"], found["parameters"]) == (True, {"window": 24})
    assert set(found["counters"]) >= {"stale_marks", "shrunk_purchases", "liquidations"}


@pytest.mark.parametrize("rule", ["change", "daily"])
def test_weights_that_leak_end_with_4(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str], rule: str
) -> None:
    assert call("cheat.py", "--rebalance", rule, lake=own_lake) == 4
    captured = capsys.readouterr()
    assert "LEAKY" in captured.out
    assert "negative shift" in captured.out
    assert "error[LOOKAHEAD] cheat.py" in captured.err


def test_weights_that_hang_on_the_clock_end_with_4(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "late.py").write_text(
        "import time\n"
        "def weights(frames):\n"
        "    share = time.time() // 86_400 % 5 / 20\n"
        "    return [[share, share]] * len(next(iter(frames.values())))\n"
    )
    assert call("late.py", lake=own_lake) == 4
    captured = capsys.readouterr()
    assert "UNKNOWN  its output is not repeatable: it changes with the wall clock" in captured.out
    assert "error[UNPROVEN]" in captured.err


def test_without_the_check_it_is_unproven(here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    money = ["--short", "--leverage", "2", "--margin", "cross", "--fee", "0.002", "--cash", "500", "--slippage", "3"]
    assert call("cheat.py", "--no-check", "--rebalance", "drift:0.05", *money, lake=own_lake) == 0
    said = capsys.readouterr().out
    assert "causality unproven" in said
    assert "rebalanced on a drift of 0.05" in said


def test_an_empty_default_lake_is_the_simulated_market(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "tallow-demo").mkdir()
    (here / "tallow-demo" / "lake").symlink_to(own_lake)
    monkeypatch.setattr("tallow.app.Workspace.ingest_simulated", lambda self, seed: None)
    monkeypatch.setattr("tallow.app.Workspace.refine", lambda self: None)
    two = ["-s", "BTC/USDT", "-s", "ETH/USDT", "--days", "10", "--no-progress"]
    assert run(["portfolio", "equal_weight", *two, "--no-check"]) == 0
    captured = capsys.readouterr()
    assert "SIMULATED market in tallow-demo" in captured.err
    assert "240 rows" in captured.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["equal_wait", "-s", "BTC/USDT"], 2, "equal_weight"),
        (["equal_weight"], 2, "NO_INSTRUMENTS"),
        (["equal_weight", "-s", "BTC/USDT", "-s", "btcusdt"], 2, "more than once"),
        (["equal_weight", "-s", "BTC/USDT", "-s", "DOGE/USDT"], 3, "NO_DATA"),
        (["equal_weight", "-s", "BTC/USDT", "--rebalance", "hourly"], 2, "drift:0.05"),
        (["momentum", "-s", "BTC/USDT", "--set", "windw=3"], 2, "UNKNOWN_PARAMETER"),
        (["momentum", "-s", "BTC/USDT", "--set", "window"], 2, "BAD_PARAMETER"),
        (["half.py", "-s", "BTC/USDT"], 2, "WEIGHTS_SHAPE"),
        (["much.py", "-s", "BTC/USDT", "-s", "ETH/USDT"], 2, "WEIGHTS_TOO_LARGE"),
        (["broken.py", "-s", "BTC/USDT"], 1, "broken.py:3"),
    ],
)
def test_bad_input_says_what_is_valid(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    (here / "half.py").write_text("def weights(frames):\n    return [0.5]\n")
    (here / "much.py").write_text("import numpy as np\ndef weights(frames):\n    return np.full((480, 2), 0.7)\n")
    (here / "broken.py").write_text(
        "def weights(frames):\n    first = list(frames)[0]\n    return frames[first].clos\n"
    )
    span = ["--timerange", "2024-01-01..2024-01-21"]
    assert run(["portfolio", *arguments, *span, "--lake", str(own_lake), "-q", "--no-check"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error[")
    assert said in captured.err


def test_a_stored_portfolio_is_listed_shown_replayed_drawn_and_compared_with_its_kind_alone(
    here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = ["--lake", str(own_lake), "-q"]
    page = here / "page.html"
    keys = []
    for window in ("30", "36"):
        chosen = ["honest.py", "--set", f"window={window}", "--no-check", "--report", str(page)]
        assert call(*chosen, "--json", lake=own_lake) == 0
        keys.append(json.loads(capsys.readouterr().out)["key"])
    assert "tallow results replay" in page.read_text()
    (here / "honest.py").write_text("def weights(frames):\n    return 1 / 0\n")  # the stored source is what is replayed
    assert run(["results", "replay", keys[0][:12], *lake]) == 0
    assert capsys.readouterr().out.startswith("equal  ")
    assert run(["results", "list", *lake]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[1] for line in listed.splitlines() if keys[0][:12] in line] == ["portfolio"]
    assert run(["results", "show", keys[0], *lake]) == 0
    assert capsys.readouterr().out.startswith("honest (window=30) on BTC/USDT, ETH/USDT 1h")
    assert run(["report", keys[0], "--out", str(here / "other.html"), *lake]) == 0
    capsys.readouterr()
    assert run(["results", "compare", *keys, *lake]) == 0
    assert "parameters" in capsys.readouterr().out
    single = ["backtest", "buy_and_hold", "-s", "BTC/USDT", "--timerange", "2024-01-01..2024-01-21", "--no-check"]
    assert run([*single, "--json", *lake]) == 0
    backtest = json.loads(capsys.readouterr().out)["key"]
    assert run(["results", "compare", keys[0], backtest, *lake]) == 2
    assert "error[UNLIKE_RESULTS] a portfolio and a backtest" in capsys.readouterr().err


def test_a_file_holds_the_rules_of_every_symbol(here: Path, own_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = "valid_from,symbol,lot_size,notional_from,maintenance_margin\n"
    (here / "rules.csv").write_text(
        head + "2024-01-01,BTC/USDT,0.01,0,0.01\n2024-01-01,BTC/USDT,,50000,0.02\n2024-01-01,ETH/USDT,3,,\n"
    )
    chosen = ["honest.py", "--no-check", "--venue-rules", "rules.csv", "--leverage", "2", "--json"]
    assert call(*chosen, lake=own_lake) == 0
    found = json.loads(capsys.readouterr().out)
    assert "VENUE RULES 1 of 1 versions used, given by hand" in found["notes"]
    assert run(["results", "replay", found["key"], "--lake", str(own_lake), "-q"]) == 0
    (here / "rules.csv").write_text(head + "2024-01-01,BTC/USDT,0.01,,\n")
    assert call(*chosen, lake=own_lake) == 3
    assert "rules.csv has no trading rules of simulated:ETH/USDT" in capsys.readouterr().out
