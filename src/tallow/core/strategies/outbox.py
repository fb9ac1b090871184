"""What a strategy sends at a close, and the ids that its orders get."""

import math
from collections.abc import Sequence
from typing import Protocol, cast

from tallow.core.strategies.rounding import ROUNDING
from tallow.domain.errors import UserError
from tallow.domain.orders import MESSAGES_A_CLOSE, Amendment, Order, Target, bad_order, bracket, too_many

BEGINS = math.inf
"""Answer of a strategy that has sent its first order: from that close on it works with orders."""


class _Passed(Protocol):
    """What a run to targets knows of the targets that it has taken."""

    @property
    def changes(self) -> Sequence[tuple[int, float]]: ...


class Outbox:
    """Collects messages until the engine takes them.

    The engine numbers orders in the order in which they are sent, targets among them; so does this.

    Attributes:
        is_open: whether something may be sent: in `next`, not in `init`.
        began: whether an order was ever sent; before that, targets are decisions and no messages.
    """

    def __init__(self) -> None:
        self.is_open = self.began = False
        self._messages: list[Order | Target | Amendment | int] = []
        self._next, self._target = 1, math.nan

    def submit(self, order: Order | Target, account: object) -> int:
        """Send an order, or a target at once instead of behind the orders of the close; give its id.

        Raises:
            UserError: BAD_STRATEGY in `init`, BAD_ORDER for anything else than an order, TOO_MANY_ORDERS.
        """
        if not isinstance(order, Order | Target):
            raise bad_order(f"{order!r} is no order", "Order(Side.BUY, quantity, ...); a target is set by self.target")
        self._begin(account)
        # What the target in force would be worth is not known any more.
        self._target = math.nan
        return self._send(order)

    def bracket(self, entry: Order, stop: float, take_profit: float, account: object) -> tuple[int, int, int]:
        """Send an entry with a stop and a limit that cancel one another; give the three ids."""
        bracket(
            entry, 1, stop, take_profit
        )  # before anything is sent: an entry without its exits is not what was asked
        number = self.submit(entry, account)
        first, second = bracket(entry, number, stop, take_profit)
        return number, self._send(first), self._send(second)

    def cancel(self, number: int) -> None:
        """Cancel an order; an id that no order has had is left alone."""
        if 0 < number < self._next and self.began:
            self._keep(int(number))

    def amend(self, new: Amendment) -> None:
        """Give an order new terms; an id that no order has had is left alone."""
        if 0 < new.id < self._next and self.began:
            self._keep(new)

    def aim(self, fraction: float, working: int) -> None:
        """Send a target behind the orders of this close, where it is another one or may not be in force any more."""
        if math.isnan(fraction) or abs(fraction - self._target) <= ROUNDING * max(1.0, abs(self._target)):
            return
        self._send(Target(fraction))
        self._target = math.nan if working or len(self._messages) > 1 else fraction

    def forget(self) -> None:
        """Take note that the position was closed by something else: the target is not in force any more."""
        self._target = math.nan

    def take(self) -> list[Order | Target | Amendment | int]:
        """Hand over what was sent; integers are ids to cancel."""
        taken, self._messages = self._messages, []
        return taken

    def _begin(self, account: object) -> None:
        if not self.is_open:
            raise UserError("BAD_STRATEGY", "an order is sent before the first bar", facts={"valid": "send it in next"})
        if not self.began:
            self.began, self._next = True, 1 + len(cast(_Passed, account).changes)

    def _send(self, order: Order | Target) -> int:
        self._keep(order)
        self._next += 1
        return self._next - 1

    def _keep(self, message: Order | Target | Amendment | int) -> None:
        if len(self._messages) == MESSAGES_A_CLOSE:
            raise too_many(MESSAGES_A_CLOSE, "messages at one close")
        self._messages.append(message)
