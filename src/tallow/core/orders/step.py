"""How a bar fills orders: the open first, then low and high, the losing side of every pair before the winning one.

docs/orders.md has these rules in words, each with the name of its test.
"""

import numpy as np

from tallow.core.matching import inlined
from tallow.core.orders.amendments import amend, terms_of
from tallow.core.orders.book import (
    bound,
    cancel,
    close_brackets,
    end,
    expire,
    is_limit,
    is_passed,
    is_reached,
    is_stop,
    is_working,
    submit,
    sweep,
)
from tallow.core.orders.fills import Offer, settle, settle_target
from tallow.core.orders.ledger import charge, count_in, finish_bar, protect
from tallow.core.orders.state import (
    ARMED,
    BEST,
    CANCELLED,
    DORMANT,
    FOK,
    FRESH,
    GROUP,
    ID,
    INSIDE,
    IOC,
    KIND,
    LEFT,
    M_BUDGET,
    M_CEILING,
    M_EVENTS,
    M_FLOOR,
    M_POSITION,
    M_TRADES,
    M_WORKING,
    NOT_FILLED_AT_ONCE,
    POST_ONLY,
    PRICE,
    REJECTED,
    RESTING,
    SIDE,
    STATUS,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKING,
    TO_TARGET,
    TRAIL,
    TRAILING_STOP,
    TRIGGER,
    VALIDITY,
    WAITED,
    WOULD_TAKE,
    Bar,
    Desk,
    Rules,
    called,
)
from tallow.domain.columns import Floats

TAKER, MAKER = 1.0, 0.0


@inlined
def _budget(rules: Rules, volume: float) -> float:  # pragma: no cover
    # What a volume lets orders fill; everything when there is no limit or the volume is unknown.
    return rules.participation * volume if rules.participation < np.inf and volume == volume else np.inf


@inlined
def fill_at_once(
    rules: Rules, m: Floats, slots: Floats, k: int, deal: tuple[Offer, Bar, Floats]
) -> None:  # pragma: no cover
    """Fill an order that takes what is there; fill-or-kill only as a whole, immediate-or-cancel leaves no rest."""
    validity = slots[k, VALIDITY]
    if validity != FOK or m[M_BUDGET] >= slots[k, LEFT]:
        settle(rules, m, slots, k, deal)
    if is_working(slots, k) and validity in (IOC, FOK):
        end(slots, k, CANCELLED, NOT_FILLED_AT_ONCE, deal[1].row)


@called
def _open_limit(rules: Rules, m: Floats, slots: Floats, k: int, deal: tuple[Bar, Floats]) -> None:  # pragma: no cover
    # A limit order at the open: one that is new, or has only taken so far, takes if the open is through it; what is
    # left of it takes at the next open. A resting one fills there as a maker.
    bar, log = deal
    new, validity = slots[k, STATUS] != RESTING, slots[k, VALIDITY]
    slots[k, STATUS] = RESTING
    if new and validity == POST_ONLY and is_passed(slots, k, bar.open, bar.open, 1.0):
        end(slots, k, REJECTED, WOULD_TAKE, bar.row)
        count_in(m, 0.0, 1.0)
    elif is_passed(slots, k, bar.open, bar.open, rules.touch):
        slots[k, STATUS] = TAKING if new else RESTING
        fill_at_once(rules, m, slots, k, (Offer(bar.open, TAKER if new else MAKER, FRESH), bar, log))
    elif validity in (IOC, FOK):
        end(slots, k, CANCELLED, NOT_FILLED_AT_ONCE, bar.row)


@inlined
def _start_trailing(slots: Floats, k: int, price: float) -> None:  # pragma: no cover
    # One that was sent before any price was known begins with the first.
    if slots[k, KIND] == TRAILING_STOP and not slots[k, BEST] > 0.0:
        slots[k, BEST] = price
        slots[k, TRIGGER] = price * (1.0 + slots[k, SIDE] * slots[k, TRAIL])


@called
def _open_order(rules: Rules, m: Floats, slots: Floats, k: int, deal: tuple[Bar, Floats]) -> None:  # pragma: no cover
    # One order at the open of a bar with trades.
    bar, log = deal
    offer = Offer(bar.open, TAKER, FRESH)
    if slots[k, KIND] == TO_TARGET:
        settle_target(rules, m, slots, k, (offer, bar, log))
        return
    if slots[k, ARMED] == 0.0:
        _start_trailing(slots, k, bar.open)
        slots[k, STATUS] = RESTING
        if not is_reached(slots, k, bar.open, bar.open):
            return
        slots[k, ARMED], slots[k, STATUS] = 1.0, FRESH
    if is_limit(slots, k):
        _open_limit(rules, m, slots, k, deal)
    else:
        slots[k, STATUS] = RESTING
        fill_at_once(rules, m, slots, k, (offer, bar, log))


@called
def _wait(m: Floats, slots: Floats) -> None:  # pragma: no cover
    # A bar without trades fills nothing; an order that would have traded at its open is counted once.
    for k in range(int(m[M_WORKING])):
        waits = slots[k, ARMED] != 0.0 and slots[k, STATUS] != DORMANT and not is_limit(slots, k)
        if waits and slots[k, WAITED] == 0.0 and is_working(slots, k):
            slots[k, WAITED] = 1.0
            count_in(m, 0.0, 1.0)


@inlined
def _fills_inside(rules: Rules, slots: Floats, k: int, bar: Bar) -> bool:  # pragma: no cover
    # Whether an order could have filled inside this bar.
    if not is_working(slots, k) or slots[k, STATUS] in (DORMANT, TAKING):
        return False
    if slots[k, ARMED] == 0.0:
        return is_reached(slots, k, bar.low, bar.high)
    return is_limit(slots, k) and is_passed(slots, k, bar.low, bar.high, rules.touch)


@inlined
def _pair_reached(rules: Rules, m: Floats, slots: Floats, k: int, bar: Bar) -> float:  # pragma: no cover
    # 1 when another order of the group could have filled inside this bar as well.
    found = False
    for j in range(int(m[M_WORKING])):
        if j != k and slots[k, GROUP] != 0.0 and slots[j, GROUP] == slots[k, GROUP]:
            found |= _fills_inside(rules, slots, j, bar)
    return 1.0 if found else 0.0


@called
def _touch_stop(rules: Rules, m: Floats, slots: Floats, k: int, deal: tuple[Bar, Floats]) -> None:  # pragma: no cover
    # A stop that the bar touches after its open: at its trigger, or where the position was entered if that is worse.
    bar, log = deal
    price, side = slots[k, TRIGGER], slots[k, SIDE]
    if slots[k, STATUS] == INSIDE:
        price = max(price, slots[k, BEST]) if side > 0.0 else min(price, slots[k, BEST])
    slots[k, ARMED] = 1.0
    count_in(m, _pair_reached(rules, m, slots, k, bar), 0.0)
    if slots[k, KIND] == STOP_LIMIT:
        slots[k, STATUS] = INSIDE
        if side * slots[k, PRICE] < side * price:
            return
        slots[k, STATUS] = TAKING
    settle(rules, m, slots, k, (Offer(price, TAKER, INSIDE), bar, log))


@called
def _stops_inside(rules: Rules, m: Floats, slots: Floats, bar: Bar, log: Floats) -> None:  # pragma: no cover
    for k in range(int(m[M_WORKING])):
        awake = is_working(slots, k) and slots[k, STATUS] != DORMANT
        if awake and is_stop(slots, k) and is_reached(slots, k, bar.low, bar.high):
            _touch_stop(rules, m, slots, k, (bar, log))


@called
def _limits_inside(rules: Rules, m: Floats, slots: Floats, bar: Bar, log: Floats) -> None:  # pragma: no cover
    for k in range(int(m[M_WORKING])):
        if not is_working(slots, k) or slots[k, STATUS] != RESTING:
            continue
        if is_limit(slots, k) and is_passed(slots, k, bar.low, bar.high, rules.touch):
            count_in(m, _pair_reached(rules, m, slots, k, bar), 0.0)
            # What the open left of an order that it had passed fills no worse than there.
            limit = slots[k, PRICE]
            price = min(limit, bar.open) if slots[k, SIDE] > 0.0 else max(limit, bar.open)
            settle(rules, m, slots, k, (Offer(price, MAKER, INSIDE), bar, log))
        elif slots[k, ARMED] == 0.0 and slots[k, KIND] == TAKE_PROFIT and is_reached(slots, k, bar.low, bar.high):
            count_in(m, _pair_reached(rules, m, slots, k, bar), 0.0)
            slots[k, ARMED] = 1.0
            settle(rules, m, slots, k, (Offer(slots[k, TRIGGER], TAKER, INSIDE), bar, log))


@inlined
def _protect_new(rules: Rules, m: Floats, bar: Bar, log: Floats) -> None:  # pragma: no cover
    # A position entered inside the bar may reach its losing exit in the same bar, never its winning one.
    if m[M_POSITION] > 0.0:
        level, span = m[M_FLOOR], (bar.low, -np.inf)
    else:
        level, span = m[M_CEILING], (np.inf, bar.high)
    there = Bar(bar.row, level, bar.high, bar.low, bar.close, bar.volume, bar.previous_volume, 0.0, 0.0, bar.time)
    protect(rules.costs, m, there, span, log)


@called
def _trade_inside(rules: Rules, m: Floats, slots: Floats, bar: Bar, log: Floats) -> bool:  # pragma: no cover
    # Gives whether the position was entered inside this bar.
    held, trades = m[M_POSITION], m[M_TRADES]
    protect(rules.costs, m, bar, (bar.low, bar.high), log)
    close_brackets(m, slots, bar.row)
    events = m[M_EVENTS]
    _stops_inside(rules, m, slots, bar, log)
    close_brackets(m, slots, bar.row)
    _limits_inside(rules, m, slots, bar, log)
    _stops_inside(rules, m, slots, bar, log)
    if m[M_EVENTS] > events:
        _protect_new(rules, m, bar, log)
    close_brackets(m, slots, bar.row)
    return bool(m[M_POSITION] != 0.0 and (held == 0.0 or m[M_TRADES] != trades))


@called
def _trail_orders(m: Floats, slots: Floats, bar: Bar) -> None:  # pragma: no cover
    # Trailing stops take in a bar once it is over; one that was entered inside the bar begins with the next.
    for k in range(int(m[M_WORKING])):
        if slots[k, STATUS] == INSIDE:
            slots[k, STATUS] = RESTING
        elif slots[k, KIND] == TRAILING_STOP and slots[k, STATUS] == RESTING:
            best = max(slots[k, BEST], bar.high) if slots[k, SIDE] < 0.0 else min(slots[k, BEST], bar.low)
            if best != slots[k, BEST]:
                slots[k, BEST] = best
                slots[k, TRIGGER] = best * (1.0 + slots[k, SIDE] * slots[k, TRAIL])


@called
def _trade_open(rules: Rules, m: Floats, slots: Floats, bar: Bar, log: Floats) -> None:  # pragma: no cover
    protect(rules.costs, m, bar, (bar.open, bar.open), log)
    close_brackets(m, slots, bar.row)
    for k in range(int(m[M_WORKING])):
        if is_working(slots, k) and slots[k, STATUS] != DORMANT:
            _open_order(rules, m, slots, k, (bar, log))
            close_brackets(m, slots, bar.row)


@called
def pass_busy(
    rules: Rules, m: Floats, slots: Floats, bar: Bar, logs: tuple[Floats, Floats]
) -> None:  # pragma: no cover
    """Take the flat desk over a bar in which something may happen."""
    log, ended = logs
    trades = not bar.volume <= 0.0
    expire(m, slots, bar.time, bar.row)
    charge(rules.costs, m, bar, bar.funding_open, log)
    m[M_BUDGET] = offered = _budget(rules, bar.previous_volume)
    if trades:
        _trade_open(rules, m, slots, bar, log)
    else:
        _wait(m, slots)
    charge(rules.costs, m, bar, bar.funding_inside, log)
    entered = False
    if trades:
        used = offered - m[M_BUDGET] if offered < np.inf else 0.0
        m[M_BUDGET] = max(0.0, _budget(rules, bar.volume) - used)
        entered = _trade_inside(rules, m, slots, bar, log)
        _trail_orders(m, slots, bar)
    finish_bar(rules.costs, m, bar, entered)
    sweep(m, slots, ended)
    bound(rules, m, slots)


@inlined
def is_quiet(desk: Desk, bar: Bar) -> bool:  # pragma: no cover
    """Say whether a bar can do no more than move the mark."""
    inside = min(bar.low, bar.open) > desk.floor and max(bar.high, bar.open) < desk.ceiling
    return inside and bar.time < desk.until and bar.funding_open == 0.0 and bar.funding_inside == 0.0


@called
def take_messages(
    rules: Rules, m: Floats, slots: Floats, sent: tuple[Floats, int], now: tuple[float, float, Floats]
) -> None:  # pragma: no cover
    """Take what was sent at the close of a bar: submissions, cancellations and amendments, in order.

    `now` is the row and the close of that bar, and the log of ended orders.
    """
    outbox, count = sent
    row, close, ended = now
    for i in range(count):
        if outbox[i, ID] > 0.0:
            cancel(m, slots, outbox[i, ID], row)
        elif outbox[i, ID] < 0.0:
            amend(rules, m, slots, terms_of(outbox[i]), (row, close))
        else:
            submit(rules, m, slots, outbox[i], (row, close))
        sweep(m, slots, ended)
    bound(rules, m, slots)
