"""The slots of working orders: submission, cancellation, end, and the range of prices in which they all sleep."""

from typing import NamedTuple

import numpy as np

from tallow.core.matching import Config, inlined, round_price, round_quantity
from tallow.core.orders.ledger import count_in, sleeping_range
from tallow.core.orders.state import (
    ARMED,
    ARRIVES,
    ASKED,
    BELOW_MINIMUM,
    BEST,
    BORN,
    CANCELLED,
    CANCELS,
    COMPLETE,
    DORMANT,
    ENDED,
    EXPIRED,
    FILLED,
    FRESH,
    GOOD_TILL,
    GROUP,
    ID,
    INVALID,
    KIND,
    LEFT,
    LIMIT,
    LOGGED,
    M_ENDED,
    M_FULL,
    M_HIGH,
    M_LOW,
    M_NEXT_ID,
    M_NOW,
    M_PAYS,
    M_POSITION,
    M_TARGET,
    M_UNTIL,
    M_WORKING,
    MARKET,
    MESSAGE_SIZE,
    NO_REASON,
    OTHER_FILLED,
    PARENT,
    PARENT_ENDED,
    POSITION_CLOSED,
    PRICE,
    QUANTITY,
    QUEUE,
    REASON,
    REDUCE,
    REJECTED,
    REPLACED,
    SHORT_NOT_ALLOWED,
    SIDE,
    SLOT_SIZE,
    SLOTS_FULL,
    STATE,
    STATUS,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKING,
    TARGET,
    TARGET_TOO_LARGE,
    TO_TARGET,
    TOO_LATE,
    TOO_SMALL,
    TRAIL,
    TRAILING_STOP,
    TRIGGER,
    WORKING,
    Rules,
    called,
)
from tallow.domain.columns import Floats

DUST = 1e-12  # fraction of a quantity below which a rest is rounding
_TOLERANCE = 1.0 + 1e-9  # a target may exceed the leverage by rounding


@inlined
def end(slots: Floats, k: int, state: float, reason: float, row: float) -> None:  # pragma: no cover
    """Write how an order ended; `sweep` takes it off its slot."""
    slots[k, STATE], slots[k, REASON], slots[k, ENDED] = state, reason, row


@inlined
def is_working(slots: Floats, k: int) -> bool:  # pragma: no cover
    """Say whether an order has not ended."""
    return bool(slots[k, STATE] == WORKING)


@inlined
def is_limit(slots: Floats, k: int) -> bool:  # pragma: no cover
    """Say whether an order works as a limit order: it is one, or a stop-limit that was triggered."""
    return bool(slots[k, ARMED] != 0.0 and (slots[k, KIND] == LIMIT or slots[k, KIND] == STOP_LIMIT))


@inlined
def is_stop(slots: Floats, k: int) -> bool:  # pragma: no cover
    """Say whether an order waits for a price against it: the losing side of a pair."""
    kind = slots[k, KIND]
    return bool(slots[k, ARMED] == 0.0 and (kind in (STOP, STOP_LIMIT, TRAILING_STOP)))


@inlined
def is_reached(slots: Floats, k: int, low: float, high: float) -> bool:  # pragma: no cover
    """Say whether prices between low and high touch the trigger of an order that waits for one."""
    above = (slots[k, KIND] == TAKE_PROFIT) == (slots[k, SIDE] < 0.0)
    return bool(high >= slots[k, TRIGGER] if above else low <= slots[k, TRIGGER])


@inlined
def is_passed(slots: Floats, k: int, low: float, high: float, touch: float) -> bool:  # pragma: no cover
    """Say whether prices between low and high go through a limit (or touch it, where that is enough)."""
    price = slots[k, PRICE]
    if slots[k, SIDE] > 0.0:
        return bool(low < price or (touch != 0.0 and low == price))
    return bool(high > price or (touch != 0.0 and high == price))


@called
def sweep(m: Floats, slots: Floats, ended: Floats) -> None:  # pragma: no cover
    """Take ended orders off their slots and log them; what waited for one that never filled ends too."""
    count, kept = int(m[M_WORKING]), 0
    for k in range(count):
        if slots[k, STATE] == WORKING and slots[k, STATUS] == DORMANT and not _has_parent(slots, k, count):
            end(slots, k, CANCELLED, PARENT_ENDED, _last_end(slots, count))
    for k in range(count):
        if slots[k, STATE] == WORKING:
            if kept < k:
                _copy(slots, k, (slots, kept), SLOT_SIZE)
            kept += 1
        else:
            if slots[k, ID] < 0.0:
                continue  # an amendment that was on its way: no order
            if int(m[M_ENDED]) < len(ended):
                _copy(slots, k, (ended, int(m[M_ENDED])), LOGGED)
            m[M_ENDED] += 1.0
    m[M_WORKING] = float(kept)


@inlined
def _copy(source: Floats, k: int, place: tuple[Floats, int], count: int) -> None:  # pragma: no cover
    # By number: copying slices takes long to compile.
    target, row = place
    for i in range(count):
        target[row, i] = source[k, i]


@inlined
def _has_parent(slots: Floats, k: int, count: int) -> bool:  # pragma: no cover
    found = False  # before it, or behind it once the parent was amended
    for j in range(count):
        found |= slots[j, ID] == slots[k, PARENT] and slots[j, STATE] == WORKING
    return bool(found)


@inlined
def _last_end(slots: Floats, count: int) -> float:  # pragma: no cover
    row = -1.0
    for k in range(count):
        if slots[k, STATE] != WORKING:
            row = max(row, slots[k, ENDED])
    return row


@called
def bound(rules: Rules, m: Floats, slots: Floats) -> None:  # pragma: no cover
    """Find the open range of prices, and the time, within which no order and no exit can do anything."""
    low, high = sleeping_range(rules.costs, m)
    until = m[M_PAYS]
    for k in range(int(m[M_WORKING])):
        if slots[k, STATUS] != DORMANT:
            until = _next_time(slots, k, until)
            if slots[k, ARRIVES] <= m[M_NOW]:
                floor, ceiling = _range_of(rules, slots, k)
                low, high = max(low, floor), min(high, ceiling)
    m[M_LOW], m[M_HIGH], m[M_UNTIL] = low, high, until


@inlined
def _range_of(rules: Rules, slots: Floats, k: int) -> tuple[float, float]:  # pragma: no cover
    # The open range of prices in which one order sleeps; none for what trades at whatever price comes next.
    limit, buys = is_limit(slots, k), slots[k, SIDE] > 0.0
    if slots[k, STATUS] in (FRESH, TAKING) or (slots[k, ARMED] != 0.0 and not limit):
        return np.inf, 0.0
    if slots[k, KIND] == TRAILING_STOP:
        trigger, best = float(slots[k, TRIGGER]), float(slots[k, BEST])
        return (np.nextafter(best, 0.0), trigger) if buys else (trigger, np.nextafter(best, np.inf))
    level = _touched(rules, slots, k) if limit else float(slots[k, TRIGGER])
    below = buys == (limit or slots[k, KIND] == TAKE_PROFIT)
    return (level, np.inf) if below else (0.0, level)


@inlined
def _touched(rules: Rules, slots: Floats, k: int) -> float:  # pragma: no cover
    # The price at which a limit order wakes: its own, or the one beyond where a touch is nothing.
    price = float(slots[k, PRICE])
    if rules.touch != 0.0 or slots[k, QUEUE] < np.inf:
        return price
    return float(np.nextafter(price, 0.0 if slots[k, SIDE] > 0.0 else np.inf))


@inlined
def _next_time(slots: Floats, k: int, until: float) -> float:  # pragma: no cover
    # The earlier of a time and the next at which an order arrives, is cancelled or expires.
    for place in (GOOD_TILL, ARRIVES, CANCELS):
        if slots[k, place] > 0.0 and (place != ARRIVES or slots[k, STATUS] == FRESH):
            until = min(until, slots[k, place])
    return until


@inlined
def _target_fault(costs: Config, target: float) -> float:  # pragma: no cover
    if not abs(target) <= costs.leverage * _TOLERANCE:
        return TARGET_TOO_LARGE
    return SHORT_NOT_ALLOWED if target < 0.0 and costs.allow_short == 0.0 else NO_REASON


@inlined
def level_of(slots: Floats, k: int, close: float) -> float:  # pragma: no cover
    """Give the price by which an order is valued before it fills."""
    kind = slots[k, KIND]
    if kind in (LIMIT, STOP_LIMIT):
        return float(slots[k, PRICE])
    return float(slots[k, TRIGGER]) if kind in (STOP, TAKE_PROFIT) else close


@inlined
def is_order(slots: Floats, k: int, level: float) -> bool:  # pragma: no cover
    """Say whether there is a kind that exists, a side, and the numbers that the kind needs."""
    kind, side, quantity = slots[k, KIND], slots[k, SIDE], slots[k, QUANTITY]
    if kind not in (MARKET, LIMIT, STOP, STOP_LIMIT, TAKE_PROFIT, TRAILING_STOP) or abs(side) != 1.0:
        return False
    if kind == STOP_LIMIT and not slots[k, TRIGGER] > 0.0:
        return False
    if kind == TRAILING_STOP:
        return bool(0.0 < slots[k, TRAIL] < 1.0 and quantity < np.inf)
    return bool(quantity < np.inf and (kind == MARKET or 0.0 < level < np.inf))


@inlined
def _fault_of(rules: Rules, m: Floats, slots: Floats, k: int, close: float) -> float:  # pragma: no cover
    # Why an order just laid into slot k is not accepted; 0 when it is.
    if slots[k, KIND] == TO_TARGET:
        return _target_fault(rules.costs, slots[k, TARGET])
    level, held = level_of(slots, k, close), m[M_POSITION]
    if not is_order(slots, k, level):
        return INVALID
    if not slots[k, LEFT] > 0.0:
        return TOO_SMALL
    closes = held * slots[k, SIDE] < 0.0 and slots[k, QUANTITY] >= abs(held)
    small = slots[k, LEFT] * level < rules.costs.min_notional and not closes and slots[k, REDUCE] == 0.0
    return BELOW_MINIMUM if small else NO_REASON


@inlined
def _wake(slots: Floats, k: int, count: int) -> float:  # pragma: no cover
    # The status of a new order: asleep while the order it hangs from has not filled; -1 when there is none such.
    if slots[k, PARENT] == 0.0:
        return FRESH
    for j in range(count):
        if slots[j, ID] == slots[k, PARENT] and slots[j, STATE] == WORKING:
            return DORMANT if slots[j, FILLED] == 0.0 else FRESH
    return -1.0


@inlined
def _replace_target(slots: Floats, k: int, row: float) -> None:  # pragma: no cover
    for j in range(k):
        if slots[j, KIND] == TO_TARGET and slots[j, STATE] == WORKING:
            end(slots, j, CANCELLED, REPLACED, row)


@inlined
def _lay(
    rules: Rules, m: Floats, slots: Floats, order: tuple[int, Floats, tuple[float, float]]
) -> None:  # pragma: no cover
    # Write a message into slot k, rounded to lots and ticks; `order` is k, the message, and row and price.
    k, message, now = order
    for i in range(SLOT_SIZE):
        slots[k, i] = message[i] if i < MESSAGE_SIZE else 0.0
    slots[k, ID], slots[k, BORN], slots[k, ENDED], slots[k, BEST] = m[M_NEXT_ID], now[0], -1.0, now[1]
    kind, slots[k, QUEUE] = slots[k, KIND], np.inf
    slots[k, ARMED] = 1.0 if kind in (MARKET, LIMIT, TO_TARGET) else 0.0
    whole = slots[k, QUANTITY] == abs(m[M_POSITION]) or slots[k, PARENT] != 0.0
    slots[k, LEFT] = slots[k, QUANTITY] if whole else round_quantity(slots[k, QUANTITY], rules.costs.lot_size)
    slots[k, PRICE] = round_price(slots[k, PRICE], rules.costs.tick_size, -slots[k, SIDE])
    if kind == TRAILING_STOP:
        slots[k, TRIGGER] = now[1] * (1.0 + slots[k, SIDE] * slots[k, TRAIL])


@called
def submit(
    rules: Rules, m: Floats, slots: Floats, message: Floats, now: tuple[float, float]
) -> None:  # pragma: no cover
    """Lay a message into a slot, as an order that works from the next event on; `now` is row and price."""
    k = int(m[M_WORKING])
    if k >= len(slots):
        m[M_FULL] = SLOTS_FULL
        return
    _lay(rules, m, slots, (k, message, now))
    m[M_WORKING], m[M_NEXT_ID] = float(k + 1), m[M_NEXT_ID] + 1.0
    fault, status = _fault_of(rules, m, slots, k, now[1]), _wake(slots, k, k)
    fault = PARENT_ENDED if fault == 0.0 and status < 0.0 else fault
    slots[k, STATUS] = max(status, 0.0)
    if fault != 0.0:
        end(slots, k, REJECTED, fault, now[0])
        count_in(m, 0.0, 1.0)
    elif slots[k, KIND] == TO_TARGET:
        _replace_target(slots, k, now[0])
        m[M_TARGET] = slots[k, TARGET]


@called
def cancel(m: Floats, slots: Floats, number: float, row: float) -> None:  # pragma: no cover
    """End a working order because its owner asks for it; an id that does not work is left alone."""
    for k in range(int(m[M_WORKING])):
        if slots[k, ID] == number and slots[k, STATE] == WORKING:
            end(slots, k, CANCELLED, ASKED, row)


class Steps(NamedTuple):
    """What orders were rounded and measured by before."""

    tick_size: float
    lot_size: float
    min_notional: float


@inlined
def _put_under(rules: Rules, old: Steps, m: Floats, slots: Floats, k: int) -> float:  # pragma: no cover
    # Round an order again where the steps have changed; give why it is too small now, 0 when it is not.
    costs, held, side = rules.costs, m[M_POSITION], slots[k, SIDE]
    if costs.tick_size != old.tick_size:
        slots[k, PRICE] = round_price(slots[k, PRICE], costs.tick_size, -side)
    closes = side * held < 0.0 and slots[k, LEFT] == abs(held)
    if costs.lot_size != old.lot_size and not closes and slots[k, PARENT] == 0.0:
        slots[k, LEFT] = round_quantity(slots[k, LEFT], costs.lot_size)
        if not slots[k, LEFT] > 0.0:
            return TOO_SMALL
    return NO_REASON


@called
def adopt(rules: Rules, old: Steps, m: Floats, slots: Floats, now: tuple[float, float]) -> None:  # pragma: no cover
    """Put working orders under other trading rules; `now` is the row where they begin and the close before it.

    Prices are rounded again in favour of patience, what is left is rounded down; what is too small now ends.
    """
    for k in range(int(m[M_WORKING])):
        if slots[k, KIND] == TO_TARGET or slots[k, STATE] != WORKING:
            continue
        fault = _put_under(rules, old, m, slots, k)
        worth = (slots[k, LEFT] + slots[k, FILLED]) * level_of(slots, k, now[1])
        closes = m[M_POSITION] * slots[k, SIDE] < 0.0 and slots[k, LEFT] >= abs(m[M_POSITION])
        if fault == 0.0 and rules.costs.min_notional > old.min_notional and slots[k, REDUCE] == 0.0 and not closes:
            fault = BELOW_MINIMUM if worth < rules.costs.min_notional else NO_REASON
        if fault != 0.0:
            end(slots, k, CANCELLED if slots[k, FILLED] > 0.0 else REJECTED, fault, now[0])
            count_in(m, 0.0, 1.0)


@called
def expire(m: Floats, slots: Floats, time: float, row: float) -> None:  # pragma: no cover
    """End the orders whose time is over."""
    for k in range(int(m[M_WORKING])):
        if slots[k, GOOD_TILL] > 0.0 and slots[k, GOOD_TILL] <= time:
            end(slots, k, EXPIRED, TOO_LATE, row)


@called
def close_brackets(m: Floats, slots: Floats, row: float) -> None:  # pragma: no cover
    """End the exits of brackets when there is no position left, and what is left of their entries."""
    if m[M_POSITION] != 0.0:
        return
    for k in range(int(m[M_WORKING])):
        if slots[k, PARENT] == 0.0 or slots[k, REDUCE] == 0.0 or slots[k, STATUS] == DORMANT:
            continue
        if slots[k, STATE] == WORKING:
            end(slots, k, CANCELLED, POSITION_CLOSED, row)
        for j in range(int(m[M_WORKING])):
            if slots[j, ID] == slots[k, PARENT] and slots[j, STATE] == WORKING:
                end(slots, j, CANCELLED, POSITION_CLOSED, row)


@called
def spread(
    m: Floats, slots: Floats, k: int, fill: tuple[float, float, float], fresh: float
) -> None:  # pragma: no cover
    """Let a fill of order k (quantity without sign, price, row) reduce its group and wake what waits for it."""
    for j in range(int(m[M_WORKING])):
        if j == k or slots[j, STATE] != WORKING:
            continue
        if slots[k, GROUP] != 0.0 and slots[j, GROUP] == slots[k, GROUP]:
            slots[j, LEFT] -= fill[0]
            if slots[j, LEFT] <= DUST * slots[j, QUANTITY] or slots[k, STATE] == COMPLETE:
                end(slots, j, CANCELLED, OTHER_FILLED, fill[2])
        if slots[j, PARENT] == slots[k, ID] and slots[j, STATUS] == DORMANT:
            _wake_at(slots, j, fill[1], fresh)


@inlined
def _wake_at(slots: Floats, k: int, price: float, status: float) -> None:  # pragma: no cover
    # Put an order to work where the one it waited for filled.
    slots[k, STATUS], slots[k, BEST] = status, price
    if slots[k, KIND] == TRAILING_STOP:
        slots[k, TRIGGER] = price * (1.0 + slots[k, SIDE] * slots[k, TRAIL])
