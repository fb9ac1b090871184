"""Check a strategy for look-ahead on the very bars it is judged by."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tallow.core.causality import Effort, Fresh, Output, Run, Step, Subject, certify, certify_label, methods, replay
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate, Finding, Outputs
from tallow.domain.ranges import EVERYTHING, iso
from tallow.domain.scene import Scene
from tallow.domain.timeframes import Timeframe, parse_timeframe
from tallow.flows.venue_rules import rule_words
from tallow.ports import Clock, Progress, Strategy, silent

_PHASE = "checking for look-ahead"
_SHOWN_EVERY = 25  # runs


@dataclass(frozen=True)
class Bench:
    """How a strategy can be run for the check.

    Attributes:
        run: on a new import in this process, infinities allowed.
        clock: tells how long it took.
        fresh: in a new process; None leaves state that outlives an import untested.
        trace: gives what each line left in its variables, to find the line of a leak.
        clock_moved: with the wall clock moved, each by another shift; empty where the strategy reads none.
        by_bar: whether it decides bar by bar and is shown the past alone.
        file: path that findings name.
        command: command that checks the same strategy on the same data; a finding adds its cut to it.
    """

    run: Run
    clock: Clock
    fresh: Fresh | None = None
    trace: Callable[[Bars], Sequence[Step]] | None = None
    clock_moved: Sequence[Run] = ()
    by_bar: bool = False
    file: str = ""
    command: str = ""


@dataclass(frozen=True)
class Budget:
    """Seconds for a check.

    Attributes:
        extra: for rows and futures beyond those that every certificate needs.
        limit: for everything; what is left untested then makes the verdict unknown.
    """

    extra: float = 0.2
    limit: float = 600.0


def check(
    strategy: Strategy,
    bars: Bars,
    bench: Bench,
    *,
    data: str = "",
    budget: Budget | None = None,
    progress: Progress = silent,
) -> Certificate:
    """Certify a strategy on these bars; `data` says in words what they are.

    Raises:
        UserError: TOO_FEW_BARS below 3 bars; STRATEGY_FAILED or BAD_OUTPUT when it fails on the bars as they are.
    """
    if len(bars) < 3:
        raise UserError(
            "TOO_FEW_BARS", f"{len(bars)} bars are too few to check a strategy on", facts={"needed": 3}, exit="no data"
        )
    spend, began = budget or Budget(), bench.clock.monotonic()
    command = bench.command or f"tallow check {bench.file or strategy.name}"
    subject = Subject(
        source=strategy.source,
        file=bench.file or strategy.name,
        data=data,
        fresh=bench.fresh,
        trace=bench.trace,
        clock_moved=bench.clock_moved,
        by_bar=bench.by_bar,
        replay=lambda finding: replay_command(command, finding),
    )
    effort = Effort(
        extra_left=_Stopwatch(bench.clock, spend.extra),
        limit_left=lambda: began + spend.limit - bench.clock.monotonic(),
    )
    certificate = certify(_shown(bench.run, progress), bars, subject=subject, effort=effort)
    progress(_PHASE, certificate.runs, certificate.runs)
    return certificate


def check_label(
    label: Strategy, bars: Bars, bench: Bench, horizon: int, *, data: str = "", budget: Budget | None = None
) -> Certificate:
    """Certify that a label uses no bar more than `horizon` rows ahead, in this process alone.

    Raises:
        UserError: BAD_PARAMETER, TOO_FEW_BARS, and what the label raises on the bars as they are.
    """
    spend, began = budget or Budget(), bench.clock.monotonic()
    subject = Subject(
        source=label.source, file=bench.file or label.name, data=data, clock_moved=bench.clock_moved,
    )  # fmt: skip
    effort = Effort(
        extra_left=_Stopwatch(bench.clock, spend.extra),
        limit_left=lambda: began + spend.limit - bench.clock.monotonic(),
    )
    return certify_label(bench.run, bars, horizon, subject=subject, effort=effort)


def horizon_of(horizon: str | int, timeframe: Timeframe) -> int:
    """Turn a length such as ``4h``, or a number of bars, into a number of bars.

    Example:
        >>> horizon_of("4h", parse_timeframe("1h")), horizon_of(12, parse_timeframe("1h"))
        (4, 12)

    Raises:
        UserError: BAD_PARAMETER when it is neither, or no whole number of bars.
    """
    text = str(horizon).strip()
    if text.isdigit():
        return int(text)
    try:
        rows, rest = divmod(parse_timeframe(text).microseconds, timeframe.microseconds)
    except UserError:
        rows, rest = 0, 1
    if rest:
        raise UserError(
            "BAD_PARAMETER",
            f"horizon = {horizon!r} is no whole number of {timeframe} bars",
            facts={"valid": "4h, 2d, or a number of bars from 0"},
        )
    return rows


def replay_command(command: str, finding: Finding) -> str:
    """Write the command that shows a finding again on the same data."""
    return f"{command} --cut {finding.cut} --future {finding.method} --row {finding.row}"


def replay_finding(run: Run, bars: Bars, *, cut: int, future: str, row: int) -> Outputs:
    """Show one finding again: the output at `row` with the true future, and with the one after `cut` changed.

    Raises:
        UserError: BAD_PARAMETER when there is no such row or future.
    """
    last = len(bars) - 1
    if future not in methods() or max(cut, row) > last:
        raise UserError(
            "BAD_PARAMETER",
            f"there is no finding {future!r} at cut {cut}, row {row}",
            facts={"valid": f"rows 0 to {last:,}; futures {', '.join(methods())}"},
        )
    return replay(run, bars, Finding(row, 0, cut, future, 0.0, None, "", 0))


class _Stopwatch:
    """Gives the seconds left; it starts when it is first asked, after the trials that are always made."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds
        self.end: float | None = None

    def __call__(self) -> float:
        now = self.clock.monotonic()
        if self.end is None:
            self.end = now + self.seconds
        return self.end - now


def _shown(run: Run, progress: Progress) -> Run:
    done = 0

    def counted(bars: Bars) -> Output:
        nonlocal done
        done += 1
        if done % _SHOWN_EVERY == 0:
            progress(_PHASE, done, 0)
        return run(bars)

    return counted


def check_command(file: str, scene: Scene) -> str:
    """Write the command that checks this strategy with these parameters on these bars again."""
    words = ["tallow check", shlex.quote(file), "-s", str(scene.instrument), "-t", str(scene.timeframe)]
    if scene.range != EVERYTHING:
        words += ["--timerange", f"{iso(scene.range.start)}..{iso(scene.range.end)}"]
    words += rule_words(scene)
    return " ".join([*words, *(f"--set {name}={value}" for name, value in scene.parameters.items())])
