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
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, BinaryIO, Self

from tallow.core.causality import FreshRuns, fresh_runs
from tallow.domain.columns import COLUMNS, Bars, Floats, FundingRates
from tallow.domain.errors import Error, TransientError
from tallow.domain.fill_rules import FillRules, Terms
from tallow.domain.scene import Execution
from tallow.domain.venue_rules import book_of
from tallow.ports import Strategy
from tallow.runners.adapters import Setting
from tallow.runners.effects import Effects
from tallow.runners.inline import Conditions, load, probe, under
from tallow.runners.messages import (
    as_times,
    bars_columns,
    bars_from,
    decisions_columns,
    decisions_from,
    pack,
    unpack,
)
from tallow.runners.sources import Source, imported_packages

_CAN_FORK = hasattr(os, "fork")
_GRACE = 60  # seconds to start a process
_COLLECT = pack({"do": "collect"})
_DROP = pack({"do": "drop"})


class Processes:
    """Fresh processes for one strategy after another; make it early, it needs a second to import pandas.

    One request is under way at a time: a new one ends the one before it.

    Args:
        time_limit: seconds after which a child is ended; its runs then count as failed.
    """

    def __init__(self, time_limit: int = 300) -> None:
        self.time_limit = time_limit
        self._server: subprocess.Popen[bytes] | None = _spawn("serve") if _CAN_FORK else None
        self._writer: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the server end, and with it a child that still runs."""
        server, self._server = self._server, None
        if server is not None:
            self._join()
            try:
                server.communicate(timeout=_GRACE)
            except subprocess.TimeoutExpired:
                server.kill()
                server.communicate()

    def begin(self, strategy: Strategy, conditions: Conditions, bars: Bars, cuts: Sequence[int]) -> "Running":
        """Start runs on the bars up to each row of `cuts`, ascending, then on all bars."""
        request = _request(strategy, conditions, bars, cuts, self.time_limit)
        self._join()
        if self._server is not None:
            # The server may still be importing: a thread waits for it, so that the caller need not.
            self._writer = threading.Thread(target=self._send, args=(request,), daemon=True)
            self._writer.start()
        return Running(self, request)

    def _join(self) -> None:
        if self._writer is not None:
            self._writer.join()
            self._writer = None

    def collect(self, request: bytes) -> FreshRuns:
        """Wait for the runs of the last request.

        Raises:
            TransientError: PROCESS_LOST when the server is gone.
        """
        server = self._server
        if server is None:
            return _runs(_alone(request, self.time_limit))
        self._join()
        self._send(_COLLECT)
        try:
            if server.stdout is None:
                raise EOFError
            return _runs(unpack(server.stdout.read))
        except EOFError as problem:
            message = "the process that runs strategies afresh has ended"
            raise TransientError("PROCESS_LOST", message) from problem

    def cancel(self) -> None:
        """End the runs of the last request."""
        self._join()
        self._send(_DROP)

    def _send(self, message: bytes) -> None:
        """Write to the server; that it is gone shows when its answer is missing."""
        server = self._server
        if server is not None and server.stdin is not None:
            with contextlib.suppress(OSError):
                server.stdin.write(message)
                server.stdin.flush()


@dataclass(frozen=True)
class Running:
    """Runs under way in a new process."""

    processes: Processes
    request: bytes

    def collect(self) -> FreshRuns:
        """Wait for them."""
        return self.processes.collect(self.request)

    def cancel(self) -> None:
        """End them."""
        self.processes.cancel()


def _spawn(mode: str) -> "subprocess.Popen[bytes]":
    start = f"import sys; sys.path[:] = {sys.path!r}; from tallow.runners.processes import main; main({mode!r})"
    # A session of its own: an interrupt at the terminal reaches this process only, which then ends the other.
    return subprocess.Popen(
        [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )


def _alone(request: bytes, time_limit: int) -> tuple[dict[str, Any], list[Floats]]:
    """Run one request in a process that is started for it: where a process cannot be forked."""
    process = _spawn("once")
    try:
        answer, _ = process.communicate(request, timeout=time_limit + _GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {"message": f"it took more than {time_limit} seconds"}, []
    try:
        return unpack(io.BytesIO(answer).read)
    except EOFError:
        return {"message": f"its process ended with status {process.returncode}"}, []


def _request(strategy: Strategy, conditions: Conditions, bars: Bars, cuts: Sequence[int], time_limit: int) -> bytes:
    origin, funding, setting = getattr(strategy, "origin", None), conditions.funding, conditions.setting
    head = {
        "do": "run",
        "strategy": str(origin.path.resolve()) if isinstance(origin, Source) else strategy.name,
        "packages": imported_packages(origin) if isinstance(origin, Source) else (),
        "parameters": dict(strategy.parameters),
        "execution": asdict(conditions.execution),
        "cash": conditions.cash,
        "setting": setting.as_texts(),
        "rules": conditions.terms.rules.plain() if conditions.terms.rules else None,
        "filling": asdict(conditions.terms.filling),
        "cuts": [int(cut) for cut in cuts],
        "time_limit": time_limit,
    }
    columns = bars_columns(bars)
    return pack(head, columns if funding is None else [*columns, funding.time, funding.rate])


def _runs(answer: tuple[dict[str, Any], list[Floats]]) -> FreshRuns:
    head, columns = answer
    if head["message"]:
        return FreshRuns(head["message"])
    failed = {int(cut): message for cut, message in head["failed"].items()}
    return FreshRuns(decisions_from(columns), tuple(head["differing"]), failed, tuple(head["effects"]))


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
    width = len(COLUMNS)
    funding = FundingRates(as_times(columns[width]), columns[width + 1]) if len(columns) > width else None
    effects = Effects()
    effects.start()
    try:
        setting = Setting.from_texts(head["setting"])
        rules = book_of(head["rules"]) if head["rules"] else None
        terms = Terms(rules, FillRules(**head["filling"]))
        conditions = Conditions(Execution(**head["execution"]), head["cash"], funding, setting, terms)
        strategy = under(load(head["strategy"], head["parameters"]), conditions)
        effects.wrap_native_readers()
        done = fresh_runs(probe(strategy), bars_from(columns[:width]), head["cuts"])
    except Error as problem:
        done = FreshRuns(problem.message)
    effects.active = False
    failed = isinstance(done.whole, str)
    results = {
        "message": done.whole if failed else "",
        "differing": done.differing,
        "failed": done.failed,
        "effects": effects.found(),
    }
    out.write(pack(results, () if isinstance(done.whole, str) else decisions_columns(done.whole)))
    out.flush()


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
                    continue
                self._end_child()
                if head["do"] == "run":
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
            content = pack({"message": "it ran out of time" if limit else f"its process ended with status {status}"})
        self.answers.write(content)
        self.answers.flush()

    def _end_child(self) -> None:
        if self.child:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
            os.close(self.pipe)
            self.child = 0
