"""Carry out on trades what was decided on bars, without the strategy: each message is sent at its own moment."""

from collections.abc import Sequence

import numpy as np

from tallow.core.engine.stretches import Stretch, stretches_of
from tallow.core.ticks.kernels import KERNELS, TickLogs
from tallow.core.ticks.live import FIRST_TRADES, Grid, TickSession, finish_ticks, pass_rows
from tallow.core.ticks.tape import Tape, TickColumns, check_times, delayed
from tallow.domain.columns import Times
from tallow.domain.errors import UserError
from tallow.domain.orders import OrderRun, TickRules
from tallow.domain.scene import Execution
from tallow.domain.sent import Sent
from tallow.domain.venue_rules import RuleBook


def run_sent_ticks(
    tape: Tape,
    sent: tuple[Sent, Times],
    execution: Execution,
    *,
    cash: float,
    rules: TickRules = FIRST_TRADES,
    book: RuleBook | None = None,
) -> OrderRun:
    """Send recorded messages on their way to a venue that trades.

    Args:
        tape: trades, as `prepare_ticks` gives them.
        sent: the messages, and the moment at which those of each row are sent: one a row, ascending.
        execution: costs.
        cash: starting balance in quote units.
        rules: latency, and how trades fill orders.
        book: rules of the venue as they changed; each holds for trades at its beginning or later.

    Example:
        >>> from tallow.core.ticks import prepare_ticks
        >>> from tallow.domain.columns import Ticks
        >>> from tallow.domain.sent import sent_of
        >>> time, ones = np.array([1, 2, 3]), np.ones(3)
        >>> tape = prepare_ticks(Ticks(time, time, time, np.array([9.0, 10.0, 12.0]), ones, ones > 0))
        >>> messages = sent_of(np.array([1.0])), np.array([1])
        >>> run_sent_ticks(tape, messages, Execution(taker_fee=0.0), cash=100.0).run.fills.price.tolist()
        [10.0]

    Raises:
        UserError: BAD_SETTING, TOO_MANY_ORDERS, BAD_RULES; TARGET_LENGTH when there is not one moment a row.
    """
    messages, moments = sent[0], check_times(sent[1])
    if len(moments) != len(messages):
        raise UserError("TARGET_LENGTH", f"moments for {len(moments)} rows, messages for {len(messages)}")
    columns, grid = delayed(tape, rules.latency), Grid.of(tape.columns.time, rules.mark_every)
    stretches = stretches_of(columns.time, execution, book)
    session = TickSession(stretches[0].execution, rules, cash)
    session.expect(columns)
    walk = _Walk(session, columns, session.make_tick_logs(grid.rows), stretches)
    for start, stop in _groups(messages.row):
        moment = int(moments[messages.row[start]])
        walk.pass_to(int(np.searchsorted(columns.local, moment, side="right")))
        walk.send(messages.message[start:stop].tolist(), moment)
    walk.pass_to(len(tape))
    return finish_ticks(session, tape, grid, walk.logs, cash)


def _groups(row: Times) -> list[tuple[int, int]]:
    # The messages of each row: from here, to there.
    starts = np.flatnonzero(np.diff(row, prepend=-1)).tolist()
    return list(zip(starts, [*starts[1:], len(row)], strict=True)) if starts else []


class _Walk:
    """An account on its way through trades, under the rules in force at each."""

    def __init__(
        self, session: TickSession, columns: TickColumns, logs: TickLogs, stretches: Sequence[Stretch]
    ) -> None:
        self._session, self._columns, self.logs = session, columns, logs
        self._later, self._row, self._place = list(stretches[:0:-1]), 0, 0

    def pass_to(self, stop: int) -> None:
        while self._later and self._later[-1].start < stop:
            stretch = self._later.pop()
            self._pass(stretch.start)
            now = float(stretch.start), float(self._columns.price[stretch.start - 1])
            self._session.adopt(stretch.execution, self.logs.ended, now)
            self.logs = self._session.drain(self.logs)
        self._pass(stop)

    def _pass(self, stop: int) -> None:
        span = self._row, stop, self._place
        self._row, self._place, self.logs = pass_rows(self._session, self._columns, self.logs, span)

    def send(self, messages: list[list[float]], moment: int) -> None:
        session, row = self._session, self._row
        for message in messages:
            session.send(message)
        price = float(self._columns.price[row - 1]) if row else np.nan
        KERNELS.send(session.venue, session.book, self.logs, session.take(), (float(row - 1), price, float(moment)))
        self.logs = session.drain(self.logs)
