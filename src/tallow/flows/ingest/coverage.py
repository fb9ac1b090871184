"""What bronze holds of a series, what a venue has said it does not have, and so what is left to ask for."""

from dataclasses import dataclass

import numpy as np

from tallow.core.clean import gaps
from tallow.domain.columns import Times
from tallow.domain.market import Instrument
from tallow.domain.ranges import TimeRange, difference, union
from tallow.domain.tables import BRONZE_CANDLES, BRONZE_FUNDING, BRONZE_TRADES, META_GAPS, Table
from tallow.domain.timeframes import DAY, Timeframe
from tallow.flows.read import microseconds
from tallow.ports import Lake

NOT_AT_VENUE = "NOT_AT_VENUE"
SETTLED = DAY  # a venue may publish late: younger holes are asked for again


@dataclass(frozen=True)
class Missing:
    """One thing to ask for: trades from `after_id` on where that is known."""

    span: TimeRange
    after_id: int | None = None


@dataclass(frozen=True)
class Held:
    """A stretch of bronze without a hole, and the id of its last trade (-1: none)."""

    span: TimeRange
    last_id: int = -1


def missing_candles(lake: Lake, instrument: Instrument, timeframe: Timeframe, span: TimeRange) -> list[Missing]:
    """List the stretches of closed candles that neither bronze nor a mark covers."""
    covered = [held.span for held in held_candles(lake, instrument, timeframe, span)]
    return [Missing(part) for part in difference(span, covered + marked(lake, BRONZE_CANDLES, instrument, timeframe))]


def missing_trades(lake: Lake, instrument: Instrument, span: TimeRange) -> list[Missing]:
    """List the stretches to ask for; one that begins behind a known trade goes on from its id."""
    held = held_trades(lake, instrument, span)
    marks = marked(lake, BRONZE_TRADES, instrument)
    found = []
    for part in difference(span, [one.span for one in held] + marks):
        # Trades share moments: the ends of the hole are asked for again, and told apart by id.
        before = [one for one in held if one.span.end <= part.start][-1:]
        joins = [one for one in before if not difference(TimeRange(one.span.end, part.start), marks)]
        after = joins[0].last_id if joins and joins[0].last_id >= 0 else None
        start = part.start if after is None else joins[0].span.end - 1
        end = part.end + 1 if part.end < span.end else part.end
        found.append(Missing(TimeRange(start, end), after))
    return found


def missing_funding(lake: Lake, instrument: Instrument, span: TimeRange) -> list[Missing]:
    """List the stretches before and after what bronze holds; funding has no grid that would show a hole inside."""
    held = [one.span for one in held_funding(lake, instrument, span)]
    return [Missing(part) for part in difference(span, held + marked(lake, BRONZE_FUNDING, instrument))]


def held_candles(lake: Lake, instrument: Instrument, timeframe: Timeframe, span: TimeRange) -> list[Held]:
    """List the stretches of candles in bronze."""
    where = {"venue": instrument.venue, "symbol": instrument.symbol, "timeframe": str(timeframe)}
    times = microseconds(lake.read(BRONZE_CANDLES, where, span, columns=("time",)), "time")
    if not len(times):
        return []
    starts, end = [int(times.min())], timeframe.next(timeframe.floor(int(times.max())))
    holes = gaps(times, timeframe)
    ends = [hole.start for hole in holes] + [end]
    starts += [hole.end for hole in holes]
    return [Held(TimeRange(a, b)) for a, b in zip(starts, ends, strict=True)]


def held_trades(lake: Lake, instrument: Instrument, span: TimeRange) -> list[Held]:
    """List the stretches of trades in bronze whose ids follow each other."""
    where = {"venue": instrument.venue, "symbol": instrument.symbol}
    rows = lake.read(BRONZE_TRADES, where, span, columns=("trade_id", "event_time"))
    ids, times = rows["trade_id"].to_numpy(), microseconds(rows, "event_time")
    order = np.lexsort((times, ids))
    ids, times = ids[order], times[order]
    if not len(ids):
        return []
    breaks = np.flatnonzero(np.diff(ids) > 1) + 1 if counts_trades(ids) else np.empty(0, np.int64)
    parts = zip(np.split(ids, breaks), np.split(times, breaks), strict=True)
    return sorted((Held(TimeRange(int(t.min()), int(t.max()) + 1), int(i[-1])) for i, t in parts), key=_start)


def held_funding(lake: Lake, instrument: Instrument, span: TimeRange) -> list[Held]:
    """Give the one stretch from the first to the last payment in bronze."""
    where = {"venue": instrument.venue, "symbol": instrument.symbol}
    times = microseconds(lake.read(BRONZE_FUNDING, where, span, columns=("time",)), "time")
    return [Held(TimeRange(int(times.min()), int(times.max()) + 1))] if len(times) else []


def marked(lake: Lake, table: Table, instrument: Instrument, timeframe: Timeframe | None = None) -> list[TimeRange]:
    """List the stretches of a bronze series that the venue was asked for and does not have."""
    where = {"table_name": table.full_name, "venue": instrument.venue, "symbol": instrument.symbol}
    rows = lake.read(META_GAPS, where | {"timeframe": str(timeframe or ""), "cause": NOT_AT_VENUE})
    ends = zip(microseconds(rows, "start").tolist(), microseconds(rows, "end").tolist(), strict=True)
    return union(TimeRange(start, end) for start, end in ends)


def unanswered(asked: list[Missing], held: list[Held], now: int, timeframe: Timeframe | None) -> list[TimeRange]:
    """Give what was asked for, did not come and is too old to come late."""
    settled = now - SETTLED if timeframe is None else timeframe.floor(now - SETTLED)
    covered = [one.span for one in held]
    parts = [part for one in asked for part in difference(one.span, covered)]
    old = [TimeRange(part.start, min(part.end, settled)) for part in union(parts) if part.start < settled]
    return [part for part in old if not part.is_empty]


def _start(held: Held) -> int:
    return held.span.start


def counts_trades(ids: Times) -> bool:
    """Say whether ids number the trades one by one: only then does a missing id mean a missing trade.

    Example:
        >>> counts_trades(np.array([7, 8, 9, 12])), counts_trades(np.array([10, 31, 77])), counts_trades(np.array([-1]))
        (True, False, False)
    """
    known = np.unique(ids[ids >= 0])
    steps = np.diff(known)
    return len(known) > 0 and 2 * int(np.count_nonzero(steps == 1)) >= len(steps)
