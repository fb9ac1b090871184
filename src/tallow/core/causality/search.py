"""In which order futures are tried: what finds a leak soonest comes first, what proves its absence is complete."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from tallow.core.causality.compare import change_rows
from tallow.core.causality.futures import FUTURES, TRUNCATE, opposite
from tallow.core.causality.trials import Difference, Trials

_FEW = 300  # change rows up to which a third future belongs to the needed ones
_MANY = 750  # truncations alone where nearly every row is a change row
_SHORT = 40  # bars of a future that ends soon
_SAMPLE = 8  # rows at which every future is tried, change or not
_SPACING = 200  # bars between two disturbed ones in the same run
_SUSPECTS = 40  # exact trials that one comb may ask for


@dataclass(frozen=True)
class Effort:
    """How much may be spent beyond the trials that every certificate needs.

    Attributes:
        extra_left: gives the seconds left for further rows and futures; the needed trials are done regardless.
        limit_left: gives the seconds left at all; what is not tested by then makes the verdict unknown.
    """

    extra_left: Callable[[], float] = lambda: 0.0
    limit_left: Callable[[], float] = lambda: float("inf")


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


def needed(trials: Trials, *, truncated_elsewhere: bool = False) -> Iterator[tuple[int, str]]:
    """List the trials without which nothing is certified: a sample of all rows, and every change row.

    A future that ends soon cuts the data short and replaces what follows, both in one run. Where nearly every row is
    a change row, that run is the one that each of them gets.

    Args:
        trials: what was run so far.
        truncated_elsewhere: whether another process takes the truncations at the change rows.
    """
    changes = exposed_changes(trials)
    alone = set() if truncated_elsewhere else set(truncations(trials))
    yield from _sampled(trials)
    for cut in spread(changes):
        if cut in alone:
            yield cut, TRUNCATE
        against = short(opposite(trials.bars, cut))
        yield cut, against
        if cut in trials.failed.get(against, ()):
            # The code may need more bars than that, or refuse prices like these.
            yield from ((cut, name) for name in (against.partition(":")[0], "mirror", "noise"))
        if len(changes) <= _FEW:
            yield cut, short("flat")


def truncations(trials: Trials) -> list[int]:
    """Give the cuts to test by truncation alone: all change rows, or an even part of very many; ascending."""
    changes = exposed_changes(trials)
    return sorted(spread(changes)[:_MANY] if len(changes) > 2 * _MANY else changes)


def short(name: str) -> str:
    """Name a future that ends soon: it costs less, and is of another length as well."""
    return f"{name}:{_SHORT}"


def exposed_changes(trials: Trials) -> list[int]:
    """Give the change rows that have a future, ascending; an even part where not all of them are asked for."""
    rows = [row for row in change_rows(trials.base).tolist() if row <= trials.last_cut]
    return rows if trials.at_most is None else sorted(spread(rows)[: trials.at_most])


def sampled_rows(trials: Trials) -> list[int]:
    """Give rows from the first to the last with a future, at which every future is tried, change or not; ascending."""
    count = _SAMPLE if trials.at_most is None else 3
    return sorted(set(np.linspace(0.03 * trials.last_cut, trials.last_cut, count).astype(int).tolist()))


def _sampled(trials: Trials) -> Iterator[tuple[int, str]]:
    for cut in spread(sampled_rows(trials)):
        yield cut, TRUNCATE
        for name in FUTURES:
            yield cut, name
    for cut in _early(trials.last_cut):
        yield cut, TRUNCATE
        yield cut, "down"
    for cut in uneven_rows(trials):
        yield cut, TRUNCATE


def uneven_rows(trials: Trials) -> list[int]:
    """Give the rows before a hole in the data: replaced futures keep the times, only a truncation hides the hole."""
    steps = np.diff(trials.bars.time)
    rows = np.flatnonzero(steps != np.median(steps)) if len(steps) else np.zeros(0, np.int64)
    return sorted(spread([row for row in rows.tolist() if row <= trials.last_cut])[:_FEW])


def _early(last: int) -> list[int]:
    return [cut for cut in (0, 1, 2, 4, 9, 19, 34, 59, 99, 149, 199, 299) if cut <= last]


def further(trials: Trials) -> Iterator[tuple[int, str]]:
    """List trials beyond the needed ones, best first: every row by comb, then more futures, then every row exactly."""
    every = range(trials.last_cut + 1)
    changes = spread(exposed_changes(trials))
    if len(changes) < len(every):
        yield from _combed(trials, "opposite")
    for cut in changes:
        yield cut, short("flat")
    if len(changes) < len(every):
        yield from chain(_combed(trials, "flat"), _combed(trials, "along"))
    for cut in spread([cut for cut in every if cut not in trials.touched and cut not in trials.cuts]):
        yield cut, TRUNCATE
        yield cut, short(opposite(trials.bars, cut))
    for cut in changes:
        yield cut, short(_future_like(trials, cut, "along"))
    for cut in spread(list(every)):
        yield cut, TRUNCATE
    for name in ("wild", "noise", "mirror"):
        for cut in changes:
            yield cut, short(name)


def _combed(trials: Trials, name: str) -> Iterator[tuple[int, str]]:
    for offset in spread(list(range(1, min(_SPACING, trials.last_cut + 1) + 1))):
        rows = list(range(offset, trials.last_cut + 2, _SPACING))
        for cut in trials.comb(rows, name)[:_SUSPECTS]:
            yield cut, short(_future_like(trials, cut, name))


def _future_like(trials: Trials, cut: int, name: str) -> str:
    against = opposite(trials.bars, cut)
    if name == "along":
        return "up" if against == "down" else "down"
    return against if name == "opposite" else name


def spread(rows: list[int]) -> list[int]:
    """Reorder so that every beginning of the list covers the whole of it evenly.

    Example:
        >>> spread([0, 1, 2, 3, 4])
        [2, 1, 4, 3, 0]
    """
    count = len(rows)
    width = max(count - 1, 1).bit_length()
    order = sorted(range(count), key=lambda place: int(f"{(place - count // 2) % count:0{width}b}"[::-1], 2))
    return [rows[place] for place in order]
