"""A portfolio that is killed at any moment leaves no half result, and the same again ends with the same bits."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tallow.app import Workspace, open_workspace
from tallow.flows.portfolio import Book, PortfolioResult
from tallow.runners.weights import load_weights

PROGRAM = """
import sys
from tallow.app import open_workspace
from tallow.flows.portfolio import Book
from tallow.runners.weights import load_weights

def tell(phase, done, total):
    print(phase, flush=True)

workspace = open_workspace(sys.argv[1], progress=tell)
book = Book(["BTC/USDT", "ETH/USDT"], load_weights("momentum", {"window": int(sys.argv[2]), "top": 1}))
save = workspace.records.file

def tell_and_save(found):
    print("saving", flush=True)
    save(found)

workspace.records.file = tell_and_save
workspace.portfolio(book, check=False, timeframe="1h", timerange="2024-01-01..2024-01-21")
print("finished", flush=True)
"""


def here(workspace: Workspace, window: int, *, cache: bool) -> PortfolioResult:
    book = Book(["BTC/USDT", "ETH/USDT"], load_weights("momentum", {"window": window, "top": 1}))
    span = {"timeframe": "1h", "timerange": "2024-01-01..2024-01-21"}
    return workspace.portfolio(book, check=False, cache=cache, **span)


@pytest.mark.slow
@pytest.mark.parametrize(("window", "phase"), [(31, "simulating"), (32, "scoring"), (33, "saving")])
def test_killed_at_any_moment_nothing_is_half_there(own_lake: Path, window: int, phase: str) -> None:
    command = [sys.executable, "-c", PROGRAM, str(own_lake), str(window)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(phase):
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    workspace = open_workspace(str(own_lake))
    for row in workspace.records.list(1_000):
        workspace.stored(str(row["key"]))
    again = here(workspace, window, cache=True)
    assert workspace.replay(again.key).equal
    assert here(workspace, window, cache=False).digest == again.digest
    assert here(workspace, window, cache=True).created <= again.created
