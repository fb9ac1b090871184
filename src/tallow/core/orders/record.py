"""Go on with a strategy in the order engine from its first order on, and keep what it sends."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tallow.core.engine.checks import Market
from tallow.core.engine.live import Handover
from tallow.core.orders.live import Desk, run_orders
from tallow.core.strategies.outbox import Outbox
from tallow.domain.fill_rules import PLAIN_TERMS, Terms
from tallow.domain.orders import Amendment, Order, Target
from tallow.domain.scene import Execution
from tallow.domain.sent import MESSAGE, Sent


def record(
    market: Market,
    asked: tuple[Callable[[int, Any], float], Outbox],
    first: Handover,
    execution: Execution,
    *,
    cash: float,
    terms: Terms = PLAIN_TERMS,
) -> Sent:
    """Run a strategy on from the close at which it sent its first order, and give what it sent.

    The targets that it had set by then are carried out as market orders, which is the same run to the bit; it is not
    asked again about those bars.

    Args:
        market: prepared bars.
        asked: the strategy as `decider` gives it, and its outbox with the orders of that close.
        first: that close, and the targets before it.
        execution: fills and costs.
        cash: starting balance in quote units.
        terms: rules of the venue and of fills.

    Raises:
        UserError: BAD_SETTING for orders that are to fill at the deciding close; TOO_MANY_ORDERS.
    """
    recorder = _Recorder(*asked, first)
    run_orders(market, recorder.at_close, execution, cash=cash, rules=terms.filling, book=terms.rules)
    return recorder.sent(len(market))


class _Recorder:
    """Stands between a strategy and the order engine, and writes down what passes."""

    def __init__(self, decide: Callable[[int, Any], float], outbox: Outbox, first: Handover) -> None:
        self._decide, self._outbox, self._first = decide, outbox, first.row
        self._targets = dict(first.changes)
        self._rows: list[int] = []
        self._messages = [np.zeros((0, len(MESSAGE)))]

    def at_close(self, row: int, desk: Desk) -> None:
        if row < self._first:
            target = self._targets.get(row)
            if target is None:
                return
            desk.submit(Target(target))
        else:
            if row > self._first:
                self._decide(row, desk)
            self._pass_on(desk)
        sent = desk.sent()
        if len(sent):
            self._rows += [row] * len(sent)
            self._messages.append(sent)

    def _pass_on(self, desk: Desk) -> None:
        for message in self._outbox.take():
            if isinstance(message, Order | Target):
                desk.submit(message)
            elif isinstance(message, Amendment):
                desk.amend(message.id, quantity=message.quantity, price=message.price, trigger=message.trigger)
            else:
                desk.cancel(message)

    def sent(self, count: int) -> Sent:
        return Sent(np.array(self._rows, np.int64), np.concatenate(self._messages), count)
