"""kill -9 at random moments loses nothing and doubles nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tallow import stores

SOURCE = Path(stores.__file__).parents[2]
SCRIPT = Path(__file__).parents[3] / "benchmarks" / "kill_ingest.py"


@pytest.mark.slow
def test_killed_and_restarted_runs_end_as_if_undisturbed():
    run = subprocess.run(
        [sys.executable, str(SCRIPT), "--kills", "5", "--seed", "7"],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    result = json.loads(run.stdout.splitlines()[-1])
    assert run.returncode == 0
    assert result["kills"] >= 3
    assert result["rows"] > 10_000
    assert (result["lost"], result["extra"], result["duplicated"], result["lineage_missing"]) == (0, 0, 0, 0)
