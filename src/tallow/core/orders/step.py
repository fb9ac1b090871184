"""How a bar fills orders: the open first, then low and high, the losing side of every pair before the winning one.

docs/orders.md has these rules in words, each with the name of its test.
"""

import numpy as np

from tallow.core.matching import inlined
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
    submit,
    sweep,
)
from tallow.core.orders.fills import Offer, is_working, settle, settle_target
from tallow.core.orders.ledger import charge, count_in, mark, protect, trail
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
    NOT_FILLED_AT_ONCE,
    POST_ONLY,
    PRICE,
    REJECTED,
    RESTING,
    SIDE,
    STATUS,
    STOP_LIMIT,
    TAKE_PROFIT,
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
    with_account,
    with_budget,
)
from tallow.domain.columns import Floats

TAKER, MAKER = 1.0, 0.0


@inlined
def _budget(rules: Rules, volume: float) -> float:  # pragma: no cover
    # What a volume lets orders fill; everything when there is no limit or the volume is unknown.
    return rules.participation * volume if rules.participation < np.inf and volume == volume else np.inf


@inlined
def fill_at_once(
    rules: Rules, desk: Desk, slots: Floats, k: int, deal: tuple[Offer, Bar, Floats]
) -> Desk:  # pragma: no cover
    """Fill an order that takes what is there; fill-or-kill only as a whole, immediate-or-cancel leaves no rest."""
    if slots[k, VALIDITY] == FOK and desk.budget < slots[k, LEFT]:
        end(slots, k, CANCELLED, NOT_FILLED_AT_ONCE, deal[1].row)
        return desk
    return settle(rules, desk, slots, k, deal)


@called
def _open_limit(rules: Rules, desk: Desk, slots: Floats, k: int, deal: tuple[Bar, Floats]) -> Desk:  # pragma: no cover
    # A limit order at the open: a new one takes if the open is through it, a resting one fills there as a maker.
    bar, log = deal
    new, validity = slots[k, STATUS] == FRESH, slots[k, VALIDITY]
    if new and validity == POST_ONLY and is_passed(slots, k, bar.open, bar.open, 1.0):
        end(slots, k, REJECTED, WOULD_TAKE, bar.row)
        return with_account(desk, count_in(desk.account, 0.0, 1.0))
    slots[k, STATUS] = RESTING
    if is_passed(slots, k, bar.open, bar.open, rules.touch):
        offer = Offer(bar.open, TAKER if new else MAKER, FRESH)
        desk = fill_at_once(rules, desk, slots, k, (offer, bar, log))
    if is_working(slots, k) and (validity in (IOC, FOK)):
        end(slots, k, CANCELLED, NOT_FILLED_AT_ONCE, bar.row)
    return desk


@called
def _open_order(rules: Rules, desk: Desk, slots: Floats, k: int, deal: tuple[Bar, Floats]) -> Desk:  # pragma: no cover
    # One order at the open of a bar with trades.
    bar, log = deal
    offer = Offer(bar.open, TAKER, FRESH)
    if slots[k, KIND] == TO_TARGET:
        return settle_target(rules, desk, slots, k, (offer, bar, log))
    if slots[k, ARMED] == 0.0:
        if slots[k, KIND] == TRAILING_STOP and not slots[k, BEST] > 0.0:
            slots[k, BEST] = bar.open
            slots[k, TRIGGER] = bar.open * (1.0 + slots[k, SIDE] * slots[k, TRAIL])
        slots[k, STATUS] = RESTING
        if not is_reached(slots, k, bar.open, bar.open):
            return desk
        slots[k, ARMED], slots[k, STATUS] = 1.0, FRESH
    if is_limit(slots, k):
        return _open_limit(rules, desk, slots, k, deal)
    desk = fill_at_once(rules, desk, slots, k, (offer, bar, log))
    slots[k, STATUS] = RESTING
    if is_working(slots, k) and slots[k, VALIDITY] == IOC:
        end(slots, k, CANCELLED, NOT_FILLED_AT_ONCE, bar.row)
    return desk


@called
def _wait(desk: Desk, slots: Floats) -> Desk:  # pragma: no cover
    # A bar without trades fills nothing; an order that would have traded at its open is counted once.
    account = desk.account
    for k in range(int(desk.working)):
        if (
            slots[k, ARMED] != 0.0
            and slots[k, WAITED] == 0.0
            and slots[k, STATUS] != DORMANT
            and not is_limit(slots, k)
        ):
            slots[k, WAITED] = 1.0
            account = count_in(account, 0.0, 1.0)
    return with_account(desk, account)


@inlined
def _pair_reached(rules: Rules, desk: Desk, slots: Floats, k: int, bar: Bar) -> float:  # pragma: no cover
    # 1 when another order of the group could have filled inside this bar as well.
    if slots[k, GROUP] == 0.0:
        return 0.0
    for j in range(int(desk.working)):
        if j == k or slots[j, GROUP] != slots[k, GROUP] or not is_working(slots, j) or slots[j, STATUS] == DORMANT:
            continue
        if is_limit(slots, j) and is_passed(slots, j, bar.low, bar.high, rules.touch):
            return 1.0
        if slots[j, ARMED] == 0.0 and is_reached(slots, j, bar.low, bar.high):
            return 1.0
    return 0.0


@called
def _touch_stop(rules: Rules, desk: Desk, slots: Floats, k: int, deal: tuple[Bar, Floats]) -> Desk:  # pragma: no cover
    # A stop that the bar touches after its open: at its trigger, or where the position was entered if that is worse.
    bar, log = deal
    price, side = slots[k, TRIGGER], slots[k, SIDE]
    if slots[k, STATUS] == INSIDE:
        price = max(price, slots[k, BEST]) if side > 0.0 else min(price, slots[k, BEST])
    slots[k, ARMED] = 1.0
    desk = with_account(desk, count_in(desk.account, _pair_reached(rules, desk, slots, k, bar), 0.0))
    if slots[k, KIND] == STOP_LIMIT:
        slots[k, STATUS] = INSIDE
        if side * slots[k, PRICE] < side * price:
            return desk
    return settle(rules, desk, slots, k, (Offer(price, TAKER, INSIDE), bar, log))


@called
def _stops_inside(rules: Rules, desk: Desk, slots: Floats, bar: Bar, log: Floats) -> Desk:  # pragma: no cover
    for k in range(int(desk.working)):
        awake = is_working(slots, k) and slots[k, STATUS] != DORMANT
        if awake and is_stop(slots, k) and is_reached(slots, k, bar.low, bar.high):
            desk = _touch_stop(rules, desk, slots, k, (bar, log))
    return desk


@called
def _limits_inside(rules: Rules, desk: Desk, slots: Floats, bar: Bar, log: Floats) -> Desk:  # pragma: no cover
    for k in range(int(desk.working)):
        if not is_working(slots, k) or slots[k, STATUS] != RESTING:
            continue
        if is_limit(slots, k) and is_passed(slots, k, bar.low, bar.high, rules.touch):
            desk = settle(rules, desk, slots, k, (Offer(slots[k, PRICE], MAKER, INSIDE), bar, log))
        elif slots[k, ARMED] == 0.0 and slots[k, KIND] == TAKE_PROFIT and is_reached(slots, k, bar.low, bar.high):
            slots[k, ARMED] = 1.0
            desk = settle(rules, desk, slots, k, (Offer(slots[k, TRIGGER], TAKER, INSIDE), bar, log))
    return desk


@inlined
def _protect_new(rules: Rules, desk: Desk, bar: Bar, log: Floats) -> Desk:  # pragma: no cover
    # A position entered inside the bar may reach its losing exit in the same bar, never its winning one.
    held, levels = desk.account.holding.quantity, desk.account.levels
    if held == 0.0:
        return desk
    level, span = (levels.floor, (bar.low, -np.inf)) if held > 0.0 else (levels.ceiling, (np.inf, bar.high))
    there = Bar(
        bar.row, level, bar.high, bar.low, bar.close, bar.volume, bar.previous_volume, 0.0, 0.0, bar.time
    )  # fmt: skip
    return with_account(desk, protect(rules.costs, desk.account, there, span, log))


@called
def _trade_inside(rules: Rules, desk: Desk, slots: Floats, bar: Bar, log: Floats) -> Desk:  # pragma: no cover
    desk = with_account(desk, protect(rules.costs, desk.account, bar, (bar.low, bar.high), log))
    close_brackets(desk, slots, bar.row)
    fills = desk.account.totals.events
    desk = _stops_inside(rules, desk, slots, bar, log)
    close_brackets(desk, slots, bar.row)
    desk = _limits_inside(rules, desk, slots, bar, log)
    desk = _stops_inside(rules, desk, slots, bar, log)
    if desk.account.totals.events > fills:
        desk = _protect_new(rules, desk, bar, log)
    close_brackets(desk, slots, bar.row)
    return desk


@called
def _trail_orders(desk: Desk, slots: Floats, bar: Bar) -> None:  # pragma: no cover
    # Trailing stops take in a bar once it is over; one that was entered inside the bar begins with the next.
    for k in range(int(desk.working)):
        if slots[k, STATUS] == INSIDE:
            slots[k, STATUS] = RESTING
        elif slots[k, KIND] == TRAILING_STOP and slots[k, STATUS] == RESTING:
            sells = slots[k, SIDE] < 0.0
            best = max(slots[k, BEST], bar.high) if sells else min(slots[k, BEST], bar.low)
            if best != slots[k, BEST]:
                slots[k, BEST] = best
                slots[k, TRIGGER] = best * (1.0 + slots[k, SIDE] * slots[k, TRAIL])


@called
def pass_busy(
    rules: Rules, desk: Desk, slots: Floats, bar: Bar, logs: tuple[Floats, Floats]
) -> Desk:  # pragma: no cover
    """Take the desk over a bar in which something may happen."""
    log, ended = logs
    trades = not bar.volume <= 0.0
    expire(desk, slots, bar.time, bar.row)
    desk = with_account(desk, charge(rules.costs, desk.account, bar, bar.funding_open, log))
    desk = with_budget(desk, _budget(rules, bar.previous_volume))
    offered = desk.budget
    if trades:
        desk = with_account(desk, protect(rules.costs, desk.account, bar, (bar.open, bar.open), log))
        close_brackets(desk, slots, bar.row)
        for k in range(int(desk.working)):
            if is_working(slots, k) and slots[k, STATUS] != DORMANT:
                desk = _open_order(rules, desk, slots, k, (bar, log))
                close_brackets(desk, slots, bar.row)
    else:
        desk = _wait(desk, slots)
    desk = with_account(desk, charge(rules.costs, desk.account, bar, bar.funding_inside, log))
    if trades:
        used = offered - desk.budget if offered < np.inf else 0.0
        desk = with_budget(desk, max(0.0, _budget(rules, bar.volume) - used))
        desk = _trade_inside(rules, desk, slots, bar, log)
        _trail_orders(desk, slots, bar)
    account = mark(trail(rules.costs, desk.account, bar), bar.close)
    desk = sweep(with_account(desk, account), slots, ended)
    return bound(rules, desk, slots)


@inlined
def is_quiet(desk: Desk, bar: Bar) -> bool:  # pragma: no cover
    """Say whether a bar can do no more than move the mark."""
    inside = min(bar.low, bar.open) > desk.floor and max(bar.high, bar.open) < desk.ceiling
    return inside and bar.time < desk.until and bar.funding_open == 0.0 and bar.funding_inside == 0.0


@called
def take_messages(
    rules: Rules, desk: Desk, slots: Floats, sent: tuple[Floats, int], now: tuple[float, float, Floats]
) -> Desk:  # pragma: no cover
    """Take what was sent at the close of a bar: submissions and cancellations, in order.

    `now` is the row and the close of that bar, and the log of ended orders.
    """
    outbox, count = sent
    row, close, ended = now
    for i in range(count):
        if outbox[i, ID] > 0.0:
            cancel(desk, slots, outbox[i, ID], row)
            desk = sweep(desk, slots, ended)
        else:
            desk = submit(rules, desk, slots, outbox[i], (row, close))
    return bound(rules, sweep(desk, slots, ended), slots)
