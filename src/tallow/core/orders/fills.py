"""What a fill of an order does to the account, to the order and to the orders that hang from it."""

from typing import NamedTuple

from tallow.core.engine.state import Fill
from tallow.core.matching import Request, account_equity, inlined, is_too_large, market_price, round_quantity
from tallow.core.orders.book import DUST, end, is_limit, spread
from tallow.core.orders.ledger import book, count_in, send_to_target
from tallow.core.orders.state import (
    CANCELLED,
    COMPLETE,
    FILLED,
    ID,
    INSUFFICIENT_FUNDS,
    KIND,
    LEFT,
    LIMIT,
    M_BUDGET,
    M_CASH,
    M_POSITION,
    M_REJECTED,
    M_TURNOVER,
    NO_REASON,
    NOTHING_TO_REDUCE,
    NOTIONAL,
    PARENT,
    PRICE,
    QUANTITY,
    REDUCE,
    REJECTED,
    SHORT_NOT_ALLOWED,
    SIDE,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TARGET,
    TOO_SMALL,
    TRAILING_STOP,
    Bar,
    Rules,
    called,
)
from tallow.domain.columns import Floats


class Offer(NamedTuple):
    """What the market offers an order: a price, whether taking it costs slippage and the taker's fee, how it wakes.

    `wakes` is the status of the orders that a fill puts to work.
    """

    price: float
    takes: float
    wakes: float


@inlined
def _price_of(
    rules: Rules, m: Floats, slots: Floats, k: int, deal: tuple[float, Offer, float]
) -> float:  # pragma: no cover
    # The price of a signed quantity: a taker's with its costs, never beyond a limit; a maker's as offered.
    quantity, offer, previous_volume = deal
    if offer.takes == 0.0:
        return offer.price
    request = Request(0.0, 0.0, m[M_POSITION], offer.price, previous_volume)
    price = market_price(rules.costs, request, quantity)
    if not is_limit(slots, k):
        return price
    limit = float(slots[k, PRICE])
    return min(price, limit) if quantity > 0.0 else max(price, limit)


@inlined
def _refusal(rules: Rules, m: Floats, quantity: float, deal: tuple[float, float]) -> float:  # pragma: no cover
    # Why the account cannot take a fill at this price and fee rate; 0 when it can. What only reduces is never refused.
    price, rate = deal
    held = m[M_POSITION]
    after = held + quantity
    if after * held >= 0.0 and abs(after) <= abs(held):
        return 0.0
    if after < 0.0 and rules.costs.allow_short == 0.0:
        return SHORT_NOT_ALLOWED
    cash = m[M_CASH] - quantity * price - abs(quantity) * price * rate
    equity, worth = account_equity(cash, after, price), abs(after) * price
    covered = worth <= rules.costs.leverage * (equity + DUST * worth) and not is_too_large(rules.costs.tiers, worth)
    return 0.0 if covered else INSUFFICIENT_FUNDS


@inlined
def _reason_of(slots: Floats, k: int, held: float) -> float:  # pragma: no cover
    # Index into EXIT_REASONS: entries and plain orders are decisions; exits are named after their kind.
    kind = slots[k, KIND]
    if held * slots[k, SIDE] >= 0.0:
        return 0.0
    if kind in (STOP, STOP_LIMIT):
        return 1.0
    if kind == TRAILING_STOP:
        return 3.0
    return 2.0 if kind == TAKE_PROFIT or (kind == LIMIT and slots[k, PARENT] != 0.0) else 0.0


@inlined
def _book_any(rules: Rules, m: Floats, row: float, fill: Fill, key: tuple[float, Floats]) -> None:  # pragma: no cover
    # What goes beyond a position on the other side closes it first, then opens.
    held, size = m[M_POSITION], abs(fill.quantity)
    if held * fill.quantity < 0.0 and size > abs(held):
        part = abs(held) / size
        first = Fill(-held, fill.price, fill.fee * part, fill.slippage * part, fill.reason)
        book(rules.costs, m, row, first, key)
        fill = Fill(fill.quantity + held, fill.price, fill.fee - first.fee, fill.slippage - first.slippage, 0.0)
    book(rules.costs, m, row, fill, key)


@inlined
def _note(m: Floats, slots: Floats, k: int, fill: tuple[float, float, float]) -> None:  # pragma: no cover
    # Write a fill (quantity without sign, price, row) to its order.
    quantity, price, row = fill
    m[M_BUDGET] -= quantity
    slots[k, LEFT] -= quantity
    slots[k, FILLED] += quantity
    slots[k, NOTIONAL] += quantity * price
    if slots[k, LEFT] <= DUST * slots[k, QUANTITY]:
        end(slots, k, COMPLETE, NO_REASON, row)
    elif slots[k, REDUCE] != 0.0 and m[M_POSITION] == 0.0:
        end(slots, k, CANCELLED, NOTHING_TO_REDUCE, row)


@called
def settle(rules: Rules, m: Floats, slots: Floats, k: int, deal: tuple[Offer, Bar, Floats]) -> None:  # pragma: no cover
    """Fill as much of order k as the offer and the budget allow."""
    offer, bar, log = deal
    side, left, held = slots[k, SIDE], slots[k, LEFT], m[M_POSITION]
    if slots[k, REDUCE] != 0.0:
        left = min(left, max(0.0, -side * held))
        if left == 0.0:
            end(slots, k, CANCELLED, NOTHING_TO_REDUCE, bar.row)
            return
    if side * held < 0.0 and abs(left - abs(held)) <= DUST * abs(held):
        left = abs(held)  # what rounding would leave of a position is none
    quantity = left if left <= m[M_BUDGET] else round_quantity(m[M_BUDGET], rules.costs.lot_size)
    if not quantity > 0.0:
        return
    price = _price_of(rules, m, slots, k, (side * quantity, offer, bar.previous_volume))
    rate = rules.costs.taker_fee if offer.takes != 0.0 else rules.costs.maker_fee
    refusal = _refusal(rules, m, side * quantity, (price, rate))
    if refusal != 0.0:
        end(slots, k, REJECTED, refusal, bar.row)
        count_in(m, 0.0, 1.0)
        return
    slippage = quantity * max(0.0, side * (price - offer.price))
    fill = Fill(side * quantity, price, quantity * price * rate, slippage, _reason_of(slots, k, held))
    _book_any(rules, m, bar.row, fill, (slots[k, ID], log))
    _note(m, slots, k, (quantity, price, bar.row))
    spread(m, slots, k, (quantity, price, bar.row), offer.wakes)


@called
def settle_target(
    rules: Rules, m: Floats, slots: Floats, k: int, deal: tuple[Offer, Bar, Floats]
) -> None:  # pragma: no cover
    """Bring the position to a fraction of the equity at the offered price: by the very rule of the target engine."""
    offer, bar, log = deal
    rejected, target = m[M_REJECTED], slots[k, TARGET]
    for _leg in range(2 if target * m[M_POSITION] < 0.0 else 1):
        turnover, held = m[M_TURNOVER], m[M_POSITION]
        send_to_target(rules.costs, m, bar, (target, offer.price), (slots[k, ID], log))
        slots[k, FILLED] += abs(m[M_POSITION] - held)
        slots[k, NOTIONAL] += m[M_TURNOVER] - turnover
    filled = slots[k, FILLED]
    small = m[M_REJECTED] > rejected and filled == 0.0
    end(slots, k, REJECTED if small else COMPLETE, TOO_SMALL if small else NO_REASON, bar.row)
    if filled > 0.0:
        spread(m, slots, k, (filled, slots[k, NOTIONAL] / filled, bar.row), offer.wakes)
