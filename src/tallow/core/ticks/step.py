"""How a trade fills orders that have reached the venue: the rules of bars, where the path is known.

docs/orders.md has these rules in words, each with the name of its test.
"""

from typing import NamedTuple

import numpy as np

from tallow.core.matching import account_equity, inlined
from tallow.core.orders.amendments import amend, terms_of
from tallow.core.orders.book import (
    bound,
    close_brackets,
    end,
    expire,
    is_limit,
    is_passed,
    is_reached,
    is_working,
    submit,
    sweep,
)
from tallow.core.orders.fills import Offer, settle, settle_target
from tallow.core.orders.ledger import charge, count_in, finish_bar, protect
from tallow.core.orders.state import (
    ARMED,
    ARRIVES,
    ASKED,
    BEST,
    BORN,
    CANCELLED,
    CANCELS,
    COMPLETE,
    DORMANT,
    FOK,
    FOREVER,
    FRESH,
    ID,
    IOC,
    KIND,
    M_ARRIVED,
    M_BUDGET,
    M_CASH,
    M_FULL,
    M_FUNDING,
    M_MESSAGES,
    M_NOW,
    M_PAYS,
    M_POSITION,
    M_WORKING,
    MESSAGE_SIZE,
    NO_REASON,
    NOT_FILLED_AT_ONCE,
    POST_ONLY,
    PRICE,
    QUEUE,
    REJECTED,
    RESTING,
    SIDE,
    SLOT_SIZE,
    SLOTS_FULL,
    STATUS,
    TAKING,
    TARGET,
    TO_TARGET,
    TRAIL,
    TRAILING_STOP,
    TRIGGER,
    VALIDITY,
    WOULD_TAKE,
    Bar,
    Desk,
    Rules,
    called,
)
from tallow.core.orders.step import MAKER, TAKER, fill_at_once
from tallow.core.ticks.tape import ORDER_STREAM, travel
from tallow.domain.columns import Floats, Times


class Venue(NamedTuple):
    """The rules as numbers; `queue` is NaN where trades must go through a price to fill there."""

    rules: Rules
    half_spread: float
    queue: float
    order: float
    order_jitter: float
    seed: int


class Tick(NamedTuple):
    """One trade, and the quote in force; NaN where none is known. `sold` is 1 when the taker sold.

    `before` is the price of the trade before it, NaN for the first.
    """

    row: float
    time: float
    price: float
    quantity: float
    sold: float
    bid: float
    ask: float
    bid_quantity: float
    ask_quantity: float
    before: float


@inlined
def as_bar(tick: Tick) -> Bar:  # pragma: no cover
    """See a trade as a bar that stands still, for the rules that bars and trades share."""
    price, quantity = tick.price, tick.quantity
    return Bar(tick.row, price, price, price, price, quantity, quantity, 0.0, 0.0, tick.time)


@inlined
def market_offer(venue: Venue, tick: Tick, side: float) -> float:  # pragma: no cover
    """Give what a market order is offered: the quote, or the trade and half a spread."""
    quote = tick.ask if side > 0.0 else tick.bid
    return quote if quote == quote else max(tick.price + side * venue.half_spread, 0.01 * tick.price)


@inlined
def _place_in_queue(venue: Venue, slots: Floats, k: int, tick: Tick) -> float:  # pragma: no cover
    # What must trade at a new order's price before it: nothing at a better price than the best, unknown behind it.
    buys, price = slots[k, SIDE] > 0.0, slots[k, PRICE]
    best, shown = (tick.bid, tick.bid_quantity) if buys else (tick.ask, tick.ask_quantity)
    if venue.queue == 0.0:
        return 0.0
    if not venue.queue > 0.0 or best != best:
        return np.inf
    if price == best:
        return venue.queue * shown if shown == shown else np.inf
    return 0.0 if (price > best) == buys else np.inf


@called
def _rest(venue: Venue, m: Floats, slots: Floats, k: int, deal: tuple[Tick, Floats]) -> None:  # pragma: no cover
    # A resting limit order: trades beyond its price fill it there, trades at its price first empty the queue.
    tick, log = deal
    price, budget = slots[k, PRICE], m[M_BUDGET]
    if not is_passed(slots, k, tick.price, tick.price, 0.0):
        takes_side = (tick.sold != 0.0) == (slots[k, SIDE] > 0.0)
        if tick.price != price or not takes_side or slots[k, QUEUE] == np.inf:
            return
        ahead = slots[k, QUEUE]
        slots[k, QUEUE] = max(0.0, ahead - tick.quantity)
        if ahead > 0.0 and budget < np.inf:
            m[M_BUDGET] = min(budget, max(0.0, tick.quantity - ahead))
        elif ahead >= tick.quantity:
            return
    offered = m[M_BUDGET]
    settle(venue.rules, m, slots, k, (Offer(price, MAKER, FRESH), as_bar(tick), log))
    m[M_BUDGET] = budget - (offered - m[M_BUDGET]) if budget < np.inf else budget


@called
def _arrive(venue: Venue, m: Floats, slots: Floats, k: int, deal: tuple[Tick, Floats]) -> None:  # pragma: no cover
    # A limit order that reaches the venue takes when the market is beyond its price, else it queues.
    tick, log = deal
    side, validity = slots[k, SIDE], slots[k, VALIDITY]
    offered = market_offer(venue, tick, side)
    quoted = tick.bid == tick.bid and tick.ask == tick.ask
    slots[k, STATUS] = RESTING
    slots[k, QUEUE] = _place_in_queue(venue, slots, k, tick)
    meets = side * slots[k, PRICE] >= side * (offered if quoted else tick.price)
    takes = meets if quoted else is_passed(slots, k, tick.price, tick.price, 0.0)
    if validity == POST_ONLY and meets:
        end(slots, k, REJECTED, WOULD_TAKE, tick.row)
        count_in(m, 0.0, 1.0)
    elif takes:
        slots[k, STATUS] = TAKING  # what is left meets the next trade as it met this one
        fill_at_once(venue.rules, m, slots, k, (Offer(offered, TAKER, FRESH), as_bar(tick), log))
    elif validity in (IOC, FOK):
        end(slots, k, CANCELLED, NOT_FILLED_AT_ONCE, tick.row)
    else:
        _rest(venue, m, slots, k, deal)  # it was there before this trade


@called
def _meet(venue: Venue, m: Floats, slots: Floats, k: int, deal: tuple[Tick, Floats]) -> None:  # pragma: no cover
    # One order that has reached the venue, and one trade.
    tick, log = deal
    if slots[k, ARMED] == 0.0:
        if slots[k, KIND] == TRAILING_STOP and not slots[k, BEST] > 0.0:
            slots[k, BEST], slots[k, TRIGGER] = tick.price, tick.price * (1.0 + slots[k, SIDE] * slots[k, TRAIL])
        slots[k, STATUS] = RESTING
        if is_reached(slots, k, tick.price, tick.price):
            slots[k, ARMED], slots[k, STATUS] = 1.0, FRESH  # it acts from the next trade on
        return
    if is_limit(slots, k):
        if slots[k, STATUS] in (FRESH, TAKING):
            _arrive(venue, m, slots, k, deal)
        else:
            _rest(venue, m, slots, k, deal)
        return
    side, target = slots[k, SIDE], slots[k, TARGET]
    slots[k, STATUS] = RESTING
    if slots[k, KIND] == TO_TARGET:
        worth = m[M_POSITION] * tick.price
        side = 1.0 if target * account_equity(m[M_CASH], m[M_POSITION], tick.price) > worth else -1.0
        offer = Offer(market_offer(venue, tick, side), TAKER, FRESH)
        settle_target(venue.rules, m, slots, k, (offer, as_bar(tick), log))
    else:
        offer = Offer(market_offer(venue, tick, side), TAKER, FRESH)
        fill_at_once(venue.rules, m, slots, k, (offer, as_bar(tick), log))


@inlined
def _cancel_arrived(m: Floats, slots: Floats, tick: Tick) -> None:  # pragma: no cover
    for k in range(int(m[M_WORKING])):
        if slots[k, CANCELS] > 0.0 and slots[k, CANCELS] <= tick.time and is_working(slots, k):
            end(slots, k, CANCELLED, ASKED, tick.row)


@inlined
def _amend_arrived(venue: Venue, m: Floats, slots: Floats, tick: Tick) -> None:  # pragma: no cover
    # Amendments in the order in which they were sent; one may move orders, so the search begins anew behind each.
    k = 0
    while k < int(m[M_WORKING]):
        if slots[k, ID] < 0.0 and slots[k, ARRIVES] <= tick.time and is_working(slots, k):
            end(slots, k, COMPLETE, NO_REASON, tick.row)
            amend(venue.rules, m, slots, terms_of(slots[k]), (tick.row, tick.price))
            k = 0
        else:
            k += 1


@inlined
def _pay(venue: Venue, m: Floats, tick: Tick, payments: tuple[Times, Floats], log: Floats) -> None:  # pragma: no cover
    # Funding of the time up to this trade, to the position held since the one before, at its price.
    times, rates = payments
    place, rate = int(m[M_FUNDING]), 0.0
    while place < len(times) and times[place] <= tick.time:
        rate += rates[place]
        place += 1
    m[M_FUNDING] = float(place)
    m[M_PAYS] = float(times[place]) if place < len(times) else FOREVER
    if m[M_POSITION] != 0.0:
        price, none = tick.before, 0.0
        there = Bar(tick.row, price, price, price, price, none, none, none, none, tick.time)
        charge(venue.rules.costs, m, there, rate, log)


@inlined
def _trail_orders(m: Floats, slots: Floats, price: float) -> None:  # pragma: no cover
    # A trailing stop takes in a trade once it has been tested against it.
    for k in range(int(m[M_WORKING])):
        if slots[k, KIND] == TRAILING_STOP and slots[k, STATUS] == RESTING and slots[k, ARMED] == 0.0:
            best = max(slots[k, BEST], price) if slots[k, SIDE] < 0.0 else min(slots[k, BEST], price)
            if best != slots[k, BEST]:
                slots[k, BEST], slots[k, TRIGGER] = best, best * (1.0 + slots[k, SIDE] * slots[k, TRAIL])


@called
def pass_tick(
    venue: Venue,
    m: Floats,
    slots: Floats,
    tick: Tick,
    payments: tuple[Times, Floats],
    logs: tuple[Floats, Floats],
) -> None:  # pragma: no cover
    """Take the flat desk over a trade in which something may happen; `payments` are times and rates of funding."""
    log, ended = logs
    rules = venue.rules
    m[M_NOW] = tick.time
    if m[M_PAYS] <= tick.time:
        _pay(venue, m, tick, payments, log)
    _cancel_arrived(m, slots, tick)
    _amend_arrived(venue, m, slots, tick)
    expire(m, slots, tick.time, tick.row)
    if tick.quantity > 0.0:
        protect(rules.costs, m, as_bar(tick), (tick.price, tick.price), log)
        close_brackets(m, slots, tick.row)
        m[M_BUDGET] = rules.participation * tick.quantity
        for k in range(int(m[M_WORKING])):
            if is_working(slots, k) and slots[k, STATUS] != DORMANT and slots[k, ARRIVES] <= tick.time:
                _meet(venue, m, slots, k, (tick, log))
                close_brackets(m, slots, tick.row)
        _trail_orders(m, slots, tick.price)
    finish_bar(rules.costs, m, as_bar(tick), False)
    sweep(m, slots, ended)
    bound(rules, m, slots)


@inlined
def is_quiet(desk: Desk, price: float, time: float) -> bool:  # pragma: no cover
    """Say whether a trade can do no more than move the mark."""
    return price > desk.floor and price < desk.ceiling and time < desk.until


@inlined
def _send_amendment(m: Floats, slots: Floats, message: Floats, arrives: float) -> None:  # pragma: no cover
    # It takes a slot until it arrives: several of one order may be on their way.
    k = int(m[M_WORKING])
    if k >= len(slots):
        m[M_FULL] = SLOTS_FULL
        return
    for i in range(SLOT_SIZE):
        slots[k, i] = message[i] if i < MESSAGE_SIZE else 0.0
    slots[k, STATUS], slots[k, ARRIVES], slots[k, BORN] = FRESH, arrives, m[M_NOW]
    m[M_WORKING] = float(k + 1)


@called
def take_messages(
    venue: Venue, m: Floats, slots: Floats, sent: tuple[Floats, int], now: tuple[float, float, float, Floats]
) -> None:  # pragma: no cover
    """Send messages on their way to the venue; each arrives after the one before it.

    `now` is the row and the price of the last trade seen, the time of sending, and the log of ended orders.
    """
    outbox, count = sent
    row, price, time, ended = now
    for i in range(count):
        number = int(m[M_MESSAGES])
        delay = travel(venue.order, venue.order_jitter, (venue.seed, ORDER_STREAM, number))
        m[M_MESSAGES] += 1.0
        m[M_ARRIVED] = arrives = max(m[M_ARRIVED], time + delay)
        if outbox[i, ID] > 0.0:
            for k in range(int(m[M_WORKING])):
                if slots[k, ID] == outbox[i, ID] and slots[k, CANCELS] == 0.0:
                    slots[k, CANCELS] = arrives
        elif outbox[i, ID] < 0.0:
            _send_amendment(m, slots, outbox[i], arrives)
        else:
            k, number_before = int(m[M_WORKING]), m[M_WORKING]
            submit(venue.rules, m, slots, outbox[i], (row, price))
            if m[M_WORKING] > number_before:
                slots[k, ARRIVES] = arrives
            sweep(m, slots, ended)
    bound(venue.rules, m, slots)
