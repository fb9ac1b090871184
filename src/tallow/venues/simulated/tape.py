"""The whole simulated history of one pair: minutes of every day, and the trades of any day on demand."""

import threading
import zlib
from dataclasses import dataclass

import numpy as np

from tallow.venues.simulated import kernel
from tallow.venues.simulated.kernel import DAY_MS, Reals, Wholes

_KEPT_TRADES = 3_000_000
# Sweeps and the day's rhythm put the true mean this far from the rate asked for (measured).
_RATE_BIAS = 0.948
_NO_TRADES = np.zeros((0, 4), np.int64)


@dataclass(frozen=True)
class Asset:
    """What sets one base asset apart.

    Attributes:
        price: first price in quote units.
        price_digits: decimals of a price; the tick is one unit of the last.
        lot_digits: decimals of a quantity.
        smallest: usual smallest quantity of a trade, base units.
        volatility: of a year, as a fraction.
        activity: trades against the most traded asset.
    """

    price: float
    price_digits: int
    lot_digits: int
    smallest: float
    volatility: float
    activity: float


_OTHER = Asset(12.5, 3, 2, 1.0, 0.80, 0.4)


def asset(base: str) -> Asset:
    """Give the traits of an asset; those not listed share one set.

    Example:
        >>> asset("BTC").price_digits
        2
    """
    listed = {
        "BTC": Asset(60_000.0, 2, 5, 0.0004, 0.50, 1.0),
        "ETH": Asset(3_000.0, 2, 4, 0.008, 0.62, 0.8),
        "SOL": Asset(150.0, 2, 3, 0.16, 0.80, 0.6),
        "BNB": Asset(550.0, 2, 3, 0.04, 0.55, 0.5),
        "XRP": Asset(0.6, 4, 1, 40.0, 0.75, 0.5),
        "DOGE": Asset(0.15, 5, 0, 160.0, 0.85, 0.5),
    }
    return listed.get(base, _OTHER)


class Tape:
    """Simulate day after day, keep each day's minutes and the state it starts from.

    Args:
        seed: of the market.
        pair: name of the pair; gives it its own random numbers.
        traits: of the base asset.
        trades_per_day: mean of the most traded asset.
        halts: (n, 2) milliseconds since the start, half-open, without trades.
    """

    def __init__(self, seed: int, pair: str, traits: Asset, trades_per_day: float, halts: Wholes) -> None:
        self._seed, self._halts, self._lock = seed, halts, threading.Lock()
        rate = trades_per_day * traits.activity / kernel.MINUTES / _RATE_BIAS
        smallest = traits.smallest * 10**traits.lot_digits
        yearly = (365.0 * kernel.MINUTES) ** 0.5
        self._parameters: Reals = np.array([rate, traits.volatility / yearly, smallest, 0.05, 0.004])
        state: Reals = np.zeros(kernel.STATE_SIZE)
        state[kernel.FAIR] = traits.price * 10**traits.price_digits
        whole: Wholes = np.zeros(kernel.WHOLE_SIZE, np.int64)
        random = np.random.PCG64([seed, zlib.crc32(pair.encode())]).random_raw()
        whole[kernel.RANDOM] = np.uint64(random).astype(np.int64)
        whole[kernel.SIDE], whole[kernel.NEXT_ID] = 1, 1
        self.first_ticks = int(state[kernel.FAIR])
        self._states: list[tuple[Reals, Wholes]] = [(state, whole)]
        self._days: list[Wholes] = []
        self._trades: dict[int, Wholes] = {}

    def minutes(self, days: int) -> Wholes:
        """Give the minutes of the first `days` days: (days x 1440, 9), columns as in `kernel`."""
        with self._lock:
            self._reach(days)
            return np.concatenate(self._days[:days]) if days else np.zeros((0, 9), np.int64)

    def first_id(self, day: int) -> int:
        """Give the id of the first trade on or after a day."""
        with self._lock:
            self._reach(day)
            return int(self._states[day][1][kernel.NEXT_ID])

    def trades(self, day: int) -> Wholes:
        """Give a day's trades: time in milliseconds since the start, ticks, lots, whether the buyer was maker."""
        with self._lock:
            self._reach(day + 1)
            if day not in self._trades:
                self._trades[day] = self._replay(day)
                while sum(map(len, self._trades.values())) > _KEPT_TRADES and len(self._trades) > 1:
                    del self._trades[next(iter(self._trades))]
            return self._trades[day]

    def _reach(self, days: int) -> None:
        for day in range(len(self._days), days):
            state, whole = self._states[day]
            # The kernel moves the state on in place; the copy before it is what a replay starts from.
            carried = (state.copy(), whole.copy())
            self._days.append(self._run(day, carried, _NO_TRADES))
            self._states.append(carried)

    def _replay(self, day: int) -> Wholes:
        state, whole = self._states[day]
        count = int(self._states[day + 1][1][kernel.NEXT_ID] - whole[kernel.NEXT_ID])
        trades: Wholes = np.zeros((count, 4), np.int64)
        self._run(day, (state.copy(), whole.copy()), trades)
        return trades

    def _run(self, day: int, carried: tuple[Reals, Wholes], trades: Wholes) -> Wholes:
        inside = (self._halts[:, 0] < (day + 1) * DAY_MS) & (self._halts[:, 1] > day * DAY_MS)
        minutes: Wholes = kernel.simulate_day(
            day, self._seed, self._parameters, carried, np.ascontiguousarray(self._halts[inside]), trades
        )
        return minutes
