"""Find the line of a strategy where a value first differs between two futures, and name the kind of leak."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tallow.core.causality.compare import changed_rows
from tallow.core.causality.futures import TRUNCATE
from tallow.core.causality.hints import hints, statement_lines
from tallow.core.causality.trials import Difference
from tallow.domain.columns import Floats


class Step(NamedTuple):
    """What a line of the strategy left in a variable, as numbers; `visit` counts the times the line was reached."""

    line: int
    visit: int
    name: str
    value: Floats


class Place(NamedTuple):
    """The likely cause: 1-based line (0 when unknown), kind and advice."""

    line: int
    kind: str
    advice: str


def locate(source: str, found: Difference, rows: int, paths: tuple[Sequence[Step], Sequence[Step]] | None) -> Place:
    """Name the likely line and kind of a leak.

    Args:
        source: text of the strategy.
        found: the difference, already confirmed.
        rows: number of bars.
        paths: steps with the true future and with the changed one, where the strategy could be watched.
    """
    rules = hints(source)
    if found.method != TRUNCATE:
        rules = tuple(rule for rule in rules if rule.kind != LENGTH)
    lines = () if paths is None else differing_lines(*paths, found.cut)
    spans = statement_lines(source)
    shape = shape_of(found, rows)
    for line in lines:
        near = [rule for rule in rules if rule.line in spans.get(line, range(line, line + 1))]
        if near:
            return Place(*near[0])
    ahead = [rule for rule in rules if rule.kind in _AHEAD]
    if ahead and shape in _NEXT:
        return Place(*ahead[0])
    if lines or not rules:
        return Place(lines[0] if lines else 0, shape, _ADVICE[shape])
    return Place(*rules[0])


def differing_lines(true: Sequence[Step], changed: Sequence[Step], cut: int) -> tuple[int, ...]:
    """Give the lines that left another value in the rows up to `cut`, in order of execution, each once."""
    other = {(step.line, step.visit, step.name): step.value for step in changed}
    lines: list[int] = []
    for step in true:
        value = other.get(step[:3])
        if value is None or step.line in lines:
            continue
        rows = min(cut + 1, len(step.value))
        if len(changed_rows(step.value, value, rows)):
            lines.append(step.line)
    return tuple(lines)


END_OF_DATA = "end of data"
LENGTH = "depends on length"
STATE = "state between runs"
_LAST = "reads the next bars, or treats the last bar apart"
_WRAPPED = "first row from the end"
_WHOLE = "whole-sample value"
_NEAR = "reads the next bars"
_FAR = "reads later bars"
_NEXT = frozenset((_LAST, _NEAR))
_AHEAD = frozenset(("negative shift", "index ahead"))
_ADVICE = {
    **dict.fromkeys((_LAST, _NEAR, _FAR), "decide with what is known at the bar's close"),
    _WRAPPED: "leave the first rows NaN: they were taken from the last ones",
    _WHOLE: "use expanding() or rolling() instead of all rows",
}
DECIDED = {
    END_OF_DATA: "the newest bar is always the last one when trading: treat it like any other",
    LENGTH: "the output must not depend on how many bars follow",
    STATE: "keep nothing between calls: compute from the bars that are given",
}


def shape_of(found: Difference, rows: int) -> str:
    """Name a leak by which rows changed: what can be said without reading the source."""
    first, last, cut = int(found.rows[0]), int(found.rows[-1]), found.cut
    if found.method == TRUNCATE and first == cut:
        return _LAST
    if first == last == 0 < cut:
        return _WRAPPED
    if len(found.rows) > 0.2 * (cut + 1):
        return _WHOLE
    return _NEAR if first > cut - min(rows // 20, 100) else _FAR


def as_numbers(value: object) -> Floats | None:
    """Give an array of floats for a numeric array or number, None for anything else."""
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return None
    if array.dtype.kind not in "biuf" or array.ndim > 1:
        return None
    numbers: Floats = np.atleast_1d(array).astype(np.float64)
    return numbers
