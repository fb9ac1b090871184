"""Which series have moved since what was made from them, and what gold is to be made of."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tallow.domain.ranges import EVERYTHING, TimeRange
from tallow.domain.tables import (
    BRONZE_CANDLES,
    BRONZE_FUNDING,
    BRONZE_TRADES,
    GOLD_CANDLES,
    SILVER_CANDLES,
    SILVER_FUNDING,
    SILVER_TRADES,
    Table,
)
from tallow.domain.timeframes import Timeframe, parse_timeframe
from tallow.flows.refine.changes import Changes, Where

SILVER = ((BRONZE_CANDLES, SILVER_CANDLES), (BRONZE_TRADES, SILVER_TRADES), (BRONZE_FUNDING, SILVER_FUNDING))
FROM_TRADES = Timeframe(1, "m")  # what trades become when nothing else is asked for


@dataclass(frozen=True)
class Task:
    """One series to bring up to date.

    Attributes:
        table: what is written.
        source: what is read.
        where: the series written.
        reads: the series read.
        since: version of the source the series was last made from; 0 when never, or from another source.
        version: version of the source now.
        spans: event times of the source that moved in between.
        rows: rows that the source got in between.
    """

    table: Table
    source: Table
    where: Where
    reads: Where
    since: int = 0
    version: int = 0
    spans: tuple[TimeRange, ...] = field(default=(EVERYTHING,))
    rows: int = 0

    @property
    def origin(self) -> str:
        """What gold says of its rows: native, trades, or the finer timeframe."""
        if self.source == SILVER_TRADES:
            return "trades"
        return "native" if self.reads == self.where else self.reads["timeframe"]

    @property
    def inputs(self) -> dict[str, str | int]:
        """What lineage records: enough to tell whether the series is up to date."""
        finer = {} if self.table != GOLD_CANDLES else {"origin": self.origin}
        return {self.source.full_name: self.version, **finer}


def plan_silver(changes: Changes, only: Where) -> Iterator[Task]:
    """List the bronze series that have moved."""
    for source, table in SILVER:
        for where in changes.series(source, only):
            task = _task(changes, Task(table, source, where, where))
            if task is not None:
                yield task


def plan_gold(
    changes: Changes, only: Where, timeframes: tuple[Timeframe, ...]
) -> tuple[list[Task], list[dict[str, str]]]:
    """List the gold series that are behind, and those asked for that nothing can be made of."""
    tasks: list[Task | None] = []
    impossible: list[dict[str, str]] = []
    same = {name: value for name, value in only.items() if name != "timeframe"}
    natives = changes.series(SILVER_CANDLES, same)
    trades = changes.series(SILVER_TRADES, same)
    for where in _wanted(changes, natives, trades, same, timeframes):
        if where["timeframe"] != only.get("timeframe", where["timeframe"]):
            continue
        found = _source(where, natives, trades)
        if found is None:
            impossible.append(where)
        else:
            tasks.append(_task(changes, Task(GOLD_CANDLES, found[0], where, found[1])))
    return [task for task in tasks if task is not None], impossible


def _wanted(
    changes: Changes,
    natives: list[dict[str, str]],
    trades: list[dict[str, str]],
    same: Where,
    timeframes: tuple[Timeframe, ...],
) -> list[dict[str, str]]:
    instruments = [{"venue": one["venue"], "symbol": one["symbol"]} for one in (*natives, *trades)]
    asked = [{**one, "timeframe": str(frame)} for one in instruments for frame in timeframes]
    built = [{**one, "timeframe": str(FROM_TRADES)} for one in trades]
    every = [*natives, *asked, *built, *changes.series(GOLD_CANDLES, same)]
    return [dict(one) for one in sorted({tuple(sorted(one.items())) for one in every})]


def _source(
    where: dict[str, str], natives: list[dict[str, str]], trades: list[dict[str, str]]
) -> tuple[Table, dict[str, str]] | None:
    if where in natives:
        return SILVER_CANDLES, where
    coarse = parse_timeframe(where["timeframe"])
    same = [one for one in natives if all(one[name] == where[name] for name in ("venue", "symbol"))]
    finer = [parse_timeframe(one["timeframe"]) for one in same]
    finer = sorted((one for one in finer if one.divides(coarse)), key=lambda one: one.microseconds)
    if finer:
        return SILVER_CANDLES, {**where, "timeframe": str(finer[0])}
    instrument = {"venue": where["venue"], "symbol": where["symbol"]}
    return (SILVER_TRADES, instrument) if instrument in trades else None


def _task(changes: Changes, task: Task) -> Task | None:
    version = changes.version(task.source, task.reads)
    made = changes.inputs(task.table, task.where)
    # Made of something else before: then all of it is looked at again.
    again = task.table == GOLD_CANDLES and made.get("origin") != task.origin
    since = 0 if again else int(made.get(task.source.full_name, 0))
    if since >= version:
        return None
    spans = tuple(changes.spans(task.source, task.reads, since)) if since else (EVERYTHING,)
    rows = changes.rows(task.source, task.reads, since)
    return Task(task.table, task.source, task.where, task.reads, since, version, spans, rows)
