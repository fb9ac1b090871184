import json
from pathlib import Path

import pytest

from tallow.cli import run
from tallow.cli.explanations import PAGES


def test_doctor_looks_at_machine_and_lake(demo_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--lake", str(demo_lake), "--json"]) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {"python", "packages", "engine", "lake", "disk"}
    assert "series" in rows["lake"]["detail"]


def test_doctor_fails_on_what_is_no_lake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    assert run(["doctor", "--lake", str(tmp_path)]) == 1
    assert "fail" in capsys.readouterr().out


def test_doctor_says_what_to_do_without_a_lake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--lake", str(tmp_path / "none")]) == 0
    assert "tallow demo" in capsys.readouterr().out


def test_explain_gives_pages_offline(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "no_data"]) == 0
    assert PAGES["NO_DATA"] in capsys.readouterr().out
    assert run(["explain"]) == 0
    assert "LOOKAHEAD" in capsys.readouterr().out
    assert run(["explain", "NO_DTAA"]) == 2
    assert "NO_DATA" in capsys.readouterr().err


def test_config_tells_where_values_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tallow.toml").write_text("fee = 0.0005\n")
    monkeypatch.setenv("TALLOW__CASH", "500")
    assert run(["config", "show", "--origin", "--json", "--lake", "there"]) == 0
    rows = {row["setting"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["lake"]["origin"] == "command line"
    assert rows["cash"]["origin"] == "environment"
    assert rows["fee"]["origin"].endswith("tallow.toml")
    assert run(["config", "show"]) == 0
    assert "origin" not in capsys.readouterr().out
