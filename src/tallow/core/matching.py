"""At what price and in what size an order fills: the rules that backtest, paper and live trading share.

Every function is compiled and pure. Prices are in quote units, quantities in base units, rates are fractions.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit

from tallow.domain.columns import Floats
from tallow.domain.scene import Execution
from tallow.domain.tiers import largest_notional, maintenance_amounts

WORST_SALE = 0.99  # costs never take more than this fraction of a price: a sale brings something
_ON_GRID = 1e-9  # steps by which a float may miss its grid and still count as lying on it

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


def inlined(function: AnyFunction) -> AnyFunction:
    """Compile a function for use inside other compiled functions only, where it costs no call.

    Division follows IEEE, so that no branch for an exception stands in the way; nothing else is relaxed.
    """
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True}
    return cast(AnyFunction, njit(nogil=True, error_model="numpy", **options)(function))


class Tiers(NamedTuple):
    """Margin tiers as numbers: rate and amount of each, and the notional from which the leverage is not allowed.

    Maintenance is rate * notional - amount in the tier of the notional, which is the highest of all tiers.
    """

    rate: Floats
    amount: Floats
    largest: float


class Config(NamedTuple):
    """An `Execution` as numbers, for compiled code; 0 switches a rule off.

    `tiers` is None where one maintenance margin holds: code is compiled for that type, and again for the other one
    when it is first used.
    """

    at_close: float
    maker_fee: float
    taker_fee: float
    slippage: float
    volume_impact: float
    leverage: float
    allow_short: float
    stop_loss: float
    take_profit: float
    trailing_stop: float
    maintenance_margin: float
    liquidation_fee: float
    min_notional: float
    lot_size: float
    tick_size: float
    tiers: Tiers | None = None


NUMBERS = len(Config._fields) - 1  # of a config: all that stands before its tiers


class Request(NamedTuple):
    """What sizing needs to know: the target, the account, and the market when the order is sent."""

    target: float
    cash: float
    position: float
    price: float
    previous_volume: float


class Levels(NamedTuple):
    """Prices at which a position is closed: at or below `floor`, at or above `ceiling`.

    `reason` (of `EXIT_REASONS`) belongs to the losing side, which is the floor of a long and the ceiling of a short.
    """

    floor: float
    ceiling: float
    reason: float


class Holding(NamedTuple):
    """What levels depend on: signed quantity, average entry, isolated margin left, best price since entry."""

    quantity: float
    entry_price: float
    margin: float
    best_price: float


def configure(execution: Execution) -> Config:
    """Turn the execution settings into the numbers that compiled code reads."""
    return Config(
        at_close=float(execution.fill == "close"),
        maker_fee=float(execution.maker_fee),
        taker_fee=float(execution.taker_fee),
        slippage=execution.slippage_bps / 10_000,
        volume_impact=float(execution.volume_impact),
        leverage=float(execution.leverage),
        allow_short=float(execution.allow_short),
        stop_loss=float(execution.stop_loss or 0),
        take_profit=float(execution.take_profit or 0),
        trailing_stop=float(execution.trailing_stop or 0),
        maintenance_margin=float(execution.maintenance_margin),
        liquidation_fee=float(execution.liquidation_fee),
        min_notional=float(execution.min_notional),
        lot_size=float(execution.lot_size),
        tick_size=float(execution.tick_size),
        tiers=_tiers_of(execution),
    )


def _tiers_of(execution: Execution) -> Tiers | None:
    # Nothing is liquidated, and so asked for its tier, that is neither short nor levered.
    if not execution.tiers or not (execution.allow_short or execution.leverage > 1.0):
        return None
    rate = np.array([one.maintenance_margin for one in execution.tiers])
    amount = np.array(maintenance_amounts(execution.tiers))
    return Tiers(rate, amount, largest_notional(execution.tiers, execution.leverage))


@inlined
def round_price(price: float, tick: float, direction: float) -> float:  # pragma: no cover
    """Round to a multiple of the tick against the trader: up for a buy (direction 1), down for a sale (-1).

    A price that lies on the grid, or below one tick, is left as it is.
    """
    if tick == 0.0 or price < tick:
        return price
    steps = price / tick
    nearest = np.floor(steps + 0.5)
    if abs(steps - nearest) <= _ON_GRID * nearest:
        return price
    return float(np.ceil(steps) if direction > 0.0 else np.floor(steps)) * tick


@inlined
def round_quantity(quantity: float, lot: float) -> float:  # pragma: no cover
    """Round a quantity, given without sign, down to a multiple of the lot."""
    return quantity if lot == 0.0 else float(np.floor(quantity / lot + _ON_GRID)) * lot


@inlined
def volume_share(quantity: float, previous_volume: float) -> float:  # pragma: no cover
    """Give the order's share of the previous bar's volume, at most 1; 1 when that volume is 0 or unknown."""
    return min(1.0, quantity / previous_volume) if previous_volume > 0.0 else 1.0


@inlined
def fill_price(config: Config, price: float, direction: float, share: float) -> float:  # pragma: no cover
    """Give what a taker pays or gets: slippage, impact of the volume share squared, then the tick, all adverse."""
    move = config.slippage + config.volume_impact * share * share
    moved = price * (1.0 + move) if direction > 0.0 else price * (1.0 - min(move, WORST_SALE))
    return round_price(moved, config.tick_size, direction)


@inlined
def market_price(config: Config, request: Request, quantity: float) -> float:  # pragma: no cover
    """Give the fill price of a market order of this signed quantity."""
    share = volume_share(abs(quantity), request.previous_volume) if config.volume_impact > 0.0 else 0.0
    return fill_price(config, request.price, quantity, share)


@inlined
def account_equity(cash: float, quantity: float, price: float) -> float:  # pragma: no cover
    """Value an account: cash, which a short's proceeds raise and a loan lowers, plus the position at a price."""
    return cash + quantity * price


@inlined
def wanted_quantity(config: Config, request: Request, fill: float) -> float:  # pragma: no cover
    """Give the quantity, without sign, that is worth the target at this fill price, fees included.

    Sized at the worse of market and fill price. Beyond a target of 1 the fee counts as often as the notional does,
    so that margin and fee together never exceed the equity.
    """
    equity = max(0.0, account_equity(request.cash, request.position, request.price))
    share = abs(request.target)
    return share * equity / (max(fill, request.price) * (1.0 + config.taker_fee * max(1.0, share)))


@inlined
def affordable(config: Config, request: Request, quantity: float) -> float:  # pragma: no cover
    """Cut an unlevered purchase, already rounded to lots, to what the cash pays for."""
    while quantity > 0.0:
        notional = quantity * market_price(config, request, quantity)
        if request.cash - notional - notional * config.taker_fee >= 0.0:
            return quantity
        limit = request.cash * quantity / (notional * (1.0 + config.taker_fee))
        less = np.nextafter(quantity, 0.0) if config.lot_size == 0.0 else quantity - config.lot_size
        quantity = round_quantity(max(0.0, min(less, limit * (1.0 + 1e-15))), config.lot_size)
    return 0.0


@inlined
def order_quantity(config: Config, request: Request) -> float:  # pragma: no cover
    """Give the signed quantity that brings the position to the target, before it is rounded to lots.

    The target must not lie on the other side of the position: a reversal closes first, then opens.
    """
    side = 1.0 if request.target > 0.0 or request.position > 0.0 else -1.0
    held = abs(request.position)
    fill = fill_price(config, request.price, side, 0.0)
    more = wanted_quantity(config, request, fill) - held
    if more <= 0.0:
        surplus = held - wanted_quantity(config, request, request.price)
        return -side * min(held, max(0.0, surplus))
    if config.volume_impact > 0.0:
        # Impact raises the price, which lowers the quantity: priced for the first guess, so never too little cash.
        fill = market_price(config, request, side * more)
        more = max(0.0, wanted_quantity(config, request, fill) - held)
    return side * more


@inlined
def send_quantity(config: Config, request: Request) -> tuple[float, bool]:  # pragma: no cover
    """Give the signed quantity to send, and whether an order was wanted but is too small to be sent.

    Growing orders are rounded down to lots and, unlevered, to the cash; a partial reduction is rounded down; closing
    the whole position is always allowed.
    """
    wanted = order_quantity(config, request)
    if wanted == 0.0:
        return 0.0, False
    if wanted == -request.position:
        return wanted, False
    side = 1.0 if wanted > 0.0 else -1.0
    quantity = round_quantity(abs(wanted), config.lot_size)
    if wanted > 0.0 and request.position >= 0.0 and config.leverage == 1.0:
        quantity = affordable(config, request, quantity)
    price = market_price(config, request, side * quantity)
    if quantity == 0.0 or quantity * price < config.min_notional:
        return 0.0, True
    if wanted * request.position >= 0.0 and is_too_large(config.tiers, (abs(request.position) + quantity) * price):
        return 0.0, True
    return side * quantity, False


@inlined
def is_too_large(tiers: Tiers | None, notional: float) -> bool:  # pragma: no cover
    """Say whether a position is of a size at which the leverage is not allowed."""
    return False if tiers is None else bool(notional >= tiers.largest)


@inlined
def is_margined(config: Config, quantity: float) -> bool:  # pragma: no cover
    """Say whether a position can be liquidated: every short, and every long under leverage."""
    return config.leverage > 1.0 or quantity < 0.0


@inlined
def bankruptcy_price(holding: Holding) -> float:  # pragma: no cover
    """Give the price at which a position has lost its margin."""
    return holding.entry_price - holding.margin / holding.quantity


@inlined
def _tier_price(tiers: Tiers | None, rate: float, holding: Holding, side: float) -> float:  # pragma: no cover
    # Maintenance is the highest of what the tiers ask for, so the level reached first is that of the tier that holds.
    if tiers is None:
        return bankruptcy_price(holding) / (1.0 - side * rate)
    level = -np.inf
    for k in range(len(tiers.rate)):
        least = holding.entry_price - (holding.margin + tiers.amount[k]) / holding.quantity
        level = max(level, side * (least / (1.0 - side * tiers.rate[k])))
    return side * level


@inlined
def liquidation_price(config: Config, holding: Holding) -> float:  # pragma: no cover
    """Give the price at which margin + unrealised profit = maintenance at the notional of that very price."""
    side = 1.0 if holding.quantity > 0.0 else -1.0
    return _tier_price(config.tiers, config.maintenance_margin, holding, side)


@inlined
def losing_level(config: Config, holding: Holding, side: float) -> tuple[float, float]:  # pragma: no cover
    """Give side * price, and the reason, of whichever of stop, trailing stop and liquidation is reached first.

    Times side, the level reached first is the highest for longs and for shorts alike. On a tie the order is as named.
    """
    level, reason = (0.0 if side > 0.0 else -np.inf), 1.0
    if config.stop_loss > 0.0:
        level = side * holding.entry_price * (1.0 - side * config.stop_loss)
    if config.trailing_stop > 0.0:
        trail = side * holding.best_price * (1.0 - side * config.trailing_stop)
        level, reason = (trail, 3.0) if trail > level else (level, reason)
    if is_margined(config, holding.quantity):
        liquidation = side * liquidation_price(config, holding)
        level, reason = (liquidation, 4.0) if liquidation > level else (level, reason)
    return level, reason


@inlined
def exit_levels(config: Config, holding: Holding) -> Levels:  # pragma: no cover
    """Give the prices at which stop, trailing stop, liquidation and take-profit close a position."""
    if holding.quantity == 0.0:
        return Levels(0.0, np.inf, 1.0)
    side = 1.0 if holding.quantity > 0.0 else -1.0
    level, reason = losing_level(config, holding, side)
    profit = holding.entry_price * (1.0 + side * config.take_profit)
    if side > 0.0:
        return Levels(level, profit if config.take_profit > 0.0 else np.inf, reason)
    return Levels(max(0.0, profit) if config.take_profit > 0.0 else 0.0, -level, reason)
