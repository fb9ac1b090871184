"""Trades as the tick step reads them: checked columns, when each reaches the strategy, and the quotes in force."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tallow.core.engine.checks import check_rates
from tallow.core.matching import inlined
from tallow.domain.columns import Floats, FundingRates, Ticks, Times
from tallow.domain.errors import DataError, UserError
from tallow.domain.orders import Latency, Quotes
from tallow.domain.ranges import iso

ORDER_STREAM, _DATA_STREAM = 1, 2  # jitters of orders and of data are drawn apart


NO_LATENCY = Latency()


class TickColumns(NamedTuple):
    """What a loop reads, a row a trade; the quote columns are empty where none were recorded.

    `local` is when the strategy learns of the trade; `sold` says that the taker sold. Funding has rows of its own: when
    it is paid, ascending, and the rate that longs pay.
    """

    time: Times
    local: Times
    price: Floats
    quantity: Floats
    sold: NDArray[np.bool_]
    bid: Floats
    ask: Floats
    bid_quantity: Floats
    ask_quantity: Floats
    paid: Times
    rate: Floats


@dataclass(frozen=True)
class Tape:
    """Trades that passed the checks, ready for any number of runs; made by `prepare_ticks`.

    `latency` is the one its local times are for; another one is worked out when a run needs it.
    """

    columns: TickColumns
    latency: Latency = NO_LATENCY

    def __len__(self) -> int:
        return len(self.columns.time)


@inlined
def draw(seed: int, stream: int, number: int) -> float:  # pragma: no cover
    """Draw a number from 0 to 1 that depends on its arguments only (splitmix64)."""
    z = np.uint64(seed) + np.uint64(stream) * np.uint64(0xD1B54A32D192ED03)
    z += (np.uint64(number) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * 2.0**-53


@inlined
def travel(fixed: float, jitter: float, key: tuple[int, int, int]) -> float:  # pragma: no cover
    """Give how long a message travels, whole microseconds; `key` is seed, stream and number."""
    if jitter == 0.0:
        return fixed
    return fixed + float(np.floor(jitter * draw(key[0], key[1], key[2])))


@njit(cache=True, nogil=True, error_model="numpy")
def local_times(time: Times, fixed: float, jitter: float, key: tuple[int, int]) -> Times:  # pragma: no cover
    """Give when trades reach a strategy, in their own order; `key` is the seed and the number of the first trade."""
    local = np.empty(len(time), np.int64)
    last = time[0] if len(time) > 0 else 0
    for i in range(len(time)):
        last = max(last, time[i] + int(travel(fixed, jitter, (key[0], _DATA_STREAM, key[1] + i))))
        local[i] = last
    return local


@njit(cache=True, nogil=True, error_model="numpy")
def _find_bad_row(time: Times, price: Floats, quantity: Floats) -> int:  # pragma: no cover
    for i in range(len(time)):
        sound = price[i] > 0.0 and price[i] < np.inf and quantity[i] >= 0.0 and quantity[i] < np.inf
        if not sound or (i > 0 and time[i] < time[i - 1]):
            return i
    return -1


def prepare_ticks(
    ticks: "Ticks | Tape",
    quotes: Quotes | None = None,
    latency: Latency = NO_LATENCY,
    funding: FundingRates | None = None,
) -> Tape:
    """Check trades and put the quote in force beside each; what is prepared already is returned as it is.

    Runs under the given latency need not work out again when each trade reaches the strategy.

    Raises:
        DataError: BAD_TICKS when a price is not positive and finite, a quantity is below 0, or time steps back;
            BAD_FUNDING when a rate is not finite.
    """
    if isinstance(ticks, Tape):
        return ticks
    time = np.ascontiguousarray(ticks.event_time, np.int64)
    price = np.ascontiguousarray(ticks.price, np.float64)
    quantity = np.ascontiguousarray(ticks.quantity, np.float64)
    row = _find_bad_row(time, price, quantity)
    if row >= 0:
        raise bad_tick(row, int(time[row]), float(price[row]), float(quantity[row]))
    sold = np.ascontiguousarray(ticks.buyer_is_maker, np.bool_)
    bid, ask, bid_quantity, ask_quantity = _quote_columns(time, quotes)
    columns = TickColumns(time, time, price, quantity, sold, bid, ask, bid_quantity, ask_quantity, *_payments(funding))
    tape = Tape(columns)
    return Tape(delayed(tape, latency), latency)


def delayed(tape: Tape, latency: Latency) -> TickColumns:
    """Give the columns with the times at which trades reach a strategy."""
    time, known = tape.columns.time, tape.latency
    arrival = latency.data, latency.data_jitter, latency.seed * (latency.data_jitter > 0)
    if arrival == (known.data, known.data_jitter, known.seed * (known.data_jitter > 0)):
        return tape.columns
    if not latency.data_jitter:
        return tape.columns._replace(local=time + latency.data)
    key = latency.seed, 0
    return tape.columns._replace(local=local_times(time, float(latency.data), float(latency.data_jitter), key))


def _quote_columns(time: Times, quotes: Quotes | None) -> tuple[Floats, ...]:
    # The last quote at or before each trade; NaN before the first.
    if quotes is None:
        return tuple(np.empty(0) for _ in range(4))
    place = np.searchsorted(quotes.event_time, time, side="right") - 1
    known = place >= 0
    columns = (quotes.bid, quotes.ask, quotes.bid_quantity, quotes.ask_quantity)
    if not len(quotes):
        return tuple(np.full(len(time), np.nan) for _ in columns)
    return tuple(np.where(known, column[np.maximum(place, 0)], np.nan).astype(np.float64) for column in columns)


def _payments(funding: FundingRates | None) -> tuple[Times, Floats]:
    if funding is None:
        return np.zeros(0, np.int64), np.zeros(0)
    check_rates(funding)
    order = np.argsort(funding.time, kind="stable")
    return np.asarray(funding.time, np.int64)[order], np.asarray(funding.rate, np.float64)[order]


def bad_tick(row: int, time: int, price: float, quantity: float) -> DataError:
    """Say which trade cannot be used."""
    return DataError(
        "BAD_TICKS",
        f"trade {row} at {iso(time)} cannot be used",
        facts={
            "price": price,
            "quantity": quantity,
            "valid": "a positive finite price, a finite quantity of 0 or more, times that do not step back",
        },
        commands=["tallow explain BAD_TICKS"],
    )


def check_times(at: Times) -> Times:
    """Give decision times as integers.

    Raises:
        UserError: BAD_SETTING when they are not ascending.
    """
    times = np.ascontiguousarray(at, np.int64)
    if len(times) > 1 and (np.diff(times) < 0).any():
        raise UserError("BAD_SETTING", "decision times step back", facts={"valid": "ascending microseconds UTC"})
    return times
