"""What was wrong with the data inside a result's range, and the profit made across it."""

import numpy as np

from tallow.domain.columns import Bars
from tallow.domain.evidence import Incident
from tallow.domain.ranges import TimeRange
from tallow.domain.results import Run
from tallow.domain.scene import Scene
from tallow.domain.tables import META_GAPS, META_QUARANTINE
from tallow.domain.timeframes import Timeframe
from tallow.flows.read import microseconds
from tallow.ports import Lake


def find_incidents(lake: Lake, scene: Scene, bars: Bars, run: Run, *, has_funding: bool) -> tuple[Incident, ...]:
    """List gaps, bars without volume, quarantined rows and missing funding, in order of time.

    Gaps are those of the bars themselves: every hole of the grid between the first and the last bar, whatever the
    gap table calls it; its cause is looked up there.
    """
    span = TimeRange(int(bars.time[0]), scene.timeframe.next(int(bars.time[-1])))
    found = [*_holes(lake, scene, bars, run, span), *_empty_bars(bars, run, scene.timeframe)]
    found += _quarantined(lake, scene, span)
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


def _quarantined(lake: Lake, scene: Scene, span: TimeRange) -> list[Incident]:
    frame = lake.read(META_QUARANTINE, {"venue": scene.instrument.venue}, span)
    mine = frame.filter((frame["symbol"] == scene.instrument.symbol) & (frame["table_name"] == "silver.candles"))
    mine = mine.filter(mine["timeframe"] == str(scene.timeframe))
    times = microseconds(mine, "time").tolist()
    return [Incident("QUARANTINED", time, scene.timeframe.next(time), 1, False, 0.0) for time in sorted(set(times))]
