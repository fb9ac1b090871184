"""Every block of the tutorial runs as printed, on the recordings."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.thorough, pytest.mark.slow, pytest.mark.shared, pytest.mark.timeout(600)]
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
TALLOW = Path(sys.executable).with_name("tallow")
RECORDING = "binance/spot/klines-1h-long/BTC_USDT-1h.feather"


def call(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(TALLOW), *shlex.split(command)[1:]],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip


def test_the_tutorial_runs_from_sketch_to_holdout(tmp_path: Path, shared_data: Path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / Path(RECORDING).name).symlink_to(shared_data / RECORDING)
    for text in re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL):
        (tmp_path / text[0]).write_text(text[1])
    told: dict[str, str] = {}
    key = ""
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            done = call(line.replace(" ID", f" {key}"), tmp_path)
            expected = 4 if "wonderful" in line else 0
            assert done.returncode == expected, f"{line}\n{done.stdout}{done.stderr}"
            told[" ".join(line.split()[:3])] = done.stdout + done.stderr
            found = re.search(r"tallow results replay (\w+)", done.stdout)
            key = found[1] if found else key
    assert "CERTIFIED" in told["tallow check trend.py"]
    assert "100 bars of warm-up" in told["tallow check trend.py"]
    assert "LEAKY" in told["tallow check wonderful.py"]
    assert "10 distinct trials" in told["tallow sweep trend.py"]
    assert "opened by 1 version" in told["tallow holdout list"]
    assert "equal" in told["tallow results replay"]
    assert (tmp_path / "sweep.html").stat().st_size > 10_000
    refused = call("tallow backtest trend.py -s BTC/USDT -t 1h --timerange 2023-01-01..2024-01-01", tmp_path)
    assert refused.returncode == 5
    assert "SEALED" in refused.stderr
    again = call("tallow holdout open trend.py -s BTC/USDT -t 1h --set fast=20 --set slow=100", tmp_path)
    assert "opened before by this very version" in again.stdout + again.stderr
