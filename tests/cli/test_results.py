import json
import re
from pathlib import Path

import pytest

from tallow.cli import run

SHORT = ["--timerange", "2024-01-01..2024-02-01", "--no-check", "--json"]


def make(lake: Path, capsys: pytest.CaptureFixture[str], strategy: str) -> str:
    assert run(["backtest", strategy, *SHORT, "--lake", str(lake), "-q"]) == 0
    return str(json.loads(capsys.readouterr().out)["key"])


def test_results_are_listed_shown_compared_reported_removed(
    own_lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = ["--lake", str(own_lake)]
    assert run(["results", "list", *lake]) == 0
    assert "no stored results" in capsys.readouterr().out
    first, second = make(own_lake, capsys, "buy_and_hold"), make(own_lake, capsys, "sma_cross")
    assert run(["results", "list", *lake]) == 0
    listed = capsys.readouterr().out
    assert first[:12] in listed
    assert "unproven" in listed
    assert "not meaningful" in listed
    assert run(["results", "show", first[:8], *lake]) == 0
    shown = capsys.readouterr()
    assert "buy_and_hold" in shown.out
    assert "Scored when 1 trial had been made on this data." in shown.out
    assert "Assumption ladder" in shown.out
    assert "2 on this data by now" in shown.err
    assert run(["results", "compare", first[:8], second[:8], *lake]) == 0
    compared = capsys.readouterr().out
    assert "strategy" in compared
    assert re.search(r"max_drawdown_start +2024-\d\d-\d\d\S* +2024-\d\d-\d\d", compared)
    assert run(["report", first[:8], "--out", str(tmp_path / "r.html"), *lake, "-q"]) == 0
    assert (tmp_path / "r.html").stat().st_size > 10_000
    assert run(["results", "remove", first[:8], "-y", *lake]) == 2
    assert run(["results", "remove", first, "-y", *lake]) == 0
    capsys.readouterr()
    assert run(["results", "show", first[:8], *lake]) == 3
    assert "UNKNOWN_RESULT" in capsys.readouterr().err


def test_a_replay_survives_new_data(own_lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = make(own_lake, capsys, "sma_cross")
    hours = [1735689600000 + 3_600_000 * i for i in range(5)]  # right after the market's end
    rows = [[t, "1", "2", "1", "2", "3", t + 3_599_999, "4", 1, "1", "1", "0"] for t in hours]
    (tmp_path / "more.json").write_text(json.dumps(rows))
    more = ["ingest", "files", str(tmp_path / "more.json"), "-s", "simulated:BTC/USDT", "-t", "1h", "-q"]
    assert run([*more, "--lake", str(own_lake)]) == 0
    capsys.readouterr()
    assert run(["results", "replay", key[:12], "--lake", str(own_lake)]) == 0
    assert "equal" in capsys.readouterr().out
    assert make(own_lake, capsys, "sma_cross") != key
