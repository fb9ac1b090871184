"""Add minutes up to candles of any length, in exact integers."""

from dataclasses import dataclass

import numpy as np

from tallow.domain.columns import Bars, Times
from tallow.domain.timeframes import DAY, MINUTE, WEEK, Timeframe
from tallow.venues.simulated.kernel import (
    BUY_LOTS,
    BUY_VALUE,
    CLOSE,
    COUNT,
    HIGH,
    LOTS,
    LOW,
    OPEN,
    VALUE,
    Wholes,
)

_MONDAY = 4 * DAY


@dataclass(frozen=True)
class Scale:
    """Decimals of a price and of a quantity: integers divided by a power of ten are the nearest doubles."""

    price_digits: int
    lot_digits: int


def opens_between(timeframe: Timeframe, start: int, end: int) -> Times:
    """Give the open of every candle with `start <= open` that closes by `end`."""
    if not timeframe.is_fixed:
        opens = []
        time = timeframe.floor(start)
        while timeframe.next(time) <= end:
            opens.append(time)
            time = timeframe.next(time)
        return np.array([time for time in opens if time >= start], np.int64)
    length, origin = timeframe.microseconds, _MONDAY % WEEK if timeframe.unit == "w" else 0
    first = start + (origin - start) % length
    last = end - length
    return np.arange(first, last + 1, length, dtype=np.int64)


def aggregate(minutes: Wholes, start: int, opens: Times, closes: Times, scale: Scale, before: int) -> Bars:
    """Build candles from minutes.

    Args:
        minutes: rows from `start` on, one a minute.
        start: microseconds.
        opens: opens of the candles, ascending.
        closes: their closes, exclusive.
        scale: what integers mean.
        before: ticks of the last trade before `start`; carried into candles without trades.
    """
    # Minutes without a trade have no price of their own: a carried one must not become a candle's high or low.
    traded = np.flatnonzero(minutes[:, COUNT])
    rows = minutes[traded]
    times = start + traded * MINUTE
    first, last = np.searchsorted(times, opens), np.searchsorted(times, closes)
    full = last > first
    table = np.zeros((len(opens), 9), np.int64)
    # A candle without a trade stands at the last price before it.
    closing = np.concatenate([np.array([before]), rows[:, CLOSE]])
    for column in (OPEN, HIGH, LOW, CLOSE):
        table[:, column] = closing[first]
    if full.any():
        edges, region = first[full] - first[full][0], slice(first[full][0], last[full][-1])
        inside = rows[region]
        table[full, OPEN] = inside[edges, OPEN]
        table[full, CLOSE] = inside[last[full] - 1 - region.start, CLOSE]
        table[full, HIGH] = np.maximum.reduceat(inside[:, HIGH], edges)
        table[full, LOW] = np.minimum.reduceat(inside[:, LOW], edges)
        for column in (COUNT, LOTS, VALUE, BUY_LOTS, BUY_VALUE):
            table[full, column] = np.add.reduceat(inside[:, column], edges)
    return to_bars(opens, table, scale)


def to_bars(opens: Times, table: Wholes, scale: Scale) -> Bars:
    """Turn ticks and lots into prices and quantities."""
    price, lot = 10.0**scale.price_digits, 10.0**scale.lot_digits
    return Bars(
        opens,
        table[:, OPEN] / price,
        table[:, HIGH] / price,
        table[:, LOW] / price,
        table[:, CLOSE] / price,
        table[:, LOTS] / lot,
        table[:, VALUE] / (price * lot),
        table[:, COUNT].astype(np.float64),
        table[:, BUY_LOTS] / lot,
        table[:, BUY_VALUE] / (price * lot),
    )
