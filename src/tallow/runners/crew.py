"""Evaluate combinations in several processes that share the bars by a memory map."""

import contextlib
import mmap
import os
import queue
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from tallow.domain.columns import COLUMNS, Bars, FundingRates
from tallow.domain.errors import DataError, Error, TransientError, UserError
from tallow.domain.fill_rules import FillRules, Terms
from tallow.domain.scene import Execution, Scene, Value
from tallow.domain.sweep import Evaluated, Row
from tallow.domain.venue_rules import book_of
from tallow.ports import Clock, Strategy
from tallow.runners.adapters import Setting
from tallow.runners.batches import Ground, Inline, evaluate
from tallow.runners.inline import FileStrategy, load
from tallow.runners.messages import as_times, bars_columns, pack, unpack

WORTH = 6.0  # seconds of work left below which starting processes (one or two seconds each) does not pay
_LOOK = 2  # chunks evaluated here before deciding: the first one also pays for imports and compiling
_PLACE = struct.Struct("<q")
_GRACE = 5  # seconds for a process to end by itself


def usable_cores() -> int:
    """Give how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Recruiter:
    """Gives who evaluates combinations.

    Attributes:
        workers: processes; 1 is this one; None is one a core, started only when enough work is left.
        clock: to measure how much work is left.
    """

    workers: int | None
    clock: Clock

    def __call__(self, strategy: Strategy, bars: Bars, scene: Scene, funding: FundingRates | None) -> "Crew":
        """Give a crew for one strategy on one market."""
        setting = Setting(scene.timeframe, scene.instrument.symbol)
        ground = Ground(bars, scene.execution, scene.cash, funding, setting, scene.terms)
        count = usable_cores() if self.workers is None else self.workers
        return Crew(Inline(strategy, ground), count, None if self.workers else self.clock)


class Crew:
    """The Evaluator port in several processes; in this one while that is faster.

    Args:
        inline: the same evaluation in this process.
        count: processes at most.
        clock: to find out whether processes pay; None starts them at once.
    """

    def __init__(self, inline: Inline, count: int, clock: Clock | None = None) -> None:
        self.inline = inline
        self.count = count
        self.clock = clock
        self._workers: list[_Worker] = []
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes, whatever they are at."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.end()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def settle(self, name: str, values: Row) -> Row:
        """Convert values of a parameter to its declared type."""
        return self.inline.settle(name, values)

    def variant(self, parameters: Mapping[str, Value]) -> Strategy:
        """Give the strategy with these parameters."""
        return self.inline.variant(parameters)

    def run(
        self, names: tuple[str, ...], chunks: Iterator[tuple[Row, ...]], total: int, bars: slice
    ) -> Iterator[Evaluated]:
        """Evaluate chunk after chunk, in processes once they pay."""
        if self.count < 2:
            yield from self.inline.run(names, chunks, total, bars)
            return
        if not self._workers and self.clock is not None:
            yield from self._alone(names, chunks, total, bars)
        first = next(chunks, None)
        if first is None:
            return
        if not self._workers:
            self._start()
        yield from self._together(names, _chain(first, chunks), bars)

    def _alone(
        self, names: tuple[str, ...], chunks: Iterator[tuple[Row, ...]], total: int, bars: slice
    ) -> Iterator[Evaluated]:
        """Evaluate here until it is clear that processes pay, or that nothing is left."""
        assert self.clock is not None
        for number, rows in enumerate(chunks, 1):
            started = self.clock.monotonic()
            found = evaluate(self.inline.ground, self.inline.strategy, names, rows, bars)
            spent = self.clock.monotonic() - started
            yield found
            total -= len(rows)
            if number >= _LOOK and spent / len(rows) * total > WORTH:
                return

    def _start(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tallow-crew-"))
        request = write_ground(self._folder, self.inline)
        # Kept as they start: a failure half-way leaves none behind.
        for number in range(self.count):
            self._workers.append(_Worker(self._folder / f"place-{number}", request))

    def _forget_file(self, worker: "_Worker") -> None:
        """Remove the file of the bars once everybody has mapped it: nothing is left behind if we are killed."""
        worker.is_ready = True
        if self._folder is not None and all(one.is_ready for one in self._workers):
            with contextlib.suppress(OSError):
                (self._folder / "bars").unlink(missing_ok=True)

    def _together(self, names: tuple[str, ...], chunks: Iterator[tuple[Row, ...]], bars: slice) -> Iterator[Evaluated]:
        answers: queue.SimpleQueue[tuple[_Worker, _Answer]] = queue.SimpleQueue()
        busy: dict[_Worker, tuple[Row, ...]] = {}
        try:
            for worker in self._workers:
                _hand_on(worker, chunks, names, bars, busy, answers)
            while busy:
                worker, answer = answers.get()
                rows = busy.pop(worker)
                found = worker.read(answer, names, rows)
                self._forget_file(worker)
                _hand_on(worker, chunks, names, bars, busy, answers)
                yield found
        finally:
            # Left early: what is under way would be taken for the answer to the next question.
            if busy:
                self.close()


def _chain(first: tuple[Row, ...], rest: Iterator[tuple[Row, ...]]) -> Iterator[tuple[Row, ...]]:
    yield first
    yield from rest


def _hand_on(
    worker: "_Worker",
    chunks: Iterator[tuple[Row, ...]],
    names: tuple[str, ...],
    bars: slice,
    busy: "dict[_Worker, tuple[Row, ...]]",
    answers: "queue.SimpleQueue[tuple[_Worker, _Answer]]",
) -> None:
    rows = next(chunks, None)
    if rows is not None:
        busy[worker] = rows
        worker.ask(names, rows, bars, answers)


_Answer = tuple[dict[str, Any], list[Any]] | None


def write_ground(folder: Path, inline: Inline) -> dict[str, Any]:
    """Write bars and funding to a file that the processes map; give the request that leads to it."""
    ground, strategy = inline.ground, inline.strategy
    funding = ground.funding
    columns = [*bars_columns(ground.bars), *(() if funding is None else (funding.time, funding.rate))]
    path = folder / "bars"
    with path.open("wb") as file:
        for column in columns:
            file.write(np.ascontiguousarray(column).data)
    return {
        "strategy": str(strategy.origin.path.resolve()) if isinstance(strategy, FileStrategy) else strategy.name,
        "source": sha256(strategy.source.encode()).hexdigest(),
        "parameters": dict(strategy.parameters),
        "execution": asdict(ground.execution),
        "cash": ground.cash,
        "setting": ground.setting.as_texts(),
        "rules": ground.terms.rules.plain() if ground.terms.rules else None,
        "filling": asdict(ground.terms.filling),
        "bars": str(path),
        "sizes": [len(column) for column in columns],
    }


class _Worker:
    """One process, and the thread that waits for its answers."""

    def __init__(self, place: Path, request: dict[str, Any]) -> None:
        place.write_bytes(_PLACE.pack(-1))
        self.place = place
        self.is_ready = False
        start = f"import sys; sys.path[:] = {sys.path!r}; from tallow.runners.crew import main; main()"
        # A session of its own: an interrupt at the terminal reaches this process only, which then ends the others.
        self.process = subprocess.Popen(
            [sys.executable, "-c", start],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._send(pack({**request, "place": str(place)}))

    def ask(
        self,
        names: tuple[str, ...],
        rows: tuple[Row, ...],
        bars: slice,
        answers: "queue.SimpleQueue[tuple[_Worker, _Answer]]",
    ) -> None:
        """Send a chunk; its answer goes into the queue, None when the process has ended."""
        message = pack({"names": names, "rows": rows, "bars": [bars.start, bars.stop]})
        threading.Thread(target=self._wait, args=(message, answers), daemon=True).start()

    def _wait(self, message: bytes, answers: "queue.SimpleQueue[tuple[_Worker, _Answer]]") -> None:
        self._send(message)
        assert self.process.stdout is not None
        try:
            answers.put((self, unpack(self.process.stdout.read)))
        except (EOFError, ValueError, OSError):
            answers.put((self, None))

    def _send(self, message: bytes) -> None:
        # That the process is gone shows when its answer is missing.
        with contextlib.suppress(OSError):
            assert self.process.stdin is not None
            self.process.stdin.write(message)
            self.process.stdin.flush()

    def read(self, answer: _Answer, names: tuple[str, ...], rows: tuple[Row, ...]) -> Evaluated:
        """Read an answer.

        Raises:
            TransientError: WORKER_LOST with the combination the process was at.
            Error: what the process itself refused.
        """
        if answer is None:
            raise self._lost(names, rows)
        head, columns = answer
        if "error" in head:
            raise _again(head["error"])
        failed = {int(place): reason for place, reason in head["failed"].items()}
        return Evaluated(names, rows, dict(zip(head["columns"], columns, strict=True)), failed)

    def _lost(self, names: tuple[str, ...], rows: tuple[Row, ...]) -> TransientError:
        try:
            status: object = self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            status = "none: it only stopped answering"
        (place,) = _PLACE.unpack(self.place.read_bytes())
        values = ", ".join(f"{name}={value}" for name, value in zip(names, rows[max(0, place)], strict=True))
        return TransientError(
            "WORKER_LOST",
            f"a process of the sweep ended at {values}" if place >= 0 else "a process of the sweep ended at its start",
            facts={"status": status, "combination": values, "stored": "what was finished; the same command goes on"},
            commands=["--workers 1"],
        )

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.process.wait()


def _again(told: dict[str, Any]) -> Error:
    kind = DataError if told["kind"] == "DataError" else UserError
    error = kind(told["code"], told["message"], facts=told["facts"])
    error.exit_code = told["exit_code"]
    return error


# -- in the other process ------------------------------------------------------------------------------------------


def main() -> None:
    """Read the request, then answer chunk after chunk until standard input ends."""
    out = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        request, _ = unpack(sys.stdin.buffer.read)
        try:
            strategy, ground = _given(request)
        except Error as problem:
            unpack(sys.stdin.buffer.read)
            out.write(pack({"error": _told(problem)}))
            out.flush()
            return
        with open(request["place"], "r+b") as file, mmap.mmap(file.fileno(), _PLACE.size) as board:
            while True:
                out.write(_answer(strategy, ground, board))
                out.flush()


def _answer(strategy: Strategy, ground: Ground, board: mmap.mmap) -> bytes:
    head, _ = unpack(sys.stdin.buffer.read)
    names, rows = tuple(head["names"]), [tuple(row) for row in head["rows"]]

    def begin(place: int) -> None:
        board[:] = _PLACE.pack(place)

    try:
        found = evaluate(ground, strategy, names, rows, slice(*head["bars"]), begin)
    except Error as problem:
        return pack({"error": _told(problem)})
    begin(-1)
    return pack({"columns": list(found.columns), "failed": dict(found.failed)}, list(found.columns.values()))


def _told(problem: Error) -> dict[str, Any]:
    return {
        "kind": type(problem).__name__,
        "code": problem.code,
        "message": problem.message,
        "facts": problem.facts,
        "exit_code": problem.exit_code,
    }


def _given(request: dict[str, Any]) -> tuple[Strategy, Ground]:
    """Load the strategy and map the bars of a request.

    Raises:
        UserError: STRATEGY_CHANGED when its text is another one than at the start.
    """
    strategy = load(request["strategy"], request["parameters"])
    if sha256(strategy.source.encode()).hexdigest() != request["source"]:
        raise UserError("STRATEGY_CHANGED", f"{request['strategy']} changed while it was being swept", exit="failed")
    with open(request["bars"], "rb") as file:
        size = os.fstat(file.fileno()).st_size
        # Copy on write: the pages are shared, and yet no process can change what another one reads.
        content = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) if size else b""
    numbers, ends = np.frombuffer(content, np.float64), np.cumsum(request["sizes"]).tolist()
    columns = [numbers[end - size : end] for end, size in zip(ends, request["sizes"], strict=True)]
    bars = Bars(as_times(columns[0]), *columns[1 : len(COLUMNS)])
    funding = FundingRates(as_times(columns[-2]), columns[-1]) if len(columns) > len(COLUMNS) else None
    setting = Setting.from_texts(request["setting"])
    rules = book_of(request["rules"]) if request["rules"] else None
    terms = Terms(rules, FillRules(**request["filling"]))
    return strategy, Ground(bars, Execution(**request["execution"]), request["cash"], funding, setting, terms)
