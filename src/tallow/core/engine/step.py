"""The engine itself: one compiled step that takes a state over a bar. Batch, sweep and live all call it.

`log` receives one row of `EVENT_COLUMNS` per fill or funding payment while it has room; a log without rows keeps
nothing and changes nothing else.
"""

from typing import Any, TypeVar

import numpy as np

from tallow.core.engine.state import Bar, Fill, Order, State, Totals
from tallow.core.matching import (
    Config,
    Holding,
    Request,
    account_equity,
    bankruptcy_price,
    exit_levels,
    inlined,
    is_margined,
    market_price,
    round_price,
    send_quantity,
)
from tallow.domain.columns import Floats

Targets = TypeVar("Targets", float, Floats)
Truth = Any  # a bool for a float, an array of them for an array
TARGET, TAKE_PROFIT, LIQUIDATION = 0.0, 2.0, 4.0
_TOLERANCE = 1.0 + 1e-9  # a target may exceed the leverage by rounding
_DUST = 1e-12  # fraction of a closing fill's notional


@inlined
def _record(log: Floats, row: int, state: State, values: tuple[float, Fill, float]) -> None:  # pragma: no cover
    moment, fill, funding = values
    log[row, 0] = moment
    log[row, 1] = fill.quantity
    log[row, 2] = fill.price
    log[row, 3] = fill.fee
    log[row, 4] = fill.slippage
    log[row, 5] = fill.reason
    log[row, 6] = funding
    log[row, 7] = state.holding.quantity
    log[row, 8] = state.cash
    log[row, 9] = state.holding.entry_price


@inlined
def hold(config: Config, held: Holding, fill: Fill) -> Holding:  # pragma: no cover
    """Give the position after a fill: grown at an averaged entry, or shrunk with its margin in proportion."""
    quantity = held.quantity + fill.quantity
    notional = abs(fill.quantity) * fill.price
    if quantity == 0.0:
        return Holding(0.0, 0.0, 0.0, 0.0)
    if held.quantity == 0.0:
        return Holding(quantity, fill.price, notional / config.leverage, fill.price)
    if abs(quantity) < abs(held.quantity):
        return Holding(quantity, held.entry_price, held.margin * (quantity / held.quantity), held.best_price)
    entry = (abs(held.quantity) * held.entry_price + notional) / abs(quantity)
    return Holding(quantity, entry, held.margin + notional / config.leverage, held.best_price)


@inlined
def _count(totals: Totals, fill: Fill, closed: float, profit: float) -> Totals:  # pragma: no cover
    return Totals(
        totals.fees + fill.fee,
        totals.slippage + fill.slippage,
        totals.funding,
        totals.turnover + abs(fill.quantity) * fill.price,
        totals.trades + closed,
        totals.wins + closed * (1.0 if profit > 0.0 else 0.0),
        totals.losses + closed * (1.0 if profit < 0.0 else 0.0),
        totals.ambiguous,
        totals.rejected,
        totals.events + 1.0,
        fill.reason if closed else totals.reason,
    )


@inlined
def apply_fill(config: Config, state: State, moment: float, fill: Fill, log: Floats) -> State:  # pragma: no cover
    """Take a fill into the account, the sums and the log."""
    cash = state.cash - fill.quantity * fill.price - fill.fee
    start_cash = state.cash if state.holding.quantity == 0.0 else state.start_cash
    holding = hold(config, state.holding, fill)
    closed = 1.0 if holding.quantity == 0.0 else 0.0
    # What rounding leaves of an account that lost everything is no money to trade with.
    cash = 0.0 if closed and abs(cash) <= _DUST * abs(fill.quantity) * fill.price else cash
    totals = _count(state.totals, fill, closed, cash - start_cash)
    levels = exit_levels(config, holding)
    after = State(cash, state.equity, start_cash, holding, levels, state.order, totals)
    row = int(state.totals.events)
    if row < len(log):
        _record(log, row, after, (moment, fill, 0.0))
    return after


@inlined
def charge_funding(config: Config, state: State, bar: Bar, rate: float, log: Floats) -> State:  # pragma: no cover
    """Charge funding: longs pay the rate on their notional at the open, from their margin; shorts receive."""
    held, old = state.holding, state.totals
    if held.quantity == 0.0 or rate == 0.0:
        return state
    paid = held.quantity * bar.open * rate
    holding = Holding(held.quantity, held.entry_price, held.margin - paid, held.best_price)
    totals = Totals(
        old.fees, old.slippage, old.funding + paid, old.turnover, old.trades, old.wins, old.losses,
        old.ambiguous, old.rejected, old.events + 1.0, old.reason,
    )  # fmt: skip
    levels = exit_levels(config, holding)
    after = State(state.cash - paid, state.equity, state.start_cash, holding, levels, state.order, totals)
    row = int(old.events)
    if row < len(log):
        _record(log, row, after, (bar.row, Fill(0.0, bar.open, 0.0, 0.0, TARGET), paid))
    return after


@inlined
def tally(state: State, ambiguous: float, rejected: float) -> State:  # pragma: no cover
    """Count ambiguous bars and rejected orders."""
    old = state.totals
    totals = Totals(
        old.fees, old.slippage, old.funding, old.turnover, old.trades, old.wins, old.losses,
        old.ambiguous + ambiguous, old.rejected + rejected, old.events, old.reason,
    )  # fmt: skip
    return State(state.cash, state.equity, state.start_cash, state.holding, state.levels, state.order, totals)


@inlined
def with_order(state: State, order: Order) -> State:  # pragma: no cover
    """Put an order in place of the one there is."""
    return State(state.cash, state.equity, state.start_cash, state.holding, state.levels, order, state.totals)


@inlined
def exit_fill(config: Config, held: Holding, bar: Bar, level: tuple[float, float]) -> Fill:  # pragma: no cover
    """Give the fill of a protective exit: resting for a target, at the level for a liquidation, else a taker's."""
    price, reason = level
    quantity = -held.quantity
    filled, rate = round_price(price, config.tick_size, quantity), config.maker_fee
    if reason == LIQUIDATION:
        rate = config.liquidation_fee
    elif reason != TAKE_PROFIT:
        request = Request(0.0, 0.0, held.quantity, price, bar.previous_volume)
        filled, rate = market_price(config, request, quantity), config.taker_fee
    fee = abs(quantity) * filled * rate
    if is_margined(config, held.quantity):
        # The venue takes over at the bankruptcy price: what a position can lose is its margin.
        limit = bankruptcy_price(held)
        filled = max(filled, limit) if quantity < 0.0 else min(filled, limit)
        left = held.margin + held.quantity * (filled - held.entry_price)
        fee = min(abs(quantity) * filled * rate, max(0.0, left))
    adverse = max(0.0, (filled - price) * (1.0 if quantity > 0.0 else -1.0))
    return Fill(quantity, filled, fee, abs(quantity) * adverse, reason)


@inlined
def protect_position(
    config: Config, state: State, bar: Bar, span: tuple[float, float], log: Floats
) -> State:  # pragma: no cover
    """Close the position if prices reach a level; the losing side wins when both are reached."""
    held, levels = state.holding, state.levels
    below, above = span[0] <= levels.floor, span[1] >= levels.ceiling
    if held.quantity == 0.0 or not (below or above):
        return state
    loses = below if held.quantity > 0.0 else above
    # A level beyond the open is not there to be had: a gap fills at the open, worse or better.
    at_floor = loses == (held.quantity > 0.0)
    price = min(bar.open, levels.floor) if at_floor else max(bar.open, levels.ceiling)
    state = tally(state, 1.0 if below and above else 0.0, 0.0)
    fill = exit_fill(config, held, bar, (price, levels.reason if loses else TAKE_PROFIT))
    return apply_fill(config, state, bar.row, fill, log)


@inlined
def send(config: Config, state: State, bar: Bar, price: float, log: Floats) -> State:  # pragma: no cover
    """Fill one leg of the pending order at this market price; what is too small is counted and not sent."""
    position = state.holding.quantity
    target = state.order.target if state.order.target * position >= 0.0 else 0.0
    request = Request(target, state.cash, position, price, bar.previous_volume)
    quantity, rejected = send_quantity(config, request)
    if quantity == 0.0:
        return tally(state, 0.0, 1.0 if rejected else 0.0)
    filled = market_price(config, request, quantity)
    slippage = abs(quantity) * abs(filled - price)
    fill = Fill(quantity, filled, abs(quantity) * filled * config.taker_fee, slippage, TARGET)
    return apply_fill(config, state, bar.row, fill, log)


@inlined
def _carry_out(config: Config, state: State, bar: Bar, price: float, log: Floats) -> State:  # pragma: no cover
    # Carry out the pending order at this price; in a bar without trades it waits, which is counted once.
    order = state.order
    if order.pending == 0.0:
        return state
    if bar.volume <= 0.0:
        state = with_order(state, Order(order.target, 1.0, 1.0, order.refused))
        return tally(state, 0.0, 1.0 - order.waited)
    # A reversal closes and then opens; one call in a loop is half the machine code of two.
    for _ in range(2 if order.target * state.holding.quantity < 0.0 else 1):
        state = send(config, state, bar, price, log)
    return with_order(state, Order(order.target, 0.0, 0.0, order.refused))


@inlined
def mark(state: State, close: float) -> State:  # pragma: no cover
    """Value the account at a close."""
    return State(
        state.cash,
        account_equity(state.cash, state.holding.quantity, close),
        state.start_cash,
        state.holding,
        state.levels,
        state.order,
        state.totals,
    )


@inlined
def trail(config: Config, state: State, bar: Bar) -> State:  # pragma: no cover
    """Remember the best price once its bar is over, so that no bar moves the stop it is tested against."""
    held = state.holding
    best = bar.high if held.quantity > 0.0 else bar.low
    better = best > held.best_price if held.quantity > 0.0 else best < held.best_price
    if config.trailing_stop == 0.0 or held.quantity == 0.0 or not better:
        return state
    holding = Holding(held.quantity, held.entry_price, held.margin, best)
    levels = exit_levels(config, holding)
    return State(state.cash, state.equity, state.start_cash, holding, levels, state.order, state.totals)


@inlined
def pass_bar(config: Config, state: State, bar: Bar, log: Floats) -> State:  # pragma: no cover
    """Take the state over a bar: funding, exits and the pending order, then the mark at the close."""
    trades = not bar.volume <= 0.0
    state = charge_funding(config, state, bar, bar.funding_open, log)
    if trades:
        state = protect_position(config, state, bar, (bar.open, bar.open), log)
    if config.at_close == 0.0:
        state = _carry_out(config, state, bar, bar.open, log)
    state = charge_funding(config, state, bar, bar.funding_inside, log)
    if trades:
        state = protect_position(config, state, bar, (bar.low, bar.high), log)
    return mark(trail(config, state, bar), bar.close)


@inlined
def is_refused(config: Config, target: Targets) -> Truth:  # pragma: no cover
    """Say whether a target is beyond the leverage, infinite, or short where that is not allowed."""
    return (abs(target) > config.leverage * _TOLERANCE) | ((target < 0.0) & (config.allow_short == 0.0))


@inlined
def accept(config: Config, state: State, target: float) -> State:  # pragma: no cover
    """Make an order of a target that has changed; NaN keeps the last.

    One that is refused sets `order.refused` and nothing else.
    """
    order = state.order
    if not (target == target and target != order.target):
        return state
    if is_refused(config, target):
        return with_order(state, Order(order.target, order.pending, order.waited, 1.0))
    return with_order(state, Order(target, 1.0, 0.0, 0.0))


@inlined
def take_target(config: Config, state: State, bar: Bar, target: float, log: Floats) -> State:  # pragma: no cover
    """Take the target decided at this bar's close, as `accept` does; carry it out where orders fill at the close."""
    state = accept(config, state, target)
    if config.at_close == 0.0 or state.order.pending == 0.0 or state.order.refused != 0.0:
        return state
    return mark(_carry_out(config, state, bar, bar.close, log), bar.close)


@inlined
def step(config: Config, state: State, bar: Bar, target: float, log: Floats) -> State:  # pragma: no cover
    """Take the state over a bar and the target decided at its close."""
    return take_target(config, pass_bar(config, state, bar, log), bar, target, log)


@inlined
def quiet_range(config: Config, state: State) -> tuple[float, float]:  # pragma: no cover
    """Give the open range of prices in which a bar changes nothing but the mark.

    It holds for a bar without funding whose target is kept. With an order waiting no price is quiet.
    """
    if state.order.pending != 0.0:
        return np.inf, 0.0
    held, low, high = state.holding, state.levels.floor, state.levels.ceiling
    if config.trailing_stop > 0.0 and held.quantity > 0.0:
        high = min(high, np.nextafter(held.best_price, np.inf))
    if config.trailing_stop > 0.0 and held.quantity < 0.0:
        low = max(low, np.nextafter(held.best_price, 0.0))
    return low, high
