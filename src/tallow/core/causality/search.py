"""In which order futures are tried: what finds a leak soonest comes first, what proves its absence is complete."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tallow.core.causality.compare import change_rows
from tallow.core.causality.futures import FUTURES, TRUNCATE, opposite
from tallow.core.causality.trials import Difference, Trials

_MANY = 1_500  # change rows above which a third future is tried on a part of them only
_SAMPLE = 12  # rows at which every future is tried, change or not
_SPACING = 200  # bars between two disturbed ones in the same run
_SUSPECTS = 40  # exact trials that one comb may ask for


@dataclass(frozen=True)
class Effort:
    """How much may be spent beyond the trials that every certificate needs.

    Attributes:
        extra_left: gives the seconds left for further rows and futures; the needed trials are done regardless.
        limit_left: gives the seconds left at all; what is not tested by then makes the verdict unknown.
        fresh_cuts: cuts to confirm in a fresh process.
    """

    extra_left: Callable[[], float] = lambda: 0.0
    limit_left: Callable[[], float] = lambda: float("inf")
    fresh_cuts: int = 5


def first_look(trials: Trials) -> Difference | None:
    """Try what catches most leaks: one run with many disturbed bars, then the exact trial it points at."""
    first = max(trials.last_cut // 4, 1)
    rows = list(range(first, trials.last_cut + 2, 48))
    suspects = trials.comb(rows, "opposite")[:2]
    for cut in suspects:
        found = trials.attempt(cut, opposite(trials.bars, cut)) or trials.attempt(cut, TRUNCATE)
        if found:
            return found
    return None


def needed(trials: Trials) -> Iterator[tuple[int, str]]:
    """List the trials without which nothing is certified: every change row, and a sample of all rows."""
    changes = exposed_changes(trials)
    thin = len(changes) > _MANY
    yield from _sampled(trials)
    for place, cut in enumerate(spread(changes)):
        yield cut, TRUNCATE
        against = opposite(trials.bars, cut)
        yield cut, against
        if cut in trials.failed.get(against, ()):
            yield cut, "mirror"
            yield cut, "noise"
        if not thin or place < _MANY // 3:
            yield cut, "flat"


def exposed_changes(trials: Trials) -> list[int]:
    """Give the change rows that have a future."""
    return [row for row in change_rows(trials.base).tolist() if row <= trials.last_cut]


def _sampled(trials: Trials) -> Iterator[tuple[int, str]]:
    rows = np.linspace(0.03 * trials.last_cut, trials.last_cut, _SAMPLE).astype(int).tolist()
    for cut in spread(sorted(set(rows))):
        yield cut, TRUNCATE
        for name in FUTURES:
            yield cut, name
    for cut in _early(trials.last_cut):
        yield cut, TRUNCATE
        yield cut, "down"


def _early(last: int) -> list[int]:
    return [cut for cut in (0, 1, 2, 4, 9, 19, 34, 59, 99, 149, 199, 299) if cut <= last]


def further(trials: Trials) -> Iterator[tuple[int, str]]:
    """List trials beyond the needed ones, best first: every row by comb, then more futures, then every row exactly."""
    every = range(trials.last_cut + 1)
    changes = spread(exposed_changes(trials))
    if len(changes) < len(every):
        yield from _combed(trials)
    for cut in changes:
        yield cut, "up" if opposite(trials.bars, cut) == "down" else "down"
    for cut in spread([cut for cut in every if cut not in trials.touched and cut not in trials.cuts]):
        yield cut, TRUNCATE
        yield cut, opposite(trials.bars, cut)
    for cut in spread(list(every)):
        yield cut, TRUNCATE
    for name in ("wild", "noise", "mirror"):
        for cut in changes:
            yield cut, name


def _combed(trials: Trials) -> Iterator[tuple[int, str]]:
    for name in ("opposite", "flat"):
        for offset in spread(list(range(1, _SPACING + 1))):
            rows = list(range(offset, trials.last_cut + 2, _SPACING))
            if not rows:
                continue
            for cut in trials.comb(rows, name)[:_SUSPECTS]:
                yield cut, opposite(trials.bars, cut) if name == "opposite" else name


def spread(rows: list[int]) -> list[int]:
    """Reorder so that every beginning of the list covers the whole of it evenly.

    Example:
        >>> spread([0, 1, 2, 3, 4])
        [2, 0, 3, 1, 4]
    """
    count = len(rows)
    width = max(count - 1, 1).bit_length()
    order = sorted(range(count), key=lambda place: int(f"{(place + count // 2) % count:0{width}b}"[::-1], 2))
    return [rows[place] for place in order]
