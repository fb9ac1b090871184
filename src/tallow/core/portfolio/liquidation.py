"""Cross margin: one equity answers for every position, and is judged at the worst prices of a bar."""

import numpy as np

from tallow.core.engine.state import Fill
from tallow.core.engine.step import LIQUIDATION
from tallow.core.matching import Tiers, inlined, is_margined, round_price
from tallow.core.portfolio.desk import (
    CASH,
    CEILING,
    CROSS,
    FLOOR,
    HIGH,
    LIQUIDATIONS,
    LOW,
    OPEN,
    PRICE,
    QUANTITY,
    REST,
    Desk,
    config_of,
    own_row,
    peek,
    price_at,
    trades_at,
)
from tallow.core.portfolio.moves import apply_fill


@inlined
def is_at_risk(desk: Desk) -> bool:  # pragma: no cover
    """Say whether the account answers as a whole for a position that can be liquidated."""
    if desk.rules[CROSS] == 0.0:
        return False
    found = False
    for i in range(len(desk.book)):
        found = found or (desk.book[i, QUANTITY] != 0.0 and is_margined(config_of(desk, i), desk.book[i, QUANTITY]))
    return found


@inlined
def _tier_of(tiers: Tiers | None, rate: float, notional: float) -> tuple[float, float]:  # pragma: no cover
    # Rate and amount of the tier that holds: the one that asks for most.
    if tiers is None:
        return rate, 0.0
    held = 0
    for k in range(1, len(tiers.rate)):
        if tiers.rate[k] * notional - tiers.amount[k] > tiers.rate[held] * notional - tiers.amount[held]:
            held = k
    return tiers.rate[held], tiers.amount[held]


@inlined
def cushion(desk: Desk, i: int, price: float) -> tuple[float, float]:  # pragma: no cover
    """Give what a position adds to equity less maintenance for every unit of its price, and whatever the price.

    They hold around this price; elsewhere another tier may, and the position then adds less than they say.
    """
    config, quantity = config_of(desk, i), desk.book[i, QUANTITY]
    if not is_margined(config, quantity):
        return quantity, 0.0
    rate, amount = _tier_of(config.tiers, config.maintenance_margin, abs(quantity) * price)
    return quantity - rate * abs(quantity), amount


@inlined
def worst_price(desk: Desk, i: int, row: int) -> float:  # pragma: no cover
    """Give the price at which a position is worst within a bar: its low or high, or a stop that is reached before.

    An instrument that does not trade stays where it opened, or where it was.
    """
    opened, quantity = price_at(desk, i, row, OPEN), desk.book[i, QUANTITY]
    if quantity == 0.0 or not trades_at(desk, i, row):
        return opened
    own = own_row(desk, i, row)
    if quantity > 0.0:
        return float(min(opened, max(peek(desk.address[i, LOW], own), desk.book[i, FLOOR])))
    return float(max(opened, min(peek(desk.address[i, HIGH], own), desk.book[i, CEILING])))


@inlined
def _ends(desk: Desk, part: float) -> tuple[float, float]:  # pragma: no cover
    # Equity less maintenance at the opens and at the worst prices, both by the tiers that hold at a part of the way.
    book, opened, worst = desk.book, desk.account[CASH], desk.account[CASH]
    for i in range(len(book)):
        first, last = book[i, PRICE], book[i, REST]
        per_unit, amount = cushion(desk, i, last if part == 1.0 else first + part * (last - first))
        opened += per_unit * first + amount
        worst += per_unit * last + amount
    return opened, worst


@inlined
def _judge(desk: Desk, row: int, inside: bool) -> bool:  # pragma: no cover
    # Note at which prices the account is liquidated, and say whether it is. Within a bar all prices are taken to move
    # together in a straight line from their open to their worst, and the account ends where equity = maintenance.
    book = desk.book
    for i in range(len(book)):
        book[i, PRICE] = price_at(desk, i, row, OPEN)
        book[i, REST] = worst_price(desk, i, row) if inside else book[i, PRICE]
    # What is left is the least of the straight lines of all tiers. Where the line of one meets zero, the account has
    # ended already or ends there: each step back takes the line that holds at the last, until that is the same.
    part, before = 1.0, np.inf
    while part < before:
        opened, worst = _ends(desk, part)
        if before == np.inf and worst > 0.0:
            return False
        before, part = part, min(part, opened / (opened - worst) if opened > 0.0 else 0.0)
    for i in range(len(book)):
        book[i, PRICE] += part * (book[i, REST] - book[i, PRICE])
    return True


@inlined
def _values(desk: Desk, row: int) -> tuple[float, float, float]:  # pragma: no cover
    # Round the prices, and give equity, notional and fees of closing at them whatever trades.
    book, equity, notional, fees = desk.book, desk.account[CASH], 0.0, 0.0
    for i in range(len(book)):
        quantity, config = book[i, QUANTITY], config_of(desk, i)
        book[i, REST] = book[i, PRICE]
        if quantity != 0.0 and trades_at(desk, i, row):
            book[i, PRICE] = round_price(book[i, PRICE], config.tick_size, -quantity)
            notional += abs(quantity) * book[i, PRICE]
            fees += abs(quantity) * book[i, PRICE] * config.liquidation_fee
        equity += quantity * book[i, PRICE]
    return equity, notional, fees


@inlined
def liquidate(desk: Desk, row: int, inside: bool) -> None:  # pragma: no cover
    """Close every position that trades now if equity does not exceed the sum of maintenance margins.

    It costs no more than the equity: fees end where the equity does, and beyond that the venue takes the positions
    over at prices that leave nothing, the shortage shared in proportion to notional.
    """
    if not is_at_risk(desk) or not _judge(desk, row, inside):
        return
    equity, notional, fees = _values(desk, row)
    if notional == 0.0:
        return
    charged = min(1.0, max(0.0, equity) / fees) if fees > 0.0 else 0.0
    short = max(0.0, -equity) / notional
    desk.account[LIQUIDATIONS] += 1.0
    for i in range(len(desk.book)):
        quantity = desk.book[i, QUANTITY]
        if quantity == 0.0 or not trades_at(desk, i, row):
            continue
        price = desk.book[i, PRICE] * (1.0 + short if quantity > 0.0 else 1.0 - min(short, 1.0))
        fee = abs(quantity) * price * config_of(desk, i).liquidation_fee * charged
        adverse = max(0.0, (price - desk.book[i, REST]) * (-1.0 if quantity > 0.0 else 1.0))
        apply_fill(desk, i, row, Fill(-quantity, price, fee, abs(quantity) * adverse, LIQUIDATION))


@inlined
def safe_rows(desk: Desk, start: int, stop: int) -> int:  # pragma: no cover
    """Find the end of the stretch in which the account is certainly not liquidated."""
    if not is_at_risk(desk):
        return stop
    for row in range(start, stop):
        left = desk.account[CASH]
        for i in range(len(desk.book)):
            quantity = desk.book[i, QUANTITY]
            if quantity != 0.0:
                column = LOW if quantity > 0.0 else HIGH
                opened, reached = price_at(desk, i, row, OPEN), price_at(desk, i, row, column)
                price = min(opened, reached) if quantity > 0.0 else max(opened, reached)
                per_unit, amount = cushion(desk, i, price)
                left += per_unit * price + amount
        if left <= 0.0:
            return row
    return stop
