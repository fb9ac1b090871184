"""The accounting of the target engine on a flat desk: what a fill, funding or an exit does is defined in the engine.

The engine keeps the account in registers; here it is loaded and stored around each call, because these are rare.
"""

from typing import Any

from tallow.core.engine.memory import load, store
from tallow.core.engine.state import Fill, Order
from tallow.core.engine.step import (
    apply_fill,
    charge_funding,
    mark,
    protect_position,
    quiet_range,
    send,
    tally,
    trail,
    with_order,
)
from tallow.core.matching import Config, inlined
from tallow.core.orders.state import M_CEILING, M_EVENTS, M_FLOOR, M_POSITION, called
from tallow.domain.columns import Floats

ORDER_COLUMN = 10  # of the event log: the id of the order


@inlined
def _own(m: Floats, log: Floats, number: float) -> None:  # pragma: no cover
    # Note whose event the next one is; tables are used again, so nobody's is noted as well.
    place = int(m[M_EVENTS])
    if place < len(log):
        log[place, ORDER_COLUMN] = number


@called
def book(config: Config, m: Floats, row: float, fill: Fill, key: tuple[float, Floats]) -> None:  # pragma: no cover
    """Book a fill that does not cross zero; `key` is the id of the order and the log."""
    _own(m, key[1], key[0])
    store(m, apply_fill(config, load(m), row, fill, key[1]))


@called
def charge(config: Config, m: Floats, bar: Any, rate: float, log: Floats) -> None:  # pragma: no cover
    """Charge funding."""
    _own(m, log, 0.0)
    store(m, charge_funding(config, load(m), bar, rate, log))


@called
def protect(config: Config, m: Floats, bar: Any, span: tuple[float, float], log: Floats) -> None:  # pragma: no cover
    """Close the position if prices between the two ends of the span reach one of its exits."""
    if m[M_POSITION] == 0.0 or not (span[0] <= m[M_FLOOR] or span[1] >= m[M_CEILING]):
        return
    _own(m, log, 0.0)
    store(m, protect_position(config, load(m), bar, span, log))


@called
def send_to_target(
    config: Config, m: Floats, bar: Any, deal: tuple[float, float], key: tuple[float, Floats]
) -> None:  # pragma: no cover
    """Fill one leg of the way to a target, as the target engine sizes and prices it; `deal` is target and price."""
    _own(m, key[1], key[0])
    account = with_order(load(m), Order(deal[0], 0.0, 0.0, 0.0))
    store(m, send(config, account, bar, deal[1], key[1]))


@called
def finish_bar(config: Config, m: Floats, bar: Any, entered: bool) -> None:  # pragma: no cover
    """Let the position's own trailing stop take in a bar that is over, and mark the account at its close.

    A bar inside which the position was `entered` is not taken in: its extremes may lie before the entry.
    """
    state = load(m) if entered else trail(config, load(m), bar)
    store(m, mark(state, bar.close))


@called
def count_in(m: Floats, ambiguous: float, rejected: float) -> None:  # pragma: no cover
    """Count bars that touched both sides, and orders refused or made to wait."""
    store(m, tally(load(m), ambiguous, rejected))


@called
def sleeping_range(config: Config, m: Floats) -> tuple[float, float]:  # pragma: no cover
    """Give the open range of prices in which no exit of the position does anything."""
    low, high = quiet_range(config, load(m))
    return float(low), float(high)
