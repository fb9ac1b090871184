"""One simulated day of one instrument: order flow, prices and sizes, trade by trade.

Only + - * /, square roots and integer arithmetic are used, no library function that may differ in the last bit
between machines: the same seed gives the same trades everywhere.

The model, per 15-second slot: common news moves every instrument at once. Per minute: log-volatility is the sum of a
slow common and a fast own autoregression. Per trade: arrivals excite further arrivals; the taker's side tends to
repeat; sizes have a Pareto tail; each trade moves the fair price a little for good and displaces the traded price by
more, which decays within seconds. Whales are rare trades of many times the usual size that sweep several prints in
the same millisecond.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])

Reals = NDArray[np.float64]
Wholes = NDArray[np.int64]

DAY_MS = 86_400_000
SLOT_MS = 15_000
MINUTES = 1_440

# What a day hands to the next: floats, then integers.
FAIR, DISPLACED, EXCITED, COMMON, OWN, WHALE_SIZE = range(6)
STATE_SIZE = 6
LAST_TICKS, NEXT_ID, SIDE, RANDOM, SWEEP = range(5)
WHOLE_SIZE = 5

# What is fixed for an instrument.
BASE_RATE, VOLATILITY, SMALLEST, IMPACT, WHALE_CHANCE = range(5)
PARAMETER_COUNT = 5

# Columns of the day's minutes.
OPEN, HIGH, LOW, CLOSE, COUNT, LOTS, VALUE, BUY_LOTS, BUY_VALUE = range(9)
# Columns of the day's trades.
TRADE_TIME, TRADE_TICKS, TRADE_LOTS, TRADE_BUYER_IS_MAKER = range(4)

_EXCITEMENT = 0.5  # share of trades that are answers to earlier ones
_MEMORY_MS = 4_000.0  # how long a trade excites others
_RELAX_MS = 6_000.0  # how long a displaced price takes to come back
_NEWS = 0.55  # share of variance that all instruments have in common


def _compiled(function: F) -> F:
    kernel: F = njit(cache=True, nogil=True, error_model="numpy")(function)
    return kernel


@_compiled
def mix(number: np.uint64) -> np.uint64:  # pragma: no cover
    """Scramble 64 bits (SplitMix64's finaliser)."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))


@_compiled
def draw(whole: Wholes) -> np.uint64:  # pragma: no cover
    """Give the next 64 random bits of a state."""
    state = np.uint64(whole[RANDOM]) + np.uint64(0x9E3779B97F4A7C15)
    whole[RANDOM] = np.int64(state)
    return mix(state)


@_compiled
def uniform(bits: np.uint64) -> float:  # pragma: no cover
    """Map 64 bits to (0, 1]."""
    return (np.float64(bits >> np.uint64(11)) + 1.0) * 1.1102230246251565e-16


@_compiled
def normal(first: np.uint64, second: np.uint64, third: np.uint64) -> float:  # pragma: no cover
    """Add twelve 16-bit uniforms to a standard normal: exact in integers, tails end at 6."""
    total = np.uint64(0)
    low = np.uint64(0xFFFF)
    for bits in (first, second, third):
        total += (bits & low) + ((bits >> np.uint64(16)) & low)
        total += ((bits >> np.uint64(32)) & low) + (bits >> np.uint64(48))
    return (np.float64(total) - 393_210.0) / 65_536.0


@_compiled
def exponential(u: float) -> float:  # pragma: no cover
    """Give -log(u) for u in (0, 1], by doubling and a short series of atanh."""
    doublings = 0
    while u < 0.70710678:
        u *= 2.0
        doublings += 1
    s = (1.0 - u) / (1.0 + u)
    z = s * s
    series = 1.0 + z * (1 / 3 + z * (0.2 + z * (1 / 7 + z * (1 / 9 + z * (1 / 11 + z / 13)))))
    return doublings * 0.6931471805599453 + 2.0 * s * series


@_compiled
def exp(x: float) -> float:  # pragma: no cover
    """Give e**x for |x| < 8, by a Taylor polynomial of x/64 and six squarings."""
    y = x / 64.0
    value = 1.0 + y * (1.0 + y * (0.5 + y * (1 / 6 + y * (1 / 24 + y * (1 / 120 + y * (1 / 720 + y / 5_040))))))
    for _ in range(6):
        value *= value
    return value


@_compiled
def common_normal(seed: np.uint64, stream: int, index: int) -> float:  # pragma: no cover
    """Give the standard normal number `index` of a stream that every instrument of a market shares."""
    start = mix(mix(seed) + np.uint64(stream)) + np.uint64(index) * np.uint64(3)
    one = np.uint64(1)
    return normal(mix(start), mix(start + one), mix(start + one + one))


@_compiled
def own_normal(whole: Wholes) -> float:  # pragma: no cover
    """Give the next standard normal of one instrument."""
    return normal(draw(whole), draw(whole), draw(whole))


@_compiled
def answer(state: Reals, whole: Wholes) -> float:  # pragma: no cover
    """Give the milliseconds until excitement alone causes a trade; infinity when it dies out first."""
    used = exponential(uniform(draw(whole)))
    mass = state[EXCITED] * _MEMORY_MS
    if used >= mass:
        return math.inf
    return _MEMORY_MS * exponential(1.0 - used / mass)


@_compiled
def turn_minute(state: Reals, whole: Wholes, seed: np.uint64, minute: int) -> float:  # pragma: no cover
    """Advance log-volatility by a minute; give how volatile and busy it is against the average."""
    state[COMMON] = 0.9995 * state[COMMON] + 0.0140 * common_normal(seed, 1, minute)
    state[OWN] = 0.97 * state[OWN] + 0.0800 * own_normal(whole)
    of_day = (minute % MINUTES) / MINUTES
    from_peak = abs(of_day - 0.6)
    season = 0.25 - 0.9 * min(from_peak, 1.0 - from_peak)
    return exp(state[COMMON] + state[OWN] + season - 0.15)


@_compiled
def trade(
    state: Reals, whole: Wholes, parameters: Reals, volatility: float, elapsed: float
) -> tuple[np.int64, np.int64]:  # pragma: no cover
    """Make one trade, `elapsed` milliseconds after the one before; give its price in ticks and size in lots."""
    state[DISPLACED] /= 1.0 + elapsed / _RELAX_MS
    if whole[SWEEP] > 0:
        whole[SWEEP] -= 1
        lots = state[WHALE_SIZE] * (0.5 + uniform(draw(whole)))
    else:
        noise = volatility * math.sqrt((1.0 - _NEWS) * min(elapsed, 60_000.0) / 60_000.0)
        state[FAIR] *= 1.0 + noise * own_normal(whole)
        chance = uniform(draw(whole))
        # The side repeats three times out of four; otherwise it leans against the displacement.
        if chance > 0.75:
            lean = max(-0.4, min(0.4, 100.0 * state[DISPLACED]))
            whole[SIDE] = 1 if chance < 0.875 - 0.125 * lean else -1
        u = uniform(draw(whole))
        lots = parameters[SMALLEST] / (math.sqrt(u) * math.sqrt(math.sqrt(u)))
        if uniform(draw(whole)) < parameters[WHALE_CHANCE]:
            lots = parameters[SMALLEST] * (40.0 + 60.0 / math.sqrt(uniform(draw(whole))))
            whole[SWEEP] = 1 + np.int64(draw(whole) % np.uint64(5))
            state[WHALE_SIZE] = lots / (1.0 + whole[SWEEP])
            lots = state[WHALE_SIZE]
            state[EXCITED] += 6.0 / _MEMORY_MS
    lots = max(1.0, math.floor(min(lots, 20_000.0 * parameters[SMALLEST])))
    push = parameters[IMPACT] * volatility * math.sqrt(lots / parameters[SMALLEST]) * whole[SIDE]
    state[FAIR] = max(50.0, state[FAIR] * (1.0 + 0.35 * push))
    state[DISPLACED] += 0.65 * push
    price = math.floor(state[FAIR] * (1.0 + state[DISPLACED]) + 0.5 * whole[SIDE] + 0.5)
    return np.int64(max(1.0, price)), np.int64(lots)


@_compiled
def add_to_minute(bar: Wholes, ticks: np.int64, lots: np.int64, side: np.int64) -> None:  # pragma: no cover
    """Add one trade to its minute's row."""
    if bar[COUNT] == 0:
        bar[OPEN] = bar[HIGH] = bar[LOW] = ticks
    bar[HIGH] = max(bar[HIGH], ticks)
    bar[LOW] = min(bar[LOW], ticks)
    bar[CLOSE] = ticks
    bar[COUNT] += 1
    bar[LOTS] += lots
    bar[VALUE] += ticks * lots
    if side > 0:
        bar[BUY_LOTS] += lots
        bar[BUY_VALUE] += ticks * lots


@_compiled
def halted_until(halts: Wholes, time: float) -> float:  # pragma: no cover
    """Give when trading goes on if `time` lies in a halt; otherwise `time`."""
    for i in range(len(halts)):
        if halts[i, 0] <= time < halts[i, 1]:
            return np.float64(halts[i, 1])
    return time


@_compiled
def simulate_day(
    day: int, seed: int, parameters: Reals, carried: tuple[Reals, Wholes], halts: Wholes, trades: Wholes
) -> Wholes:  # pragma: no cover
    """Run one day; give its minutes by column, in ticks and lots.

    Args:
        day: number of the day since the market's start.
        seed: of everything instruments have in common.
        parameters: of the instrument.
        carried: the state, floats and integers; advanced in place.
        halts: half-open ranges of milliseconds since the market's start without trades.
        trades: filled with the day's trades when it has rows, one each; otherwise nothing is recorded.
    """
    state, whole = carried
    minutes = np.zeros((MINUTES, 9), np.int64)
    start = day * DAY_MS
    time, last, made, volatility, rate = float(start), float(start), 0, 0.0, 0.0
    common = np.uint64(seed)
    for slot in range(day * 5_760, (day + 1) * 5_760):
        if slot % 4 == 0:
            busy = turn_minute(state, whole, common, slot // 4)
            volatility = parameters[VOLATILITY] * busy
            rate = parameters[BASE_RATE] * math.sqrt(busy) * (1.0 - _EXCITEMENT) / 60_000.0
        state[FAIR] *= 1.0 + volatility * math.sqrt(_NEWS * 0.25) * common_normal(common, 2, slot)
        # Rates hold for a slot, so waiting may begin anew at its start: exponential waits have no memory.
        time, end = float(slot * SLOT_MS), float((slot + 1) * SLOT_MS)
        while True:
            if whole[SWEEP] == 0:
                wait = min(exponential(uniform(draw(whole))) / rate, answer(state, whole))
                state[EXCITED] *= exp(-min(min(wait, end - time) / _MEMORY_MS, 7.0))
                time += wait
            time = halted_until(halts, time) if len(halts) else time
            if time >= end:
                break
            ticks, lots = trade(state, whole, parameters, volatility, time - last)
            state[EXCITED] += _EXCITEMENT / _MEMORY_MS
            last = time
            add_to_minute(minutes[np.int64(time) // 60_000 - day * MINUTES], ticks, lots, whole[SIDE])
            if made < len(trades):
                trades[made, TRADE_TIME] = np.int64(time)
                trades[made, TRADE_TICKS] = ticks
                trades[made, TRADE_LOTS] = lots
                trades[made, TRADE_BUYER_IS_MAKER] = whole[SIDE] < 0
            made += 1
            whole[LAST_TICKS] = ticks
            whole[NEXT_ID] += 1
    return minutes
