"""A sweep that is killed at any moment goes on from what it stored, and ends with the same bits."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tallow.app import open_workspace
from tallow.core.search import axes_of
from tallow.domain.sweep import Search, SweepResult
from tallow.flows.backtest import pin, read_market
from tallow.flows.sweep import Folding, cross_validate, sweep

PROGRAM = """
import sys
from tallow.app import open_workspace
from tallow.core.search import axes_of
from tallow.domain.sweep import Search
from tallow.flows.sweep import sweep

def tell(phase, done, total):
    print(phase.partition("\\t")[0], flush=True)

workspace = open_workspace(sys.argv[1], progress=tell)
strategy = workspace.strategy(sys.argv[2], {})
scene = workspace.scene(strategy, timerange="2024-01-01..2024-02-01")
search = Search(axes_of({"fast": "2..31", "slow": [40, 50]}))
sweep(scene, strategy, search, workspace.studio(scene, workers=int(sys.argv[3]), check=False))
print("finished", flush=True)
"""
MINE = """
def signals(bars, *, fast=10, slow=30):
    return (bars.close.rolling(fast).mean() > bars.close.rolling(slow).mean()).astype(int)
"""
SEARCH = Search(axes_of({"fast": "2..31", "slow": [40, 50]}))


def here(lake: Path, file: Path, *, cache: bool) -> SweepResult:
    workspace = open_workspace(str(lake))
    strategy = workspace.strategy(str(file), {})
    scene = workspace.scene(strategy, timerange="2024-01-01..2024-02-01")
    return sweep(scene, strategy, SEARCH, workspace.studio(scene, workers=1, check=False), cache=cache)


def run_until(
    lake: Path, file: Path, workers: int, chunks: int, program: str = PROGRAM, phase: str = "sweeping"
) -> bool:
    """Run the program, kill it once it has reported so many chunks; say whether it finished before."""
    command = [sys.executable, "-c", program, str(lake), str(file), str(workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            chunks -= line.startswith(phase)
            if chunks <= 0:
                process.send_signal(signal.SIGKILL)
                break
            if line.startswith("finished"):
                return True
    assert process.returncode == -signal.SIGKILL
    return False


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
@pytest.mark.parametrize(("workers", "moments"), [(1, (1, 3)), (2, (3,))])
def test_a_killed_sweep_ends_like_an_unbroken_one(
    own_lake: Path, tmp_path: Path, workers: int, moments: tuple[int, ...]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    stored = []
    for chunks in moments:
        assert not run_until(own_lake, file, workers, chunks)
        stored.append(len(set(parts(own_lake, file))))
    assert stored == sorted(stored)
    assert 0 < stored[-1] < 60
    resumed = here(own_lake, file, cache=True)
    assert resumed.computed == 60 - stored[-1]
    whole = here(own_lake, file, cache=False)
    assert whole.computed == len(whole.found) == 60
    assert resumed.found.rows == whole.found.rows
    for name, column in whole.found.columns.items():
        assert resumed.found.columns[name].tobytes() == column.tobytes(), name
    assert resumed.trials == whole.trials == 60
    assert resumed.result is not None
    assert whole.result is not None
    assert resumed.result.digest == whole.result.digest


def parts(lake: Path, file: Path) -> "list[tuple[object, ...]]":
    """Every combination that is stored."""
    from tallow.flows.backtest import pin, read_market
    from tallow.flows.sweep.flow import series_of

    workspace = open_workspace(str(lake))
    strategy = workspace.strategy(str(file), {})
    scene = workspace.scene(strategy, timerange="2024-01-01..2024-02-01")
    market = read_market(workspace.lake, scene, pin(workspace.lake, scene))
    key = series_of(scene, strategy, market).key
    return [row for chunk in workspace.records.finished(key) for row in chunk.rows]


CROSSING = PROGRAM.replace("import sweep", "import Folding, cross_validate").replace(
    "sweep(scene, strategy, search, ", "cross_validate(scene, strategy, search, Folding(4), "
)


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_killed_cross_validation_ends_like_an_unbroken_one(own_lake: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    for chunks in (2, 5):
        assert not run_until(own_lake, file, 1, chunks, CROSSING, "cross-validating")
    workspace = open_workspace(str(own_lake))
    strategy = workspace.strategy(str(file), {})
    scene = workspace.scene(strategy, timerange="2024-01-01..2024-02-01")
    assert [row["kind"] for row in workspace.records.list()] == []
    studio = workspace.studio(scene, workers=1, check=False)
    resumed = cross_validate(scene, strategy, SEARCH, Folding(4), studio)
    pieces = {piece for split in resumed.splits for piece in split.train}
    assert 0 < resumed.computed < 60 * len(pieces)
    bars = read_market(workspace.lake, scene, pin(workspace.lake, scene)).bars
    whole = cross_validate(scene, strategy, SEARCH, Folding(4), studio, bars)
    assert whole.computed == 60 * len(pieces)
    assert resumed.splits == whole.splits
    assert resumed.result.digest == whole.result.digest
