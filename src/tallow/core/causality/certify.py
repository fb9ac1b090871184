"""Certify that a strategy does not read the future: by experiment, on these bars, at every row where it changes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Protocol

import numpy as np

from tallow.core.causality.compare import COARSE, Output, change_rows, changed_rows
from tallow.core.causality.futures import FUTURES, TRUNCATE, truncate
from tallow.core.causality.locate import DECIDED, END_OF_DATA, LENGTH, STATE, Step, locate
from tallow.core.causality.search import (
    Effort,
    exposed_changes,
    first_look,
    further,
    needed,
    sampled_rows,
    short,
    truncations,
)
from tallow.core.causality.trials import Difference, Run, Trials
from tallow.domain.columns import Bars
from tallow.domain.errors import Error
from tallow.domain.evidence import Certificate, Finding, Outputs
from tallow.domain.sent import Sent, sent_of, words_at

_BEFORE_FRESH = 12  # trials that must pass before a process is asked
_REPORTED = 3
_BY_BAR = 24  # change rows tested of a strategy that is shown the past alone


@dataclass(frozen=True)
class FreshRuns:
    """What a new process found on bars cut short, the shortest first, and then on the whole of them.

    Attributes:
        whole: output on all bars, or the message of its failure.
        differing: the first cuts whose output is not that of `whole`, by more than rounding.
        failed: cut -> message, where the code under test failed on the shorter bars.
        effects: plain phrases for whatever it used beside the bars: files, network, processes.
    """

    whole: Output | str
    differing: tuple[int, ...] = ()
    failed: Mapping[int, str] = field(default_factory=dict)
    effects: tuple[str, ...] = ()


class Pending(Protocol):
    """Runs under way in a new process."""

    def collect(self) -> FreshRuns:
        """Wait for them."""
        ...

    def cancel(self) -> None:
        """End them."""
        ...


Fresh = Callable[[Bars, Sequence[int]], Pending]
"""Starts a new process that runs on the bars up to each of the given rows, ascending, and then on all bars."""


def fresh_runs(run: Run, bars: Bars, cuts: Sequence[int]) -> FreshRuns:
    """Do what a new process is asked to do; effects are for the caller to add."""
    failed: dict[int, str] = {}
    outputs: dict[int, Output] = {}
    for cut in sorted(cuts):
        try:
            outputs[cut] = run(truncate(bars, cut))
        except Error as problem:
            failed[cut] = problem.message
    try:
        whole = run(bars)
    except Error as problem:
        return FreshRuns(problem.message, (), failed)
    differing = [cut for cut, output in outputs.items() if len(changed_rows(whole, output, cut + 1, COARSE))]
    return FreshRuns(whole, tuple(differing[:_REPORTED]), failed)


@dataclass(frozen=True)
class Subject:
    """What is certified, and further ways to look at it.

    Attributes:
        source: text of the strategy; its sha256 is the certificate's `strategy_hash`.
        file: path that findings name.
        data: words for the bars.
        fresh: runs in a new process; None leaves state that outlives an import untested.
        trace: gives what each line left in its variables, to find the line of a leak.
        clock_moved: runs with the wall clock moved, each by another shift, where the source reads one.
        by_bar: whether it decides bar by bar and is shown the past alone, so that a part of its change rows will do.
        replay: writes the command that shows a finding again.
    """

    source: str = ""
    file: str = ""
    data: str = ""
    fresh: Fresh | None = None
    trace: Callable[[Bars], Sequence[Step]] | None = None
    clock_moved: Sequence[Run] = ()
    by_bar: bool = False
    replay: Callable[[Finding], str] | None = None


def certify(run: Run, bars: Bars, *, subject: Subject | None = None, effort: Effort | None = None) -> Certificate:
    """Run a strategy on changed futures and say whether any of them changed its past.

    `run` should import the strategy anew for every call, so that nothing is kept between two calls. Every row where
    the output changes is tested by truncation and by opposing futures, and so is a sample of all rows; what `effort`
    allows beyond that covers the other rows. A leak that never shows on these bars is not found.

    Raises:
        Error: whatever `run` raises on the bars as they are.

    Example:
        >>> prices = np.array([3.0, 1.0, 2.0, 5.0, 4.0, 6.0] * 9)
        >>> bars = Bars.of(np.arange(54), (prices, prices + 1, prices - 1, prices, prices))
        >>> certify(lambda b: np.sign(b.close - 3), bars).verdict
        'certified'
        >>> certify(lambda b: np.sign(np.append(b.close[1:], np.nan) - 3), bars).verdict
        'leaky'
    """
    about, spend = subject or Subject(), effort or Effort()
    trials = Trials(run, bars, run(bars), at_most=_BY_BAR if about.by_bar else None)
    return _Examination(trials, about, spend).verdict()


class _Examination:
    """One certificate in the making."""

    def __init__(self, trials: Trials, subject: Subject, effort: Effort) -> None:
        self.trials, self.subject, self.effort = trials, subject, effort
        self.pending: Pending | None = None
        self.fresh_cuts: list[int] = []
        self.unfinished = 0
        self.fresh_done = 0

    def verdict(self) -> Certificate:
        if len(self.trials.bars) < 3:
            return self._certificate("unknown", f"{len(self.trials.bars)} bars are too few to change a future")
        found = first_look(self.trials) or self._search()
        if found is not None:
            if self.pending is not None:
                self.pending.cancel()
            return self._leak(found)
        doubt = self._repeatability() or self._fresh() or self._exceptions()
        return doubt or self._certificate("certified", self._coverage())

    def _search(self) -> Difference | None:
        elsewhere = self.subject.fresh is not None
        for place, (cut, method) in enumerate(needed(self.trials, truncated_elsewhere=elsewhere)):
            if place == _BEFORE_FRESH:
                self._start_fresh()
            if self.effort.limit_left() <= 0:
                self.unfinished += 1
                continue
            found = self.trials.attempt(cut, method)
            if found:
                return found
        self._start_fresh()
        return self._within(further(self.trials))

    def _within(self, trials: Iterator[tuple[int, str]]) -> Difference | None:
        while self.effort.extra_left() > 0 and (trial := next(trials, None)):
            found = self.trials.attempt(*trial)
            if found:
                return found
        return None

    # -- a fresh process ------------------------------------------------------------------------------------------

    def _start_fresh(self) -> None:
        if self.subject.fresh is not None and self.pending is None:
            self.fresh_cuts = sorted({*truncations(self.trials), *sampled_rows(self.trials)})
            self.pending = self.subject.fresh(self.trials.bars, self.fresh_cuts)

    def _fresh(self) -> Certificate | None:
        """Take in what a process found that never saw a later bar before an earlier cut."""
        if self.pending is None:
            return None
        done = self.pending.collect()
        if isinstance(done.whole, str):
            return self._certificate("unknown", f"it runs here but not in a new process: {done.whole}")
        if done.effects:
            return self._certificate("unknown", f"it uses more than the bars it is given: {'; '.join(done.effects)}")
        for cut in done.differing:
            found = self.trials.attempt(cut, TRUNCATE)
            if found:
                return self._leak(found)
        if done.differing or not self.trials.repeats(done.whole):
            return self._history("a new process gives another output on the same bars")
        passed = [cut for cut in self.fresh_cuts if cut not in done.failed]
        self.trials.tested.setdefault(TRUNCATE, set()).update(passed)
        self.trials.failed.setdefault(TRUNCATE, {}).update(done.failed)
        self.fresh_done = len(passed)
        self.trials.runs += len(self.fresh_cuts) + 1
        return None

    def _history(self, how: str) -> Certificate:
        """Tell chance from memory: a new process for all bars alone, and one for each cut alone."""
        if self.subject.fresh is None:
            return self._not_repeatable(how)
        bars = self.trials.bars
        again = [self.subject.fresh(bars, ()).collect().whole for _ in range(2)]
        if any(isinstance(output, str) or not self.trials.repeats(output) for output in again):
            return self._not_repeatable(how)
        for cut in (self.trials.last_cut // 2, self.trials.last_cut, *self.fresh_cuts[:2]):
            output = self.subject.fresh(truncate(bars, cut), ()).collect().whole
            if not isinstance(output, str) and len(rows := changed_rows(self.trials.base, output, cut + 1)):
                return self._report(Difference(cut, TRUNCATE, rows, output), STATE)
        return self._certificate("unknown", "its output depends on what it ran on before: it keeps state between calls")

    # -- doubts ---------------------------------------------------------------------------------------------------

    def _repeatability(self) -> Certificate | None:
        self.trials.runs += 1
        if not self.trials.repeats(self.trials.run(self.trials.bars)):
            return self._history("two runs on the same bars differ")
        for moved in self.subject.clock_moved:
            self.trials.runs += 1
            if not self.trials.repeats(moved(self.trials.bars)):
                return self._not_repeatable("it changes with the wall clock")
        return None

    def _not_repeatable(self, how: str) -> Certificate:
        return self._certificate("unknown", f"its output is not repeatable: {how} (seed every random generator)")

    def _exceptions(self) -> Certificate | None:
        trials = self.trials
        short, long = trials.failed.get(TRUNCATE) or {}, trials.tested.get(TRUNCATE, set())
        if short and (not long or max(short) > trials.last_cut // 2 or max(short) > min(long)):
            cut = max(short)
            return self._certificate("unknown", f"it fails on the first {cut + 1} bars alone: {short[cut]}")
        bare = [cut for cut in exposed_changes(trials) if cut not in trials.cuts]
        replaced = set().union(*(cuts for method, cuts in trials.tested.items() if method != TRUNCATE))
        if self.unfinished:
            return self._certificate("unknown", f"{self.unfinished} trials were left when the time limit was reached")
        if bare or not replaced:
            name, messages = next((name, failed) for name, failed in trials.failed.items() if failed)
            message = next(iter(messages.values()))
            return self._certificate("unknown", f"it fails when later bars are changed ({name}): {message}")
        return None

    # -- a leak ---------------------------------------------------------------------------------------------------

    def _leak(self, found: Difference) -> Certificate:
        try:
            repeats = self.trials.again(found)
        except Error as problem:
            return self._not_repeatable(f"it failed on bars that it took before: {problem.message}")
        if not repeats:
            return self._history("two runs on the same bars differ")
        if found.method != TRUNCATE:
            return self._report(found, "")
        for name in FUTURES:
            stronger = self.trials.attempt(found.cut, name)
            if stronger:
                return self._report(stronger, "")
        only_last = int(found.rows[0]) == found.cut
        return self._report(found, END_OF_DATA if only_last else LENGTH)

    def _report(self, found: Difference, kind: str) -> Certificate:
        finding = self._finding(found, kind)
        words = f"the output at row {finding.row} changes when only bars after row {finding.cut} do: {finding.kind}"
        return replace(self._certificate("leaky", words), findings=(finding,))

    def _finding(self, found: Difference, kind: str) -> Finding:
        trials, subject = self.trials, self.subject
        changes = np.intersect1d(found.rows, change_rows(trials.base))
        row = int((changes if len(changes) else found.rows)[-1])
        paths = None
        if subject.trace is not None and kind != STATE:
            paths = subject.trace(trials.bars), subject.trace(trials.changed(found.cut, found.method))
        place = locate(subject.source, found, len(trials.bars), paths)
        lines = subject.source.splitlines()
        before, after = _both(trials.base, found.output, row)
        finding = Finding(
            row=row,
            time=int(trials.bars.time[row]),
            cut=found.cut,
            method=found.method,
            before=before,
            after=after,
            kind=kind or place.kind,
            rows_changed=len(found.rows),
            location=f"{subject.file}:{place.line}" if place.line else "",
            source=lines[place.line - 1].strip() if 0 < place.line <= len(lines) else "",
            hint=DECIDED.get(kind, place.advice),
        )
        return replace(finding, replay=subject.replay(finding) if subject.replay else "")

    # -- words ----------------------------------------------------------------------------------------------------

    def _coverage(self) -> str:
        trials = self.trials
        changes, exact = exposed_changes(trials), trials.cuts
        covered = len(exact | trials.touched)
        which = f"all {len(changes)}" if trials.at_most is None else f"{len(changes)} of the"
        shown = ["it is shown the past alone, bar by bar"] if trials.at_most is not None else []
        parts = [
            f"no tested future changed the past: {which} rows where the output changes",
            f"{covered} of {trials.last_cut + 1} rows in all ({len(exact)} of them exactly)",
            *shown,
        ]
        if self.fresh_done:
            parts.append(f"{self.fresh_done} truncations in a new process")
        short = trials.failed.get(TRUNCATE)
        if short:
            parts.append(f"it needs at least {max(short) + 2} bars to run")
        return ", ".join(parts)

    def _certificate(self, verdict: str, reason: str) -> Certificate:
        trials = self.trials
        return Certificate(
            verdict=verdict,  # type: ignore[arg-type]
            reason=reason,
            rows=len(trials.bars),
            changes=len(change_rows(trials.base)),
            cuts=len(trials.cuts),
            runs=trials.runs,
            fresh=self.fresh_done,
            strategy_hash=sha256(self.subject.source.encode()).hexdigest(),
            data=self.subject.data,
        )


def _both(before: Output, after: Output, row: int) -> Outputs:
    if isinstance(before, Sent) or isinstance(after, Sent):
        before, after = sent_of(before), sent_of(after)
    known = words_at(before, row)
    assert known is not None  # the row comes from this very output
    return known, words_at(after, row)


def replay(run: Run, bars: Bars, finding: Finding) -> Outputs:
    """Run a finding again: the output at its row with the true future, and with the changed one."""
    trials = Trials(run, bars, run(bars))
    after = run(trials.changed(finding.cut, finding.method))
    return _both(trials.base, after, finding.row)


def methods() -> tuple[str, ...]:
    """Name every way in which the future is changed; ``down:40`` is one that ends after 40 bars."""
    return TRUNCATE, *FUTURES, *map(short, FUTURES)
