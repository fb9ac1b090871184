"""What was wrong with the data inside a result's range, and the profit made across it."""

from dataclasses import replace

import numpy as np

from tallow.domain.columns import Bars, FundingRates
from tallow.domain.evidence import Incident
from tallow.domain.ranges import TimeRange
from tallow.domain.results import Result, Run
from tallow.domain.scene import Scene
from tallow.domain.tables import META_GAPS, META_QUARANTINE
from tallow.domain.timeframes import Timeframe
from tallow.flows.read import microseconds
from tallow.ports import Lake

_JITTER = 60_000_000  # venues stamp a payment milliseconds before or after the moment it is due


def find_incidents(
    lake: Lake, scene: Scene, bars: Bars, run: Run, *, has_funding: bool, funding: FundingRates | None = None
) -> tuple[Incident, ...]:
    """List gaps, bars without volume, quarantined rows and missing funding, in order of time.

    Gaps are those of the bars themselves: every hole of the grid between the first and the last bar, whatever the
    gap table calls it; its cause is looked up there. Of `funding`, holes in its own rhythm are missing payments.
    """
    span = TimeRange(int(bars.time[0]), scene.timeframe.next(int(bars.time[-1])))
    found = [*_holes(lake, scene, bars, run, span), *_empty_bars(bars, run, scene.timeframe)]
    found += _quarantined(lake, scene, run, span)
    if funding is not None:
        found += _funding_holes(funding, scene, run, span)
    if scene.instrument.is_perpetual and not has_funding:
        found.append(Incident("FUNDING_MISSING", span.start, span.end, len(bars), bool(np.any(run.position != 0))))
    return tuple(sorted(found, key=lambda incident: (incident.start, incident.kind)))


def _holes(lake: Lake, scene: Scene, bars: Bars, run: Run, span: TimeRange) -> list[Incident]:
    frame = lake.read(META_GAPS, {"venue": scene.instrument.venue}, span)
    mine = frame.filter((frame["symbol"] == scene.instrument.symbol) & (frame["table_name"] != "bronze.candles"))
    starts = microseconds(mine, "start").tolist()
    causes = dict(zip(starts, mine["cause"].to_list(), strict=True))
    found = []
    for row in np.flatnonzero(_step_after(bars, scene.timeframe) != bars.time[1:]).tolist():
        start, end = scene.timeframe.next(int(bars.time[row])), int(bars.time[row + 1])
        missing = (end - start) // scene.timeframe.microseconds
        kind = str(causes.get(start, "GAP"))
        profit = float(run.equity[row + 1] - run.equity[row])
        found.append(Incident(kind, start, end, missing, bool(run.position[row] != 0), profit))
    return found


def _step_after(bars: Bars, timeframe: Timeframe) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    if timeframe.is_fixed:
        return bars.time[:-1] + timeframe.microseconds
    return np.array([timeframe.next(int(time)) for time in bars.time[:-1]], np.int64)


def _empty_bars(bars: Bars, run: Run, timeframe: Timeframe) -> list[Incident]:
    found = []
    # Where nothing was traded the price is the venue's guess: a profit across such a bar was not to be had.
    for row in np.flatnonzero(bars.volume == 0).tolist():
        start = int(bars.time[row])
        before = float(run.equity[row - 1]) if row else float(run.equity[row])
        exposed = bool(run.position[row] != 0)
        found.append(Incident("ZERO_VOLUME", start, timeframe.next(start), 1, exposed, float(run.equity[row]) - before))
    return found


def _quarantined(lake: Lake, scene: Scene, run: Run, span: TimeRange) -> list[Incident]:
    frame = lake.read(META_QUARANTINE, {"venue": scene.instrument.venue}, span)
    mine = frame.filter((frame["symbol"] == scene.instrument.symbol) & (frame["table_name"] == "silver.candles"))
    mine = mine.filter(mine["timeframe"] == str(scene.timeframe))
    times, length = sorted(set(microseconds(mine, "time").tolist())), scene.timeframe
    return [_across(Incident("QUARANTINED", time, length.next(time), 1), length, run) for time in times]


def _funding_holes(funding: FundingRates, scene: Scene, run: Run, span: TimeRange) -> list[Incident]:
    """List stretches in which payments should have come, by the usual distance of those around; it may change."""
    times = funding.time[(funding.time >= span.start) & (funding.time < span.end)]
    if len(times) < 3:
        return []
    steps = np.diff(times)
    usual = [int(np.median(steps[max(0, place - 3) : place + 4])) for place in range(len(steps))]
    first, last = int(times[0]), int(times[-1])
    early, late = (first - span.start) // usual[0], (span.end - last - _JITTER) // usual[-1]
    holes = [(first - early * usual[0], first, early)]
    for before, after, step in zip(times[:-1].tolist(), times[1:].tolist(), usual, strict=True):
        holes.append((before + step, after, round((after - before) / step) - 1))
    holes.append((last + usual[-1], span.end, late))
    missing = [Incident("FUNDING_MISSING", start, end, count) for start, end, count in holes if count > 0]
    return [_across(incident, scene.timeframe, run) for incident in missing]


def _across(incident: Incident, length: Timeframe, run: Run) -> Incident:
    """Add exposure and change of equity from the last close before to the first close after."""
    closes = _closes(run, length)
    first = max(0, int(np.searchsorted(closes, incident.start, side="right")) - 1)
    last = min(len(closes) - 1, int(np.searchsorted(closes, incident.end)))
    exposed = bool(np.any(run.position[first : max(last, first + 1)] != 0))
    profit = float(run.equity[last] - run.equity[first]) if exposed else 0.0
    return replace(incident, exposed=exposed, profit=profit)


def profit_inside(result: Result) -> float:
    """Add up what the account gained or lost while data were wrong; a moment under two incidents counts once.

    Incidents that last the whole range, such as funding that is not known at all, are left out.
    """
    run, length = result.run, result.scene.timeframe
    if len(run.time) < 2:
        return 0.0
    # The change of equity at a row belongs to the time between the closes before and after it.
    begin, end = _closes(run, length)[:-1], _closes(run, length)[1:]
    inside = np.zeros(len(begin), np.bool_)
    for incident in result.incidents:
        if incident.start > int(run.time[0]) or incident.end < int(end[-1]):
            inside |= (begin < incident.end) & (end > incident.start)
    return float(np.diff(run.equity)[inside].sum())


def _closes(run: Run, length: Timeframe) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    if length.is_fixed:
        return run.time + length.microseconds
    return np.array([length.next(int(time)) for time in run.time], np.int64)
