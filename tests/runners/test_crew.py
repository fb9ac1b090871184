import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallow.domain.columns import Bars, FundingRates
from tallow.domain.errors import DataError, TransientError, UserError
from tallow.domain.fill_rules import Terms
from tallow.domain.market import parse_symbol
from tallow.domain.scene import Execution, Scene
from tallow.domain.sweep import Evaluated, Row
from tallow.domain.timeframes import parse_timeframe
from tallow.domain.venue_rules import RuleBook, VenueRules
from tallow.runners.batches import Ground, Inline
from tallow.runners.crew import WORTH, Crew, Recruiter, usable_cores, write_ground
from tallow.runners.inline import load
from tallow.runners.messages import pack, unpack

pytestmark = pytest.mark.thorough

MINE = """
import os
def signals(bars, *, window=5, level=1.0):
    print("noise that must not reach the answers")
    if window == 13:
        raise ValueError("unlucky")
    if window == 14:
        os._exit(9)
    return (bars.close > bars.close.rolling(window).mean() * level).astype(float)
"""
NAMES = ("level", "window")
WHOLE = slice(0, 200)


class Steps:
    """A clock that goes on by the same time at every look."""

    def __init__(self, step: float) -> None:
        self.step, self.time = step, 0.0

    def now(self) -> int:
        return 0

    def monotonic(self) -> float:
        self.time += self.step
        return self.time

    def sleep(self, seconds: float) -> None: ...


def chunks(windows: list[int], size: int = 2) -> Iterator[tuple[Row, ...]]:
    rows = [(1.0, window) for window in windows]
    return iter([tuple(rows[start : start + size]) for start in range(0, len(rows), size)])


def gather(found: Iterator[Evaluated]) -> dict[Row, Any]:
    together = {}
    for part in found:
        for place, row in enumerate(part.rows):
            numbers = {name: column[place : place + 1].tobytes() for name, column in part.columns.items()}
            together[row] = (numbers, part.failed.get(place))
    return together


@pytest.fixture
def inline(bars: Bars, write: Any) -> Inline:
    funding = FundingRates(bars.time[::8].copy(), np.full(len(bars.time[::8]), 0.0001))
    cuts = (VenueRules(0, lot_size=0.5), VenueRules(int(bars.time[90]), lot_size=2.0, tiers=((0, 0.01),)))
    return Inline(load(write(MINE)), Ground(bars, Execution(), 1_000.0, funding, terms=Terms(RuleBook(cuts))))


def test_several_processes_give_the_bits_of_one(inline: Inline) -> None:
    windows = [*range(2, 12), 13]
    alone = gather(inline.run(NAMES, chunks(windows), 11, WHOLE))
    with Crew(inline, 2) as crew:
        assert gather(crew.run(NAMES, chunks(windows), 11, WHOLE)) == alone
        part = slice(40, 160)
        assert gather(crew.run(NAMES, chunks([3, 4, 5]), 3, part)) == gather(
            inline.run(NAMES, chunks([3, 4, 5]), 3, part)
        )
        assert gather(crew.run(NAMES, iter([]), 0, WHOLE)) == {}
    assert "unlucky" in alone[(1.0, 13)][1]


def test_a_process_that_dies_names_the_combination(inline: Inline) -> None:
    with Crew(inline, 2) as crew, pytest.raises(TransientError) as caught:
        gather(crew.run(NAMES, chunks([3, 14], size=2), 2, WHOLE))
    assert caught.value.code == "WORKER_LOST"
    assert "level=1.0, window=14" in caught.value.message
    assert caught.value.facts["status"] == "9"


def test_a_strategy_that_changed_on_disk_is_refused(inline: Inline) -> None:
    path = inline.strategy.origin.path  # type: ignore[attr-defined]
    path.write_text(MINE + "\n# changed\n")
    with Crew(inline, 2) as crew, pytest.raises(UserError, match="STRATEGY_CHANGED"):
        gather(crew.run(NAMES, chunks([3, 4]), 2, WHOLE))


def test_bars_that_are_refused_are_refused_there_too(inline: Inline) -> None:
    inline.ground.bars.close[5] = -1.0
    with Crew(inline, 2) as crew, pytest.raises(DataError, match="BAD_BARS"):
        gather(crew.run(NAMES, chunks([3, 4]), 2, WHOLE))


def test_what_is_left_early_leaves_no_process_and_no_file(inline: Inline) -> None:
    crew = Crew(inline, 2)
    for _ in crew.run(NAMES, chunks(list(range(2, 12))), 10, WHOLE):
        workers, folder = list(crew._workers), crew._folder
        break
    crew.close()
    assert folder is not None
    assert not folder.exists()
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker.process.pid, 0)


@pytest.mark.parametrize(("step", "processes"), [(0.0, 0), (WORTH, 2)])
def test_processes_are_started_only_when_they_pay(inline: Inline, step: float, processes: int) -> None:
    with Crew(inline, 2, Steps(step)) as crew:
        found = gather(crew.run(NAMES, chunks(list(range(2, 12))), 10, WHOLE))
        assert len(crew._workers) == processes
    assert found == gather(inline.run(NAMES, chunks(list(range(2, 12))), 10, WHOLE))


def test_one_worker_is_this_process(inline: Inline, bars: Bars) -> None:
    scene = Scene("mine", parse_symbol("BTC/USDT"), parse_timeframe("1h"))
    with Recruiter(1, Steps(9.0))(inline.strategy, bars, scene, None) as crew:
        assert len(gather(crew.run(NAMES, chunks([3, 4]), 2, WHOLE))) == 2
        assert crew._workers == []
        assert crew.settle("window", ("3",)) == (3,)
        assert crew.variant({"window": 9, "level": 1.0}).parameters["window"] == 9
    every = Recruiter(None, Steps(0.0))(inline.strategy, bars, scene, None)
    assert every.count == usable_cores() >= 1


def spoken_to(request: dict[str, Any], place: Path, *chunks: dict[str, Any]) -> "io.BytesIO":
    """What a worker process answers until its standard input ends."""
    place.write_bytes((-1).to_bytes(8, "little", signed=True))
    messages = pack({**request, "place": str(place)}) + b"".join(map(pack, chunks))
    start = f"import sys; sys.path[:] = {sys.path!r}; from tallow.runners.crew import main; main()"
    done = subprocess.run([sys.executable, "-c", start], input=messages, capture_output=True, check=True)
    return io.BytesIO(done.stdout)


def test_a_worker_answers_until_it_is_left_alone(inline: Inline, tmp_path: Path) -> None:
    chunk = {"names": NAMES, "rows": [[1.0, 5], [1.0, 13]], "bars": [0, 200]}
    answers = spoken_to(write_ground(tmp_path, inline), tmp_path / "place", chunk, chunk)
    (expected,) = inline.run(NAMES, iter([((1.0, 5), (1.0, 13))]), 2, WHOLE)
    for _ in range(2):
        head, columns = unpack(answers.read)
        assert head["columns"] == list(expected.columns)
        assert head["failed"] == {"1": expected.failed[1]}
        for mine, column in zip(columns, expected.columns.values(), strict=True):
            np.testing.assert_array_equal(mine, column)
    assert answers.read() == b""


def test_a_worker_says_why_it_cannot_begin_or_go_on(inline: Inline, tmp_path: Path) -> None:
    request = write_ground(tmp_path, inline)
    chunk = {"names": NAMES, "rows": [[1.0, 5]], "bars": [0, 200]}
    head, _ = unpack(spoken_to({**request, "source": "another"}, tmp_path / "place", chunk).read)
    assert (head["error"]["code"], head["error"]["kind"]) == ("STRATEGY_CHANGED", "UserError")
    inline.ground.bars.close[5] = -1.0
    head, _ = unpack(spoken_to(write_ground(tmp_path, inline), tmp_path / "place", chunk).read)
    assert (head["error"]["code"], head["error"]["kind"]) == ("BAD_BARS", "DataError")
