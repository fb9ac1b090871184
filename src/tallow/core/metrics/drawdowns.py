"""Falls of equity below its highest value so far."""

from dataclasses import dataclass

import numpy as np

from tallow.core.indicators.compiled import compiled
from tallow.domain.columns import Floats, Times
from tallow.domain.results import Path

_PART = 64  # rows that are looked at together


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
    marks = np.ascontiguousarray(equity, np.float64)
    peak = float(marks[0]) if cash is None and len(marks) else cash or 0.0
    return path_drawdowns(Path(marks, np.zeros(1, np.int64), np.zeros(1), np.ones(1)), time, peak, count)


def path_drawdowns(path: Path, time: Times, cash: float, count: int = 10) -> list[Drawdown]:
    """Give the deepest falls of an account, deepest first, without a mark for every bar in memory."""
    if len(path.close) == 0:
        return []
    depths, starts, troughs, ends = _falls(*path, cash)
    last = len(path.close) - 1
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
def _next_mark(
    close: Floats, span: tuple[int, int], account: tuple[float, float], bounds: tuple[float, float]
) -> int:  # pragma: no cover
    # The first row whose mark is at the peak or below the lowest since; the end of the span when there is none.
    (row, stop), (cash, quantity), (lowest, peak) = span, account, bounds
    while row < stop:
        part, beyond = close[row : min(row + _PART, stop)], 0
        for i in range(len(part)):
            value = cash + quantity * part[i]
            beyond += (value >= peak) | (value < lowest)
        if beyond > 0:
            for i in range(len(part)):
                value = cash + quantity * part[i]
                if value >= peak or value < lowest:
                    return row + i
        row += len(part)
    return stop


@compiled
def _falls(
    close: Floats, row: Times, cash: Floats, quantity: Floats, peak: float
) -> tuple[Floats, Times, Times, Times]:  # pragma: no cover
    """Give depth (a fraction below the peak), peak's row (-1: before the first), trough and end of every fall.

    The end is the first row back at the peak, or the number of rows.
    """
    depths, starts, troughs, ends = [0.0], [0], [0], [0]
    depth, top, trough, lowest = 0.0, -1, -1, peak
    for k in range(len(row)):
        end = row[k + 1] if k + 1 < len(row) else len(close)
        # Without a position all marks are equal: the first tells how deep, the last where the peak ends.
        stop = end if quantity[k] != 0.0 else min(end, row[k] + 1)
        account = cash[k], quantity[k]
        i = _next_mark(close, (row[k], stop), account, (lowest, peak))
        while i < stop:
            value = cash[k] + quantity[k] * close[i]
            lowest = value
            if value >= peak:
                if depth < 0.0:
                    depths.append(depth)
                    starts.append(top)
                    troughs.append(trough)
                    ends.append(i)
                    depth = 0.0
                peak, top = value, i
            elif (value - peak) / peak < depth:
                depth, trough = (value - peak) / peak, i
            i = _next_mark(close, (i + 1, stop), account, (lowest, peak))
        if stop < end and cash[k] >= peak:
            top = end - 1
    if depth < 0.0:
        depths.append(depth)
        starts.append(top)
        troughs.append(trough)
        ends.append(len(close))
    # The first entry only gives the lists their type.
    return np.array(depths)[1:], np.array(starts)[1:], np.array(troughs)[1:], np.array(ends)[1:]
