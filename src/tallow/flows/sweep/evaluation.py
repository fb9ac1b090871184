"""Evaluate combinations that are not stored yet, and store each as soon as it is finished."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tallow.domain.columns import Floats
from tallow.domain.scene import Scene, Value
from tallow.domain.sweep import Evaluated, Row
from tallow.domain.trials import Dataset, trial_key
from tallow.ports import Clock, Evaluator, Progress, Records

CHUNK_SECONDS = 0.5  # work between two commits
MOST_ROWS = 5_000  # in one commit
LASTING = "BAD_PARAMETER"  # failures with this code come from the combination itself and are stored like numbers


@dataclass
class Book:
    """The combinations of one sweep key that are known so far."""

    names: tuple[str, ...]
    columns: tuple[str, ...] = ()
    failed: dict[int, str] = field(default_factory=dict)
    _place: dict[Row, int] = field(default_factory=dict)
    _parts: list[Floats] = field(default_factory=list)

    def add(self, found: Evaluated) -> None:
        """Take in finished combinations; the first numbers of a combination stay."""
        new = [place for place, row in enumerate(found.rows) if row not in self._place]
        self.columns = self.columns or tuple(found.columns)
        for place in new:
            at = self._place[found.rows[place]] = len(self._place)
            if place in found.failed:
                self.failed[at] = found.failed[place]
        if new:
            self._parts.append(np.array([found.columns[name][new] for name in self.columns]))

    def lacks(self, rows: Sequence[Row]) -> list[Row]:
        """Give the rows that are not known."""
        return [row for row in rows if row not in self._place]

    def take(self, rows: Sequence[Row]) -> Evaluated:
        """Give known rows in this order."""
        places = [self._place[row] for row in rows]
        table = np.concatenate(self._parts, axis=1)[:, places] if self._parts else np.empty((len(self.columns), 0))
        failed = {at: self.failed[place] for at, place in enumerate(places) if place in self.failed}
        return Evaluated(self.names, tuple(rows), dict(zip(self.columns, table, strict=True)), failed)


@dataclass(frozen=True)
class Series:
    """Where combinations are evaluated, stored and counted.

    Attributes:
        key: of the sweep in the records.
        dataset: what the trials are counted on.
        scene: of every combination, but for its parameters.
        bars: stretch of the market.
        length: candles in it.
        records: None for candles that are in no lake: nothing is stored.
        keeps: whether combinations are read from the records and stored there; trials are counted in any case.
    """

    key: str
    dataset: Dataset
    scene: Scene
    strategy_hash: str
    bars: slice
    length: int
    records: Records | None = None
    keeps: bool = True


@dataclass
class Work:
    """What a sweep has done so far.

    Attributes:
        whole: combinations in all, where they do not all come at once; 0 when they do.
        done: of those, stored ones included.
        computed: combinations computed.
        seconds: time spent on computing them.
    """

    evaluator: Evaluator
    clock: Clock
    progress: Progress
    phase: str = "sweeping"
    whole: int = 0
    done: int = 0
    computed: int = 0
    seconds: float = 0.0

    def complete(self, book: Book, rows: Sequence[Row], series: Series) -> None:
        """Evaluate what the book lacks of `rows`; every finished chunk is stored before the next one counts.

        Args:
            book: what is known; grows.
            rows: values of every parameter, in the order of the book's names.
            series: where to evaluate and store.
        """
        missing = book.lacks(rows)
        self.done += len(rows) - len(missing) if self.whole else 0
        if not missing:
            return
        total = self.whole or len(missing)
        pace, spent = _Pace(missing), self.seconds
        started = self.clock.monotonic()
        warm, warm_at, done = 0, started, 0
        self.progress(self.phase, self.done, total)
        for found in self.evaluator.run(book.names, iter(pace), total - self.done, series.bars):
            store(found, series)
            book.add(found)
            done += len(found)
            self.done += len(found)
            self.computed += len(found)
            now = self.clock.monotonic()
            self.seconds = spent + now - started
            # The first chunk also pays for imports and compiling: later ones say how fast it really goes.
            pace.rate = (done - warm) / max(1e-9, now - warm_at)
            warm, warm_at = (warm, warm_at) if warm else (done, now)
            self.progress(f"{self.phase}\t{remark(pace.rate, series.length, total - self.done)}", self.done, total)


class _Pace:
    """Cuts rows into chunks of about `CHUNK_SECONDS`, small ones first, until the rate is known."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.rate = 0.0

    def __iter__(self) -> Iterator[tuple[Row, ...]]:
        start, size = 0, 1
        while start < len(self.rows):
            left = len(self.rows) - start
            # The last chunks are small: no process should work on while the others are done.
            size = max(1, min(size, MOST_ROWS, math.ceil(left / 4)))
            yield tuple(self.rows[start : start + size])
            start += size
            size = min(4 * size, max(1, int(self.rate * CHUNK_SECONDS)) if self.rate else 4)


def store(found: Evaluated, series: Series) -> None:
    """Keep what will come out the same next time, and count the trials; nothing without records."""
    if series.records is None:
        return
    kept = [place for place in range(len(found)) if found.failed.get(place, LASTING).startswith(LASTING)]
    if not kept:
        return
    lasting = found if len(kept) == len(found) else choose(found, kept)
    trials = identities(lasting, series)
    if series.keeps:
        series.records.keep(series.key, series.dataset, lasting, trials)
    else:
        sharpes = lasting.columns["bar_sharpe"]
        series.records.count_trials(series.dataset, trials, np.delete(sharpes, list(lasting.failed)))


def identities(found: Evaluated, series: Series) -> list[bytes]:
    """Name the trials that did not fail, in their order."""
    return [
        trial_key(
            series.strategy_hash, series.scene, {**series.scene.parameters, **named(found.names, row)}, series.dataset
        )
        for place, row in enumerate(found.rows)
        if place not in found.failed
    ]


def choose(found: Evaluated, places: Sequence[int]) -> Evaluated:
    """Give some of the rows."""
    failed = {at: found.failed[place] for at, place in enumerate(places) if place in found.failed}
    columns = {name: column[list(places)] for name, column in found.columns.items()}
    return Evaluated(found.names, tuple(found.rows[place] for place in places), columns, failed)


def named(names: tuple[str, ...], row: Row) -> Mapping[str, Value]:
    """Put the names to the values of a row."""
    return dict(zip(names, row, strict=True))


def remark(rate: float, bars: int, left: int) -> str:
    """Say how fast a sweep goes and how long it will take."""
    seconds = round(left / rate) if rate > 0 else 0
    hours, minutes = divmod(seconds // 60, 60)
    clock = f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
    return f"{rate:,.1f} combinations/s, {rate * bars / 1e6:,.1f}M bar x combinations/s, {clock} left"
