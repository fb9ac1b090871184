"""Falls of equity below its highest value so far."""

from dataclasses import dataclass

import numpy as np

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
    before = [] if cash is None else [cash]
    lead, levels = len(before), np.concatenate((np.array(before, np.float64), equity))
    peaks = np.maximum.accumulate(levels)
    below = levels < peaks
    starts = np.flatnonzero(below[1:] & ~below[:-1])
    if len(starts) == 0:
        return []
    falls = (levels - peaks) / peaks
    depths = np.minimum.reduceat(falls, starts)
    worst = np.argsort(depths, kind="stable")[:count]
    ends = np.append(starts[1:], len(levels) - 1)
    return [_drawdown(falls[starts[i] : ends[i] + 1], int(starts[i]), time, lead) for i in worst]


def _drawdown(falls: Floats, start: int, time: Times, lead: int) -> Drawdown:
    # `falls` begins at the peak's row of levels, which is `start`, and may run beyond the recovery.
    back = np.flatnonzero(falls[1:] >= 0.0)
    bars = int(back[0]) + 1 if len(back) else len(falls) - 1
    trough = int(np.argmin(falls))
    return Drawdown(
        depth_pct=100.0 * float(falls[trough]),
        start=int(time[max(0, start - lead)]),
        trough=int(time[start + trough - lead]),
        end=int(time[start + bars - lead]) if len(back) else None,
        bars=bars,
    )
