"""Run a strategy on changed futures and keep count: what was tried, what failed, what differed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tallow.core.causality.compare import COARSE, Output, changed_rows
from tallow.core.causality.futures import TRUNCATE, disturb, opposite, replace_future, truncate
from tallow.domain.columns import Bars
from tallow.domain.errors import Error

Run = Callable[[Bars], Output]
"""Gives one output a bar, infinities allowed, or what was sent; raises a tallow Error when the code fails."""


class Difference(NamedTuple):
    """Rows up to `cut` whose output changed under `method`, and the changed output."""

    cut: int
    method: str
    rows: NDArray[np.intp]
    output: Output


@dataclass
class Trials:
    """The runs made so far on one strategy and one set of bars.

    Attributes:
        base: output with the true future.
        runs: times the strategy was run, the first included.
        tested: method -> cuts at which it ran through.
        failed: method -> cut -> message, where the code under test raised or gave another shape.
        at_most: change rows to test; None is all of them.
        touched: rows before which a single bar was disturbed without changing the row.
    """

    run: Run
    bars: Bars
    base: Output
    at_most: int | None = None
    runs: int = 1
    tested: dict[str, set[int]] = field(default_factory=dict)
    failed: dict[str, dict[int, str]] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)

    @property
    def last_cut(self) -> int:
        """The last row after which there still is a future."""
        return len(self.bars) - 2

    @property
    def cuts(self) -> set[int]:
        """Every cut at which some method ran through."""
        return set().union(*self.tested.values())

    def changed(self, cut: int, method: str) -> Bars:
        """Give the bars of one trial; ``down:40`` is the future `down` of at most 40 bars."""
        if method == TRUNCATE:
            return truncate(self.bars, cut)
        name, _, count = method.partition(":")
        return replace_future(self.bars, cut, name, int(count) if count else None)

    def attempt(self, cut: int, method: str) -> Difference | None:
        """Run one trial; None when nothing up to the cut changed, or when the code under test failed."""
        if cut in self.tested.get(method, ()) or cut in self.failed.get(method, ()):
            return None
        self.runs += 1
        try:
            output = self.run(self.changed(cut, method))
        except Error as problem:
            self.failed.setdefault(method, {})[cut] = problem.message
            return None
        self.tested.setdefault(method, set()).add(cut)
        rows = changed_rows(self.base, output, cut + 1)
        if not len(rows) or self._is_rounding(cut, output):
            return None
        return Difference(cut, method, rows, output)

    def _is_rounding(self, cut: int, output: Output) -> bool:
        """Say whether a tiny difference is gone when the future is replaced by one of the same length.

        Linear algebra rounds otherwise when arrays are longer or lie elsewhere in memory; what is only that does not
        depend on the bars that follow.
        """
        if len(output) == len(self.base) or len(changed_rows(self.base, output, cut + 1, COARSE)):
            return False
        self.runs += 1
        try:
            same_length = self.run(replace_future(self.bars, cut, opposite(self.bars, cut)))
        except Error:
            return False
        return not len(changed_rows(self.base, same_length, cut + 1))

    def again(self, found: Difference) -> bool:
        """Say whether the strategy repeats both its base output and the changed one."""
        self.runs += 2
        base = self.run(self.bars)
        output = self.run(self.changed(found.cut, found.method))
        return self.repeats(base) and not len(changed_rows(found.output, output, len(found.output)))

    def repeats(self, output: Output) -> bool:
        """Say whether an output on the true bars is the base output."""
        return not len(changed_rows(self.base, output, len(self.base)))

    def comb(self, rows: list[int], name: str) -> list[int]:
        """Disturb single bars, several in one run, and give the rows just before them that may have seen them.

        A row that keeps its value though the bar after it is another one passes. A row that changes may have
        done so for what an earlier disturbed bar did to its past, so it is only a suspect for an exact trial; rows
        whose own predecessor kept its value come first.
        """
        self.runs += 1
        try:
            output = self.run(disturb(self.bars, rows, name))
        except Error:
            return []
        moved = np.zeros(len(self.base), np.bool_)
        moved[changed_rows(self.base, output, len(self.base))] = True
        before = [row - 1 for row in rows]
        self.touched.update(row for row in before if not moved[row])
        if moved[: rows[0]].any():
            return [before[0]]
        return sorted((row for row in before if moved[row]), key=lambda row: bool(moved[row - 1]))
