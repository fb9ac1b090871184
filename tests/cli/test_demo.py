import json
from pathlib import Path

import pytest

from tallow.cli import run


def test_the_demo_runs_the_whole_road_and_says_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--out", str(tmp_path / "demo"), "--json", "-q"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["simulated"] is True
    assert [result["scene"]["strategy"] for result in told["results"]] == ["buy_and_hold", "sma_cross", "rsi"]
    assert {result["certificate"]["verdict"] for result in told["results"]} == {"certified"}
    page = Path(told["report"]).read_text(encoding="utf-8")
    assert "SIMULATED" in page.upper()
    assert len(page.encode()) <= 500_000


@pytest.mark.slow
def test_the_demo_again_gives_the_same_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["demo", "--out", str(tmp_path / "demo"), "--json", "-q"]
    assert run(call) == 0
    first = json.loads(capsys.readouterr().out)
    assert run(call) == 0
    assert json.loads(capsys.readouterr().out) == first


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_demo_on_real_recordings(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallow.cli.demo.STRATEGIES", ("sma_cross",))
    chosen = ["klines-1h-long/BTC_USDT-1h.feather", "rest-klines/BTCUSDT-1h-pages.zip", "klines-5m/*USDT-5m.feather"]
    spot = shared_data / "binance" / "spot"
    for path in (path for pattern in chosen for path in spot.glob(pattern)):
        link = tmp_path / "recordings" / path.relative_to(shared_data)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    data = str(tmp_path / "recordings")
    assert run(["demo", "--data", data, "--out", str(tmp_path / "demo"), "--json", "-q"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["simulated"] is False
    series = {(result["scene"]["instrument"], result["scene"]["timeframe"]) for result in told["results"]}
    assert ("binance:BTC/USDT", "1h") in series
    assert len([one for one in series if one[1] == "5m"]) == 10
    assert (
        run(["coverage", "BTC/USDT", "-t", "1h", "--lake", str(tmp_path / "demo" / "lake-recordings"), "--json"]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert sum(1 for gap in found["gaps"] if gap["missing"]) == 28
