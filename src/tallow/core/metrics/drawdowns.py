"""Falls of equity below its highest value so far."""

from dataclasses import dataclass

import numpy as np

from tallow.core.indicators.compiled import compiled
from tallow.domain.columns import Floats, Times


@dataclass(frozen=True)
class Drawdown:
    """One fall below a peak, up to the first bar that is back at it.

    Attributes:
        depth_pct: lowest equity below the peak, in per cent of the peak; negative.
        start: open of the bar that closes at the peak, microseconds UTC; of the first bar when the peak is the cash.
        trough: open of the bar with the lowest close of equity.
        end: open of the first bar back at the peak; None when there is none.
        bars: bars from the peak to the end, or to the last bar.
    """

    depth_pct: float
    start: int
    trough: int
    end: int | None
    bars: int


def drawdowns(equity: Floats, time: Times, cash: float | None = None, count: int = 10) -> list[Drawdown]:
    """Give the deepest falls, deepest first; an empty list when equity never fell.

    Args:
        equity: mark-to-market equity at every bar's close.
        time: open of every bar, microseconds UTC.
        cash: starting balance: a peak before the first bar. Without it the first bar is the first peak.
        count: how many at most.
    """
    if len(equity) == 0:
        return []
    peak = float(equity[0]) if cash is None else cash
    depths, starts, troughs, ends = _falls(np.ascontiguousarray(equity, np.float64), peak)
    last = len(equity) - 1
    return [
        Drawdown(
            depth_pct=100.0 * float(depths[i]),
            start=int(time[max(0, starts[i])]),
            trough=int(time[troughs[i]]),
            end=int(time[ends[i]]) if ends[i] <= last else None,
            bars=int(min(ends[i], last) - starts[i]),
        )
        for i in np.argsort(depths, kind="stable")[:count]
    ]


@compiled
def _falls(equity: Floats, peak: float) -> tuple[Floats, Times, Times, Times]:  # pragma: no cover
    """Give depth (a fraction below the peak), peak's row (-1: before the first), trough and end of every fall.

    The end is the first row back at the peak, or the number of rows.
    """
    depths, starts, troughs, ends = [0.0], [0], [0], [0]
    depth, top, trough = 0.0, -1, -1
    for row in range(len(equity)):
        value = equity[row]
        if value < peak:
            fall = (value - peak) / peak
            if fall < depth:
                depth, trough = fall, row
        elif value >= peak:
            if depth < 0.0:
                depths.append(depth)
                starts.append(top)
                troughs.append(trough)
                ends.append(row)
                depth = 0.0
            peak, top = value, row
    if depth < 0.0:
        depths.append(depth)
        starts.append(top)
        troughs.append(trough)
        ends.append(len(equity))
    # The first entry only gives the lists their type.
    return np.array(depths)[1:], np.array(starts)[1:], np.array(troughs)[1:], np.array(ends)[1:]
