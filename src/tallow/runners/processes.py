"""Run a strategy in processes of its own: nothing that this process has seen can reach it.

A server process imports pandas once and waits. For a request it forks a child that has never seen the strategy; the
child imports it, runs it on one set of bars after another, notes what it uses beside them, answers, and ends.
"""

import contextlib
import importlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np

from tallow.core.causality import FreshRuns
from tallow.domain.columns import COLUMNS, Bars, Floats, FundingRates
from tallow.domain.errors import Error, TransientError
from tallow.domain.scene import Execution
from tallow.ports import Strategy
from tallow.runners.effects import Effects
from tallow.runners.inline import Conditions, FileStrategy, load, probe, under
from tallow.runners.messages import Numbers, bars_columns, bars_from, pack, unpack
from tallow.runners.sources import imported_packages

_CAN_FORK = hasattr(os, "fork")
_COLLECT = pack({"do": "collect"})


class Processes:
    """Fresh processes for one strategy after another; make it early, it needs a second to import pandas.

    One request is under way at a time: a new one ends the one before it.

    Args:
        time_limit: seconds after which a child is ended; its runs then count as failed.
    """

    def __init__(self, time_limit: int = 300) -> None:
        self.time_limit = time_limit
        self._server: subprocess.Popen[bytes] | None = _spawn("serve") if _CAN_FORK else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server, and with it a child that still runs."""
        if self._server is not None:
            self._server.communicate()
            self._server = None

    def begin(self, strategy: Strategy, conditions: Conditions, sets: Sequence[Bars]) -> Callable[[], FreshRuns]:
        """Start runs on every set of bars, in this order, and give what waits for them.

        Raises:
            TransientError: PROCESS_LOST when the server is gone.
        """
        request = _request(strategy, conditions, sets, self.time_limit)
        if self._server is None:
            return lambda: _runs(_alone(request, self.time_limit), len(sets))
        self._send(request)
        return lambda: self._collect(len(sets))

    def _collect(self, count: int) -> FreshRuns:
        self._send(_COLLECT)
        assert self._server is not None
        assert self._server.stdout is not None
        try:
            return _runs(unpack(self._server.stdout.read), count)
        except EOFError as problem:
            raise _lost() from problem

    def _send(self, message: bytes) -> None:
        if self._server is None or self._server.stdin is None:
            raise _lost()
        try:
            self._server.stdin.write(message)
            self._server.stdin.flush()
        except OSError as problem:
            raise _lost() from problem


def _lost() -> TransientError:
    return TransientError("PROCESS_LOST", "the process that runs strategies afresh has ended")


def _spawn(mode: str) -> "subprocess.Popen[bytes]":
    start = f"import sys; sys.path[:] = {sys.path!r}; from tallow.runners.processes import main; main({mode!r})"
    return subprocess.Popen([sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _alone(request: bytes, time_limit: int) -> tuple[dict[str, Any], list[Floats]]:
    """Run one request in a process that is started for it: where a process cannot be forked."""
    process = _spawn("once")
    try:
        answer, _ = process.communicate(request, timeout=time_limit + 60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {"failed": f"it took more than {time_limit} seconds"}, []
    try:
        return unpack(io.BytesIO(answer).read)
    except EOFError:
        return {"failed": f"its process ended with status {process.returncode}"}, []


def _request(strategy: Strategy, conditions: Conditions, sets: Sequence[Bars], time_limit: int) -> bytes:
    funding = conditions.funding
    of_file = isinstance(strategy, FileStrategy)
    head = {
        "do": "run",
        "strategy": str(strategy.origin.path.resolve()) if isinstance(strategy, FileStrategy) else strategy.name,
        "packages": imported_packages(strategy.origin) if isinstance(strategy, FileStrategy) and of_file else (),
        "parameters": dict(strategy.parameters),
        "execution": asdict(conditions.execution),
        "cash": conditions.cash,
        "funding": funding is not None,
        "time_limit": time_limit,
    }
    columns: list[Any] = [column for bars in sets for column in bars_columns(bars)]
    return pack(head, columns if funding is None else [*columns, funding.time, funding.rate])


def _runs(answer: tuple[dict[str, Any], list[Floats]], count: int) -> FreshRuns:
    head, columns = answer
    if "failed" in head:
        return FreshRuns((head["failed"],) * count)
    outputs = iter(columns)
    return FreshRuns(
        tuple(next(outputs) if message is None else message for message in head["messages"]), tuple(head["effects"])
    )


# -- in the other process ------------------------------------------------------------------------------------------


def main(mode: str) -> None:
    """Serve requests from standard input until it ends, or (`once`) answer a single one."""
    with contextlib.suppress(EOFError, BrokenPipeError):
        if mode == "serve":
            _Server(sys.stdin.buffer, sys.stdout.buffer).serve()
        else:
            out = os.fdopen(os.dup(1), "wb")
            answer(unpack(sys.stdin.buffer.read), out)


def answer(request: tuple[dict[str, Any], list[Floats]], out: BinaryIO) -> None:
    """Run a request in this process and write the answer; what the strategy prints is dropped."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    head, columns = request
    sets, funding = _sets(head, columns)
    effects = Effects()
    effects.start()
    conditions = Conditions(Execution(**head["execution"]), head["cash"], funding)
    try:
        strategy = under(load(head["strategy"], head["parameters"]), conditions)
        effects.wrap_native_readers()
        results = [_attempt(strategy, bars) for bars in sets]
    except Error as problem:
        results = [problem.message] * len(sets)
    effects.active = False
    messages = [result if isinstance(result, str) else None for result in results]
    numbers: Numbers = [result for result in results if not isinstance(result, str)]
    out.write(pack({"messages": messages, "effects": list(effects.seen)}, numbers))
    out.flush()


def _attempt(strategy: Strategy, bars: Bars) -> Floats | str:
    try:
        return probe(strategy)(bars)
    except Error as problem:
        return problem.message


def _sets(head: dict[str, Any], columns: list[Floats]) -> tuple[list[Bars], FundingRates | None]:
    funding = None
    if head["funding"]:
        *columns, time, rate = columns
        funding = FundingRates(time.view(np.int64).copy(), rate.copy())
    width = len(COLUMNS)
    return [bars_from(columns[start : start + width]) for start in range(0, len(columns), width)], funding


class _Server:
    """Forks a child for every request; the child's answer waits in its pipe until it is collected."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self.requests, self.answers = requests, answers
        self.child = 0
        self.pipe = -1

    def serve(self) -> None:
        try:
            while True:
                head, columns = unpack(self.requests.read)
                if head["do"] == "collect":
                    self._pass_on()
                else:
                    self._end_child()
                    self._fork(head, columns)
        finally:
            self._end_child()

    def _fork(self, head: dict[str, Any], columns: list[Floats]) -> None:
        for package in head["packages"]:
            with contextlib.suppress(ImportError):
                importlib.import_module(package)
        reading, writing = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            try:
                os.close(reading)
                signal.alarm(head["time_limit"])
                with os.fdopen(writing, "wb") as out:
                    answer((head, columns), out)
            finally:
                os._exit(0)
        os.close(writing)
        self.pipe = reading

    def _pass_on(self) -> None:
        with os.fdopen(self.pipe, "rb") as results:
            content = results.read()
        status = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        self.child = 0
        if not content:
            limit = status == -signal.SIGALRM
            content = pack({"failed": "it ran out of time" if limit else f"its process ended with status {status}"})
        self.answers.write(content)
        self.answers.flush()

    def _end_child(self) -> None:
        if self.child:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
            os.close(self.pipe)
            self.child = 0
