"""Every block of the README runs as printed, and prints what is printed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TALLOW = Path(sys.executable).with_name("tallow")
NEEDS_NETWORK = "tallow ingest binance"
CANDLES = "timestamp,open,high,low,close,volume\n1704067200000,1,2,1,2,3\n1704070800000,2,3,1,2,3\n"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def printed(name: str) -> str:
    match = re.search(rf"<!-- {name} output -->\n```text\n(.*?)```", README, flags=re.DOTALL)
    assert match is not None
    return match[1]


def call(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    words = shlex.split(command, comments=True)
    assert words[0] == "tallow"
    environment = {**os.environ, "NO_COLOR": "1", "TALLOW__LAKE": "tallow-demo/lake"}
    return subprocess.run(
        [str(TALLOW), *words[1:]], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demo has run, with the README's files and a recording."""
    folder = tmp_path_factory.mktemp("readme")
    for text in blocks("python"):
        name = re.match(r"# (\w+\.py)\n", text)
        if name:
            (folder / name[1]).write_text(text)
    (folder / "recordings" / "binance").mkdir(parents=True)
    (folder / "recordings" / "binance" / "LTCUSDT-1h.csv").write_text(CANDLES)
    shown = call("tallow demo", folder)
    assert shown.returncode == 0, shown.stderr
    (folder / "shown.txt").write_text(shown.stdout)
    return folder


def test_the_demo_prints_what_the_readme_prints(place: Path) -> None:
    assert (place / "shown.txt").read_text() == printed("demo")


def test_the_cheat_is_refused_as_the_readme_prints(place: Path) -> None:
    done = call("tallow check cheat.py", place)
    assert done.returncode == 4
    assert done.stdout == printed("check")


@pytest.mark.thorough
def test_every_command_runs(place: Path) -> None:
    key = ""
    for block in blocks("sh"):
        for line in block.splitlines():
            if not line.startswith("tallow") or line.startswith(NEEDS_NETWORK):
                continue
            done = call(line.replace(" ID", f" {key}"), place)
            expected = 4 if "cheat.py" in line else 0
            assert done.returncode == expected, f"{line}\n{done.stdout}{done.stderr}"
            if line.startswith("tallow backtest"):
                found = re.search(r"tallow results replay (\w+)", done.stdout)
                assert found is not None
                key = found[1]


def test_the_python_block_runs(place: Path) -> None:
    text = next(block for block in blocks("python") if "import tallow" in block)
    done = subprocess.run([sys.executable, "-c", text], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "certified" in done.stdout
