"""The accounting of the target engine, as calls: what a fill, funding or an exit does to an account is defined there.

The engine inlines these; here they stand behind a call each, because they are needed in many places and rarely.
"""

from typing import Any

from tallow.core.engine.state import Fill, Order, State
from tallow.core.engine.step import _apply, _charge, _protect, _send, _tally, _trail, _with_order, mark, quiet_range
from tallow.core.matching import Config, inlined
from tallow.core.orders.state import called
from tallow.domain.columns import Floats

ORDER_COLUMN = 10  # of the event log: the id of the order
__all__ = [
    "book_fill",
    "charge",
    "count_in",
    "mark",
    "protect",
    "quiet_range",
    "send_to_target",
    "trail",
    "with_target",
]


@called
def book_fill(
    config: Config, account: State, row: float, fill: Fill, key: tuple[float, Floats]
) -> State:  # pragma: no cover
    """Book a fill that does not cross zero and note whose it is; `key` is the id of the order and the log."""
    place, log = int(account.totals.events), key[1]
    account = _apply(config, account, row, fill, log)
    if place < len(log):
        log[place, ORDER_COLUMN] = key[0]
    return account


@inlined
def _disown(account: State, log: Floats) -> None:  # pragma: no cover
    # The next event is no order's: tables are used again.
    if int(account.totals.events) < len(log):
        log[int(account.totals.events), ORDER_COLUMN] = 0.0


@called
def charge(config: Config, account: State, bar: Any, rate: float, log: Floats) -> State:  # pragma: no cover
    """Charge funding."""
    _disown(account, log)
    return _charge(config, account, bar, rate, log)


@called
def protect(
    config: Config, account: State, bar: Any, span: tuple[float, float], log: Floats
) -> State:  # pragma: no cover
    """Close the position if prices between the two ends of the span reach one of its exits."""
    _disown(account, log)
    return _protect(config, account, bar, span, log)


@called
def send_to_target(
    config: Config, account: State, bar: Any, price: float, key: tuple[float, Floats]
) -> State:  # pragma: no cover
    """Fill one leg of the way to the account's target, as the target engine sizes and prices it."""
    place, log = int(account.totals.events), key[1]
    account = _send(config, account, bar, price, log)
    if place < len(log) and account.totals.events > place:
        log[place, ORDER_COLUMN] = key[0]
    return account


@called
def trail(config: Config, account: State, bar: Any) -> State:  # pragma: no cover
    """Let the position's own trailing stop take in a bar that is over."""
    return _trail(config, account, bar)


@inlined
def count_in(account: State, ambiguous: float, rejected: float) -> State:  # pragma: no cover
    """Count bars that touched both sides, and orders refused or made to wait."""
    return _tally(account, ambiguous, rejected)


@inlined
def with_target(account: State, target: float) -> State:  # pragma: no cover
    """Set what was asked for last."""
    return _with_order(account, Order(target, 0.0, 0.0, 0.0))
