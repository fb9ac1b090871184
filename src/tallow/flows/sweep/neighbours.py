"""What lies around the best combination: a peak among low neighbours is chance more often than not."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tallow.domain.columns import Floats
from tallow.domain.scene import Value
from tallow.domain.sweep import Axis, Row, SweepResult

NEAREST = 6  # rows shown around the best of drawn combinations


@dataclass(frozen=True)
class Neighbour:
    """A row beside the best, and in what it differs."""

    row: int
    step: str


def neighbours(done: SweepResult) -> list[Neighbour]:
    """Give the rows one step beside the best on each axis; where a search drew no such row, the nearest ones.

    Distances are counted in shares of each axis; a text that differs counts as a whole axis.
    """
    if done.best is None:
        return []
    place = {row: number for number, row in enumerate(done.found.rows)}
    best = done.found.rows[done.best]
    steps = [
        Neighbour(place[row], f"{done.found.names[column]} {_shown(best[column])} → {_shown(row[column])}")
        for column, row in _beside(best, done.search.axes)
        if row in place and row != best
    ]
    return steps if steps and done.search.method == "grid" else _nearest(done)


def _beside(best: Row, axes: tuple[Axis, ...]) -> Iterator[tuple[int, Row]]:
    for column, axis in enumerate(axes):
        ordered = _ordered(axis)
        if best[column] not in ordered:
            continue
        at = ordered.index(best[column])
        for other in (at - 1, at + 1):
            if 0 <= other < len(ordered):
                yield column, (*best[:column], ordered[other], *best[column + 1 :])


def _ordered(axis: Axis) -> list[Value]:
    numeric = all(isinstance(value, int | float) for value in axis.values)
    return sorted(axis.values) if numeric else list(axis.values)


def _nearest(done: SweepResult) -> list[Neighbour]:
    assert done.best is not None
    distance = np.zeros(len(done.found))
    for column in range(len(done.found.names)):
        distance += shares(done, column)
    distance[done.best] = math.inf
    names, best = done.found.names, done.found.rows[done.best]
    rows = np.argsort(distance, kind="stable")[: min(NEAREST, len(distance) - 1)]
    return [
        Neighbour(
            int(row),
            ", ".join(
                f"{name} → {_shown(value)}"
                for name, value, mine in zip(names, done.found.rows[row], best, strict=True)
                if value != mine
            ),
        )
        for row in rows
    ]


def shares(done: SweepResult, column: int) -> Floats:
    """Give how far every row is from the best on one axis, as a share of the axis."""
    assert done.best is not None
    values = [row[column] for row in done.found.rows]
    best = values[done.best]
    if isinstance(best, bool) or not isinstance(best, int | float):
        return np.array([float(value != best) for value in values])
    numbers = np.array(values, np.float64)
    return np.abs(numbers - float(best)) / (float(np.ptp(numbers)) or 1.0)


def plateau(done: SweepResult, column: Floats) -> float | None:
    """Give the mean of a number over the neighbours of the best; None when no neighbour has it."""
    values = np.array([column[one.row] for one in neighbours(done)])
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _shown(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
