"""From weights to fills: what every instrument is to hold, sales first, then purchases that the account can carry."""

import numpy as np

from tallow.core.engine.state import Fill
from tallow.core.engine.step import TARGET as BY_TARGET
from tallow.core.matching import (
    Request,
    account_equity,
    affordable,
    inlined,
    is_margined,
    is_too_large,
    market_price,
    order_quantity,
    round_quantity,
    send_quantity,
)
from tallow.core.portfolio.desk import (
    CASH,
    CLOSE,
    GUARDED,
    OPEN,
    ORDERS,
    PENDING,
    PRICE,
    QUANTITY,
    REJECTED,
    REST,
    SHRUNK,
    TARGET,
    VOLUME,
    WAITED,
    WANTED,
    Desk,
    config_of,
    own_row,
    peek,
    price_at,
    settle,
    trades_at,
)
from tallow.core.portfolio.moves import apply_fill
from tallow.domain.columns import Floats

_SHORTAGE = 1.0 + 1e-9  # what is missing by less than this is rounding


@inlined
def request_of(desk: Desk, i: int, row: int, target: float) -> Request:  # pragma: no cover
    """Say what sizing has to know: the rest of the account counts as cash."""
    own = own_row(desk, i, row)
    previous = peek(desk.address[i, VOLUME], own - 1) if own > 0 else np.nan
    return Request(target, desk.book[i, REST], desk.book[i, QUANTITY], desk.book[i, PRICE], previous)


@inlined
def value_rest(desk: Desk, row: int, column: int) -> None:  # pragma: no cover
    """Note for every instrument its price, and the account's equity without its own position, before any order."""
    book, before, after = desk.book, desk.account[CASH], 0.0
    for i in range(len(book)):
        if book[i, QUANTITY] != 0.0 or book[i, PENDING] > 0.0:
            book[i, PRICE] = price_at(desk, i, row, column)
        book[i, REST] = before
        before = account_equity(before, book[i, QUANTITY], book[i, PRICE])
    for i in range(len(book) - 1, -1, -1):
        book[i, REST] += after
        after = account_equity(after, book[i, QUANTITY], book[i, PRICE])


@inlined
def fill_order(desk: Desk, i: int, row: int, request: Request, quantity: float) -> Fill:  # pragma: no cover
    """Fill a quantity at the market."""
    config = config_of(desk, i)
    filled = market_price(config, request, quantity)
    slippage = abs(quantity) * abs(filled - request.price)
    fill = Fill(quantity, filled, abs(quantity) * filled * config.taker_fee, slippage, BY_TARGET)
    apply_fill(desk, i, row, fill)
    return fill


@inlined
def reduce_position(desk: Desk, i: int, row: int) -> None:  # pragma: no cover
    """Send the part of an order that makes a position smaller; note the part that makes one larger as wanted."""
    book, config = desk.book, config_of(desk, i)
    position, target = book[i, QUANTITY], book[i, TARGET]
    request = request_of(desk, i, row, target if target * position >= 0.0 else 0.0)
    wanted = order_quantity(config, request)
    book[i, WANTED] = wanted
    if wanted * position >= 0.0:
        return
    book[i, WANTED] = 0.0
    quantity, rejected = send_quantity(config, request)
    if quantity == 0.0:
        book[i, REJECTED] += 1.0 if rejected else 0.0
        return
    fill = fill_order(desk, i, row, request, quantity)
    if target * position < 0.0:
        # A reversal closes first; what it opens is sized after its own costs.
        book[i, REST] = settle(book[i, REST], fill, True)
        book[i, WANTED] = order_quantity(config, request_of(desk, i, row, target))


@inlined
def free_margin(desk: Desk) -> float:  # pragma: no cover
    """Give what may be spent: cash, and of margined positions their value less notional / leverage."""
    book, free = desk.book, desk.account[CASH]
    if desk.rules[GUARDED] == 0.0:
        return float(free)
    for i in range(len(book)):
        config, quantity = config_of(desk, i), book[i, QUANTITY]
        if is_margined(config, quantity):
            free += book[i, PRICE] * (quantity - abs(quantity) / config.leverage)
    return float(free)


@inlined
def purchase_scale(desk: Desk, row: int, free: float, orders: int) -> float:  # pragma: no cover
    """Give the one factor by which all growing orders shrink so that margin and costs do not exceed what is free."""
    needed, margined = 0.0, False
    for i in range(len(desk.book)):
        wanted, config = desk.book[i, WANTED], config_of(desk, i)
        if wanted != 0.0:
            price = market_price(config, request_of(desk, i, row, 0.0), wanted)
            needed += abs(wanted) * price * (1.0 / config.leverage + config.taker_fee)
            margined = margined or is_margined(config, wanted)
    if needed <= free * _SHORTAGE or needed == 0.0:
        return 1.0
    desk.account[SHRUNK] += 1.0
    # A single purchase for cash is cut to the cash itself, as the engine of one instrument does.
    if orders == 1 and not margined:
        return 1.0
    return float(max(0.0, free) / needed)


@inlined
def grow_position(desk: Desk, i: int, row: int, scale: float, free: float) -> float:  # pragma: no cover
    """Send the part of an order that makes a position larger; give what is free after it."""
    book, config, wanted = desk.book, config_of(desk, i), desk.book[i, WANTED]
    side = 1.0 if wanted > 0.0 else -1.0
    quantity = round_quantity(abs(wanted) * scale, config.lot_size)
    asked = request_of(desk, i, row, book[i, TARGET])
    request = Request(asked.target, free, asked.position, asked.price, asked.previous_volume)
    if not is_margined(config, wanted):
        quantity = affordable(config, request, quantity)
    price = market_price(config, request, side * quantity)
    too_large = is_too_large(config.tiers, (abs(book[i, QUANTITY]) + quantity) * price)
    if quantity == 0.0 or quantity * price < config.min_notional or too_large:
        book[i, REJECTED] += 1.0
        return free
    fill = fill_order(desk, i, row, request, side * quantity)
    if not is_margined(config, wanted):
        return free - fill.quantity * fill.price - fill.fee
    return free - abs(fill.quantity) * fill.price / config.leverage - fill.fee


@inlined
def reduce_positions(desk: Desk, row: int) -> int:  # pragma: no cover
    """Take up the waiting orders of what trades now; count those that make a position larger."""
    book, growing = desk.book, 0
    for i in range(len(book)):
        book[i, WANTED] = 0.0
        if book[i, PENDING] == 0.0:
            continue
        if not trades_at(desk, i, row):
            book[i, REJECTED] += 1.0 - book[i, WAITED]
            book[i, WAITED] = 1.0
            continue
        book[i, PENDING], book[i, WAITED] = 0.0, 0.0
        desk.account[ORDERS] -= 1.0
        reduce_position(desk, i, row)
        growing += int(book[i, WANTED] != 0.0)
    return growing


@inlined
def carry_out(desk: Desk, row: int, at_close: bool) -> None:  # pragma: no cover
    """Carry out every waiting order of an instrument that trades now; the others wait, which is counted once."""
    if desk.account[ORDERS] == 0.0:
        return
    value_rest(desk, row, CLOSE if at_close else OPEN)
    growing = reduce_positions(desk, row)
    if growing > 0:
        free = free_margin(desk)
        scale = purchase_scale(desk, row, free, growing)
        for i in range(len(desk.book)):
            if desk.book[i, WANTED] != 0.0:
                free = grow_position(desk, i, row, scale, free)


@inlined
def latest_weight(weights: Floats, column: int, row: int, after: int) -> float:  # pragma: no cover
    """Give the last weight in a column of the rows after `after` up to `row`; NaN when there is none."""
    while row > after:
        if weights[row, column] == weights[row, column]:
            return float(weights[row, column])
        row -= 1
    return np.nan
