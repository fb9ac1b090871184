"""The memory of one account with orders, and what every mode does with it: submit, drain the logs, tell the state."""

import math
from typing import Any, TypeVar, cast

import numpy as np

from tallow.core.engine.checks import check_cash
from tallow.core.engine.kernels import KERNELS as ENGINE
from tallow.core.engine.state import EVENTS
from tallow.core.engine.stretches import Stretch
from tallow.core.orders.book import Steps
from tallow.core.orders.kernels import ENDS_A_BAR, KERNELS, Book, Logs, Tape, tape_until
from tallow.core.orders.state import (
    DESK_SIZE,
    EVENTS_A_BAR,
    FILLED,
    ID,
    LOG_COLUMNS,
    LOGGED,
    MESSAGE_SIZE,
    NOTIONAL,
    OUTBOX,
    PRICE,
    QUANTITY,
    SLOT_SIZE,
    SLOTS,
    TRIGGER,
    Rules,
    empty_memory,
    make_rules,
)
from tallow.domain.columns import Floats
from tallow.domain.errors import UserError
from tallow.domain.orders import KINDS, VALIDITIES, Amendment, FillRules, Order, OrderStatus, Target, too_many
from tallow.domain.scene import Execution

_QUANTITY = 3  # place of the position in the flat desk
_WORKING, _NEXT, _ENDED, _FULL = DESK_SIZE - 8, DESK_SIZE - 7, DESK_SIZE - 2, DESK_SIZE - 1
_FIRST_LOG, _LARGEST_LOG = 4 * EVENTS_A_BAR, 65_536


def message_of(order: Order | Target) -> list[float]:
    """Write an order as the numbers of a message."""
    message = [0.0] * MESSAGE_SIZE
    if isinstance(order, Target):
        message[1], message[-1] = float(KINDS.index("target")), float(order.fraction)
        return message
    return [
        0.0, float(KINDS.index(order.kind)), float(order.side), float(order.quantity), float(order.price or 0.0),
        float(order.trigger or 0.0), float(order.trail or 0.0), float(VALIDITIES.index(order.validity)),
        float(order.good_till or 0.0), float(order.reduce_only), float(order.group), float(order.parent), 0.0,
    ]  # fmt: skip


def amend_message(new: Amendment) -> list[float]:
    """Write an amendment as the numbers of a message."""
    message = [0.0] * MESSAGE_SIZE
    message[ID], message[QUANTITY] = -float(new.id), float(new.quantity or 0.0)
    message[PRICE], message[TRIGGER] = float(new.price or 0.0), float(new.trigger or 0.0)
    return message


AnyLogs = TypeVar("AnyLogs", bound=Any)  # logs of bars or of trades: both have tables of events and ended orders


class Session:
    """The state of one account and its orders between calls of the compiled loops.

    Raises:
        UserError: BAD_SETTING when the cash is not positive or orders would fill at the deciding close.
    """

    def __init__(self, execution: Execution, rules: FillRules, cash: float) -> None:
        if execution.fill != "next_open":
            raise UserError(
                "BAD_SETTING",
                f"fill = {execution.fill!r} is outside its range",
                facts={"valid": "next_open: an order that is sent at a close cannot fill at that close"},
            )
        self.rules: Rules = make_rules(execution, rules)
        self._execution, self._filling = execution, rules
        memory = empty_memory(check_cash(cash))
        self.book = Book(memory, np.zeros((SLOTS, SLOT_SIZE)), np.zeros((OUTBOX, MESSAGE_SIZE)))
        # Single numbers are read several times faster through a view than through the array.
        self.view = cast("memoryview[float]", memory.data)
        self.sent = self._submitted = 0
        self.events = [np.zeros((0, LOG_COLUMNS))]
        self.ended = [np.zeros((0, LOGGED))]

    @property
    def position(self) -> float:
        """Signed base quantity held."""
        return self.view[_QUANTITY]

    @property
    def next_id(self) -> int:
        """The id that the next order gets."""
        return int(self.view[_NEXT]) + self._submitted

    @property
    def working(self) -> int:
        """Number of working orders."""
        return int(self.view[_WORKING])

    def adopt(self, execution: Execution, ended: Floats, now: tuple[float, float]) -> None:
        """Go on under another execution: levels are moved, working orders are put under its rules.

        `ended` is the log of ended orders, `now` the first row of the execution and the close before it.
        """
        if execution == self._execution:
            return
        old, self._execution = self.rules.costs, execution
        self.rules = make_rules(execution, self._filling)
        ENGINE.relevel(self.rules.costs, self.book.memory)
        steps = Steps(old.tick_size, old.lot_size, old.min_notional)
        KERNELS.adopt(self.rules, steps, self.book, ended, now)

    def enter(self, stretch: Stretch, tape: Tape, logs: Logs) -> tuple[Tape, Logs]:
        """Go over to the rules of a stretch; give the tape up to its end, and logs with room."""
        if stretch.start > 0:
            logs = self.drain(logs)
            close = float(tape.columns.close[stretch.start - 1])
            self.adopt(stretch.execution, logs.ended, (float(stretch.start), close))
        return tape_until(tape, stretch.stop), self.drain(logs)

    def send(self, message: list[float]) -> None:
        """Keep a message for the next call of a loop.

        Raises:
            UserError: TOO_MANY_ORDERS when one close sends more than the outbox holds.
        """
        if self.sent == OUTBOX:
            raise too_many(OUTBOX, "messages at one close")
        self.book.outbox[self.sent] = message
        self._submitted += message[0] == 0.0
        self.sent += 1

    def waiting(self) -> Floats:
        """Give a copy of the kept messages."""
        return self.book.outbox[: self.sent].copy()

    def take(self) -> int:
        """Hand the kept messages over to a loop: give their number."""
        count, self.sent, self._submitted = self.sent, 0, 0
        return count

    def make_logs(self, count: int) -> Logs:
        """Give empty marks for so many bars and the first event log."""
        equity, position, target = np.empty((3, count))  # in one piece: large pages cost a fraction to touch
        return self.with_tables(Logs(equity, position, target, np.empty((0, 0)), np.empty((0, 0))))

    def with_tables(self, logs: AnyLogs) -> AnyLogs:
        """Give logs empty tables of events and ended orders."""
        rows = min(_FIRST_LOG << len(self.events), _LARGEST_LOG)
        tables = logs._replace(
            events=np.empty((rows, LOG_COLUMNS)), ended=np.empty((max(rows // 4, 2 * ENDS_A_BAR), LOGGED))
        )
        return cast(AnyLogs, tables)

    def drain(self, logs: AnyLogs) -> AnyLogs:
        """Keep what the loops logged and give them new tables, larger ones when these are full.

        Raises:
            UserError: TOO_MANY_ORDERS when an order found no slot.
        """
        self.check()
        events, ended = int(self.view[EVENTS]), int(self.view[_ENDED])
        if events + EVENTS_A_BAR <= len(logs.events) and ended + ENDS_A_BAR <= len(logs.ended):
            return logs
        self.keep(logs)
        return self.with_tables(logs)

    def check(self) -> None:
        """See that every order found its slot, and every message its place.

        Raises:
            UserError: TOO_MANY_ORDERS; the orders that found none are not sent.
        """
        full, self.view[_FULL] = self.view[_FULL], 0.0
        if full == 1.0:
            raise too_many(SLOTS, "orders working at once")
        if full:
            raise too_many(OUTBOX, "messages at one close")

    def rows(self, logs: AnyLogs) -> tuple[Floats, Floats]:
        """Take the rows of events and ended orders out of the tables."""
        events = logs.events[: int(self.view[EVENTS])].copy()
        ended = logs.ended[: int(self.view[_ENDED])].copy()
        self.view[EVENTS] = self.view[_ENDED] = 0.0
        return events, ended

    def keep(self, logs: AnyLogs) -> None:
        """Keep the tables themselves, as far as they are written; loops must get new ones."""
        self.events.append(logs.events[: int(self.view[EVENTS])])
        self.ended.append(logs.ended[: int(self.view[_ENDED])])
        self.view[EVENTS] = self.view[_ENDED] = 0.0

    def orders(self) -> list[OrderStatus]:
        """Tell the working orders, oldest first."""
        return [
            OrderStatus(
                int(row[ID]),
                "part_filled" if row[FILLED] else "working",
                "",
                row[FILLED],
                row[NOTIONAL] / row[FILLED] if row[FILLED] else math.nan,
            )
            for row in self.book.slots[: self.working].tolist()
            if row[ID] > 0.0  # the rest are amendments on their way
        ]

    def all_orders(self) -> list[Floats]:
        """Give the rows of every order, ended and working, table by table."""
        working = self.book.slots[: self.working, :LOGGED]
        return [*self.ended, working[working[:, ID] > 0.0]]
