import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tallow.cli import run

SEAL = ["holdout", "seal", "-s", "BTC/USDT", "-t", "1h", "--from", "2024-12-01"]
DIES = """
import os
import signal
from pathlib import Path

MARK = Path(__file__).with_name("mark")


def signals(bars):
    if not MARK.exists():
        MARK.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return bars.close > bars.close.shift(1)
"""


def read(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_seal_refuse_open_once_list(own_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = ["--lake", str(own_lake), "-q"]
    assert run(["holdout", "list", *lake]) == 0
    assert "nothing is sealed" in capsys.readouterr().out
    assert run(["backtest", "buy_and_hold", "--timerange", "2024-11-01..", "--no-check", *lake]) == 0
    assert run([*SEAL, *lake]) == 0
    assert "; 1 trials made before have seen it" in capsys.readouterr().out
    assert run(["backtest", "buy_and_hold", "--timerange", "2024-11-01..2024-12-02", *lake]) == 5
    assert "--timerange 2024-11-01..2024-12-01" in capsys.readouterr().err
    for verb in (["check", "buy_and_hold"], ["sweep", "sma_cross", "fast=5,6"]):
        assert run([*verb, "--timerange", "2024-12-10..", *lake]) == 5
        assert "error[SEALED]" in capsys.readouterr().err
    assert run(["backtest", "buy_and_hold", "--no-check", "--days", "10", *lake]) == 0
    words = capsys.readouterr().out
    assert "2024-11-21 00:00 to 2024-12-01 00:00 UTC" in words
    assert "HOLDOUT: The range ends at 2024-12-01: what follows is sealed." in words
    opening = ["holdout", "open", "buy_and_hold", "--no-check"]
    assert run([*opening, *lake]) == 0
    assert "Holdout: opened now; opened by 1 version." in capsys.readouterr().out
    assert run([*opening, "--json", *lake]) == 0
    again = read(capsys)
    assert again["again"] is True
    assert run(["holdout", "open", "sma_cross", *lake]) == 0
    assert "it is no longer a holdout" in capsys.readouterr().out
    assert run(["holdout", "list", *lake]) == 0
    listed = capsys.readouterr().out
    assert "opened by 2 versions: it is no longer a holdout" in listed
    assert str(again["key"])[:12] in listed


def test_a_killed_opening_is_on_record(own_lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = ["--lake", str(own_lake), "-q"]
    strategy = tmp_path / "dies.py"
    strategy.write_text(DIES)
    assert run([*SEAL, *lake]) == 0
    command = [sys.executable, "-c", "import sys; from tallow.cli import main; main(sys.argv[1:])"]
    words = ["holdout", "open", str(strategy), "--no-check", *lake]
    done = subprocess.run([*command, *words], env=dict(os.environ), capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    capsys.readouterr()
    assert run(["holdout", "list", "--json", *lake]) == 0
    looks = json.loads(capsys.readouterr().out)[0]
    assert (looks["versions"], looks["interrupted"], looks["openings"][0]["key"]) == (1, 1, "")
    assert run([*words, "--json"]) == 0
    after = read(capsys)
    assert after["again"] is True
    assert run(["holdout", "list", "--json", *lake]) == 0
    keys = [one["key"] for one in json.loads(capsys.readouterr().out)[0]["openings"]]
    assert keys == ["", after["key"]]


def test_without_a_seal_there_is_nothing_to_open(own_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["holdout", "open", "sma_cross", "--lake", str(own_lake), "-q"]) == 2
    assert "tallow holdout seal -s simulated:BTC/USDT -t 1h --from DATE" in capsys.readouterr().err


def test_what_is_sealed_is_refused_with_the_file_that_was_given(
    own_lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = ["--lake", str(own_lake), "-q"]
    assert run([*SEAL, *lake]) == 0
    file = tmp_path / "my_idea.py"
    file.write_text("def signals(bars, *, fast=3):\n    return bars.close > bars.close.rolling(fast).mean()\n")
    for verb in (
        ["backtest", str(file)],
        ["sweep", str(file), "fast=3,4"],
        ["walkforward", str(file), "fast=3,4"],
        ["cross-validate", str(file), "fast=3,4"],
    ):
        capsys.readouterr()
        assert run([*verb, "--timerange", "2024-11-01..2024-12-20", *lake]) == 5
        said = capsys.readouterr().err
        assert f"tallow backtest {file} -s" in said
        assert f"tallow holdout open {file} -s" in said
    capsys.readouterr()
    assert run(["backtest", "sma_cross", "--timerange", "2024-11-01..2024-12-20", *lake]) == 5
    assert "tallow backtest sma_cross -s" in capsys.readouterr().err


def test_a_portfolio_looks_once_at_all_of_its_symbols(own_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = ["--lake", str(own_lake), "-q"]
    opening = ["holdout", "open-portfolio", "equal_weight", "-s", "BTC/USDT", "-s", "ETH/USDT", "--rebalance", "daily"]
    assert run([*SEAL, *lake]) == 0
    assert run([*opening, *lake]) == 2
    assert "error[NOT_SEALED] nothing of simulated:ETH/USDT is sealed" in capsys.readouterr().err
    assert run([*SEAL[:3], "ETH/USDT", *SEAL[4:], *lake]) == 0
    assert run(["portfolio", *opening[2:], "--timerange", "2024-11-01..2025-01-01", *lake]) == 5
    assert "tallow holdout open-portfolio equal_weight -s simulated:BTC/USDT" in capsys.readouterr().err
    assert run([*opening, *lake]) == 0
    words = capsys.readouterr().out
    state = "simulated:BTC/USDT opened by 1 version; simulated:ETH/USDT opened by 1 version."
    assert words.endswith(f"Holdout: opened now; {state}\n")
    assert "CERTIFIED" in words
    assert run([*opening, "--no-check", "--json", *lake]) == 0
    again = read(capsys)
    assert (again["again"], again["kind"]) == (True, "portfolio")
    assert run(["report", str(again["key"])[:12], "--out", str(own_lake / "page.html"), *lake]) == 0
    assert "HOLDOUT" in (own_lake / "page.html").read_text("utf-8")
