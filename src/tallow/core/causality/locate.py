"""Find the line of a strategy where a value first differs between two futures, and name the kind of leak."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tallow.core.causality.compare import changed_rows
from tallow.core.causality.futures import TRUNCATE
from tallow.core.causality.hints import Hint, hints, statement_lines
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
    lines = () if paths is None else differing_lines(*paths, found.cut)
    spans = statement_lines(source)
    shape = shape_of(found, rows)
    for line in lines:
        near = [hint for hint in rules if hint.line in spans.get(line, range(line, line + 1))]
        if near:
            return _place(near[0], shape)
    if lines:
        return Place(lines[0], shape, _ADVICE[shape])
    return _place(rules[0], shape) if rules else Place(0, shape, _ADVICE[shape])


def _place(hint: Hint, shape: str) -> Place:
    if shape in _DECIDED:
        return Place(hint.line, shape, _ADVICE[shape])
    return Place(hint.line, hint.kind, hint.advice)


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


def shape_of(found: Difference, rows: int) -> str:
    """Name a leak by which rows changed: what can be said without reading the source."""
    first, last, cut = int(found.rows[0]), int(found.rows[-1]), found.cut
    if found.method == TRUNCATE and first == cut:
        return "reads the next bars, or treats the last bar apart"
    if first == last == 0 < cut:
        return "first row from the end"
    if len(found.rows) > 0.2 * (cut + 1):
        return "whole-sample value"
    return "reads the next bars" if first > cut - min(rows // 20, 100) else "reads later bars"


END_OF_DATA = "end of data"
LENGTH = "depends on length"
STATE = "state between runs"
_DECIDED = frozenset((END_OF_DATA, LENGTH, STATE))
_ADVICE = {
    "reads the next bars, or treats the last bar apart": "decide with what is known at the bar's close",
    "first row from the end": "leave the first rows NaN: they were taken from the last ones",
    "whole-sample value": "use expanding() or rolling() instead of all rows",
    "reads the next bars": "decide with what is known at the bar's close",
    "reads later bars": "decide with what is known at the bar's close",
    END_OF_DATA: "the newest bar is always the last one when trading: treat it like any other",
    LENGTH: "the output must not depend on how many bars follow",
    STATE: "keep nothing between calls: compute from the bars that are given",
}


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
