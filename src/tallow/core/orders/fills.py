"""What a fill of an order does to the account, to the order and to the orders that hang from it."""

from typing import NamedTuple

from tallow.core.engine.state import Fill, State
from tallow.core.matching import Request, account_equity, inlined, market_price, round_quantity
from tallow.core.orders.book import DUST, end, is_limit, spread
from tallow.core.orders.ledger import book_fill, count_in, send_to_target, with_target
from tallow.core.orders.state import (
    CANCELLED,
    COMPLETE,
    FILLED,
    ID,
    INSUFFICIENT_FUNDS,
    KIND,
    LEFT,
    LIMIT,
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
    STATE,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TARGET,
    TOO_SMALL,
    TRAILING_STOP,
    WORKING,
    Bar,
    Desk,
    Rules,
    called,
    with_account,
    with_budget,
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
    rules: Rules, desk: Desk, slots: Floats, k: int, deal: tuple[float, Offer, float]
) -> float:  # pragma: no cover
    # The price of a signed quantity: a taker's with its costs, never beyond a limit; a maker's as offered.
    quantity, offer, previous_volume = deal
    if offer.takes == 0.0:
        return offer.price
    request = Request(0.0, 0.0, desk.account.holding.quantity, offer.price, previous_volume)
    price = market_price(rules.costs, request, quantity)
    if not is_limit(slots, k):
        return price
    limit = float(slots[k, PRICE])
    return min(price, limit) if quantity > 0.0 else max(price, limit)


@inlined
def _refusal(rules: Rules, account: State, quantity: float, deal: tuple[float, float]) -> float:  # pragma: no cover
    # Why the account cannot take a fill at this price and fee rate; 0 when it can. What only reduces is never refused.
    price, rate = deal
    held = account.holding.quantity
    after = held + quantity
    if after * held >= 0.0 and abs(after) <= abs(held):
        return 0.0
    if after < 0.0 and rules.costs.allow_short == 0.0:
        return SHORT_NOT_ALLOWED
    notional = abs(quantity) * price
    cash = account.cash - quantity * price - notional * rate
    equity, worth = account_equity(cash, after, price), abs(after) * price
    return INSUFFICIENT_FUNDS if worth > rules.costs.leverage * equity + DUST * worth * rules.costs.leverage else 0.0


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


@called
def book_any(
    rules: Rules, account: State, row: float, fill: Fill, key: tuple[float, Floats]
) -> State:  # pragma: no cover
    """Book a fill of any size: what goes beyond a position on the other side closes it first, then opens."""
    held = account.holding.quantity
    size = abs(fill.quantity)
    if held * fill.quantity >= 0.0 or size <= abs(held):
        return book_fill(rules.costs, account, row, fill, key)
    part = abs(held) / size
    first = Fill(-held, fill.price, fill.fee * part, fill.slippage * part, fill.reason)
    account = book_fill(rules.costs, account, row, first, key)
    rest = fill.quantity + held
    second = Fill(rest, fill.price, fill.fee - first.fee, fill.slippage - first.slippage, 0.0)
    return book_fill(rules.costs, account, row, second, key)


@inlined
def _write_fill(
    desk: Desk, slots: Floats, k: int, fill: tuple[float, float, float], wakes: float
) -> None:  # pragma: no cover
    quantity, price, row = fill
    slots[k, LEFT] -= quantity
    slots[k, FILLED] += quantity
    slots[k, NOTIONAL] += quantity * price
    if slots[k, LEFT] <= DUST * slots[k, QUANTITY]:
        end(slots, k, COMPLETE, NO_REASON, row)
    elif slots[k, REDUCE] != 0.0 and desk.account.holding.quantity == 0.0:
        end(slots, k, CANCELLED, NOTHING_TO_REDUCE, row)
    spread(desk, slots, k, fill, wakes)


@called
def settle(
    rules: Rules, desk: Desk, slots: Floats, k: int, deal: tuple[Offer, Bar, Floats]
) -> Desk:  # pragma: no cover
    """Fill as much of order k as the offer and the budget allow."""
    offer, bar, log = deal
    side, left, held = slots[k, SIDE], slots[k, LEFT], desk.account.holding.quantity
    if slots[k, REDUCE] != 0.0:
        left = min(left, max(0.0, -side * held))
        if left == 0.0:
            end(slots, k, CANCELLED, NOTHING_TO_REDUCE, bar.row)
            return desk
    if side * held < 0.0 and abs(left - abs(held)) <= DUST * abs(held):
        left = abs(held)  # what rounding would leave of a position is none
    quantity = left if left <= desk.budget else round_quantity(desk.budget, rules.costs.lot_size)
    if not quantity > 0.0:
        return desk
    price = _price_of(rules, desk, slots, k, (side * quantity, offer, bar.previous_volume))
    rate = rules.costs.taker_fee if offer.takes != 0.0 else rules.costs.maker_fee
    refusal = _refusal(rules, desk.account, side * quantity, (price, rate))
    if refusal != 0.0:
        end(slots, k, REJECTED, refusal, bar.row)
        return with_account(desk, count_in(desk.account, 0.0, 1.0))
    slippage = quantity * max(0.0, side * (price - offer.price))
    fill = Fill(side * quantity, price, quantity * price * rate, slippage, _reason_of(slots, k, held))
    account = book_any(rules, desk.account, bar.row, fill, (slots[k, ID], log))
    desk = with_budget(with_account(desk, account), desk.budget - quantity)
    _write_fill(desk, slots, k, (quantity, price, bar.row), offer.wakes)
    return desk


@called
def settle_target(
    rules: Rules, desk: Desk, slots: Floats, k: int, deal: tuple[Offer, Bar, Floats]
) -> Desk:  # pragma: no cover
    """Bring the position to a fraction of the equity at the offered price: by the very rule of the target engine."""
    offer, bar, log = deal
    account = with_target(desk.account, slots[k, TARGET])
    rejected = account.totals.rejected
    for _leg in range(2 if slots[k, TARGET] * account.holding.quantity < 0.0 else 1):
        cash, held = account.cash, account.holding.quantity
        account = send_to_target(rules.costs, account, bar, offer.price, (slots[k, ID], log))
        slots[k, FILLED] += abs(account.holding.quantity - held)
        slots[k, NOTIONAL] += abs(account.cash - cash)
    small = account.totals.rejected > rejected and slots[k, FILLED] == 0.0
    end(slots, k, REJECTED if small else COMPLETE, TOO_SMALL if small else NO_REASON, bar.row)
    return with_account(desk, account)


@inlined
def is_working(slots: Floats, k: int) -> bool:  # pragma: no cover
    """Say whether an order has not ended."""
    return bool(slots[k, STATE] == WORKING)
