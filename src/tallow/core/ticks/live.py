"""Orders on trades from Python: trade by trade for live accounts, and backtests that decide at given moments."""

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import numpy as np

from tallow.core.engine.batch import gather
from tallow.core.engine.checks import check_rates
from tallow.core.engine.state import STATE_SIZE, unflatten
from tallow.core.matching import account_equity
from tallow.core.orders.live import send_bracket
from tallow.core.orders.logs import fill_orders, live_fills, order_log
from tallow.core.orders.session import Session, amend_message, message_of
from tallow.core.orders.state import ID, M_FUNDING, M_PAYS, M_UNTIL
from tallow.core.ticks.kernels import KERNELS, TickLogs
from tallow.core.ticks.step import Venue
from tallow.core.ticks.tape import Tape, TickColumns, bad_tick, check_times, delayed, local_times, prepare_ticks
from tallow.domain.columns import Floats, FundingRates, Ticks, Times
from tallow.domain.orders import Amendment, Fill, FillRules, Order, OrderRun, OrderStatus, Target, TickRules
from tallow.domain.scene import Execution

FIRST_TRADES = TickRules()
_equity = cast(Any, account_equity).py_func


class LiveTick(NamedTuple):
    """One trade as it arrives: time in microseconds UTC, whether the taker sold, and the quote in force or NaN."""

    time: int
    price: float
    quantity: float
    sold: bool
    bid: float = math.nan
    ask: float = math.nan
    bid_quantity: float = math.nan
    ask_quantity: float = math.nan


class TickSession(Session):
    """The state of one account on trades."""

    def __init__(self, execution: Execution, rules: TickRules, cash: float) -> None:
        super().__init__(execution, FillRules(rules.participation), cash)
        latency = rules.latency
        self.venue = Venue(
            self.rules,
            float(rules.half_spread),
            math.nan if rules.queue is None else float(rules.queue),
            float(latency.order),
            float(latency.order_jitter),
            latency.seed,
        )

    def adopt(self, execution: Execution, ended: Floats, now: tuple[float, float]) -> None:
        """Go on under another execution, as on bars."""
        super().adopt(execution, ended, now)
        self.venue = self.venue._replace(rules=self.rules)

    def expect(self, columns: TickColumns) -> None:
        """Note when the first funding is paid."""
        if len(columns.paid):
            self.view[M_PAYS] = self.view[M_UNTIL] = float(columns.paid[0])

    def make_tick_logs(self, rows: Times) -> TickLogs:
        """Give logs with marks at these rows."""
        equity, position, target = (np.empty(len(rows)) for _ in range(3))
        return self.with_tables(TickLogs(rows, equity, position, target, np.empty((0, 0)), np.empty((0, 0))))


class TickDesk:
    """What a strategy sees and may do at a moment.

    Attributes:
        row: of the last trade that has reached it, -1 before the first.
        time: the moment, microseconds UTC.
        price: of that trade, NaN before the first.
    """

    __slots__ = ("_session", "price", "row", "time")

    def __init__(self, session: Session) -> None:
        self._session = session
        self.row, self.time, self.price = -1, 0, math.nan

    @property
    def position(self) -> float:
        """Signed base quantity held."""
        return self._session.view[3]

    @property
    def cash(self) -> float:
        """Balance in quote units."""
        return self._session.view[0]

    @property
    def equity(self) -> float:
        """Cash plus the position at the last price."""
        return cast(float, _equity(self.cash, self.position, self.price)) if self.row >= 0 else self.cash

    @property
    def entry_price(self) -> float:
        """Average entry of the position, 0 when flat."""
        return self._session.view[4]

    @property
    def working(self) -> int:
        """Number of orders on their way or at work, without those sent at this moment."""
        session = self._session
        return int(np.count_nonzero(session.book.slots[: session.working, ID] > 0.0))

    def orders(self) -> list[OrderStatus]:
        """Tell the orders on their way or at work, without those sent at this moment."""
        return self._session.orders()

    def submit(self, order: Order | Target) -> int:
        """Send an order; it reaches the venue after the latency. Give its id.

        Raises:
            UserError: TOO_MANY_ORDERS.
        """
        number = self._session.next_id
        self._session.send(message_of(order))
        return number

    def cancel(self, number: int) -> None:
        """Ask to cancel an order; until that reaches the venue it may fill."""
        self._session.send([float(number), *[0.0] * 12])

    def amend(
        self, number: int, *, quantity: float | None = None, price: float | None = None, trigger: float | None = None
    ) -> None:
        """Ask to give an order new terms; until that reaches the venue it works under the old ones.

        Raises:
            UserError: BAD_ORDER for terms that no order can have.
        """
        self._session.send(amend_message(Amendment(number, quantity, price, trigger)))

    def bracket(self, entry: Order, stop: float, take_profit: float) -> tuple[int, int, int]:
        """Send an entry with a stop and a limit that cancel one another; give the three ids."""
        return send_bracket(self, entry, stop, take_profit)


class TickEngine:
    """Trade by trade with the very step that backtests use.

    Example:
        >>> from tallow.domain.orders import Side
        >>> engine = TickEngine(Execution(maker_fee=0.0), cash=1_000.0)
        >>> engine.step(LiveTick(0, 100.0, 5.0, False))
        []
        >>> number = engine.submit(Order(Side.BUY, 2.0, "limit", price=99.0))
        >>> [fill for trade in (99.5, 99.0, 98.9) for fill in engine.step(LiveTick(1, trade, 5.0, True))][0].price
        99.0
    """

    def __init__(self, execution: Execution, cash: float, rules: TickRules = FIRST_TRADES) -> None:
        self._session = TickSession(execution, rules, cash)
        self._latency = rules.latency
        self._logs = self._session.make_tick_logs(np.empty(0, np.int64))
        self._row, self._time, self._local, self._price = -1, -(2**63), 0, math.nan
        self._payments: list[tuple[int, float]] = []
        self.ended: list[OrderStatus] = []

    @property
    def equity(self) -> float:
        """Cash plus the position at the last price."""
        return self._session.view[1]

    @property
    def position(self) -> float:
        """Signed base quantity held."""
        return self._session.position

    def orders(self) -> list[OrderStatus]:
        """Tell the orders on their way or at work; `ended` has those that ended at the last trade or since."""
        return self._session.orders()

    def submit(self, order: Order | Target) -> int:
        """Send an order when the last trade has reached the strategy. Give its id.

        Raises:
            UserError: TOO_MANY_ORDERS when every slot is taken.
        """
        number = self._session.next_id
        self._send(message_of(order))
        return number

    def cancel(self, number: int) -> None:
        """Ask to cancel an order."""
        self._send([float(number), *[0.0] * 12])

    def amend(
        self, number: int, *, quantity: float | None = None, price: float | None = None, trigger: float | None = None
    ) -> None:
        """Ask to give an order new terms; until that reaches the venue it works under the old ones.

        Raises:
            UserError: BAD_ORDER for terms that no order can have.
        """
        self._send(amend_message(Amendment(number, quantity, price, trigger)))

    def fund(self, time: int, rate: float) -> None:
        """Say that funding is paid at a time: it is charged before the first trade at that time or later.

        Raises:
            DataError: BAD_FUNDING when the rate is not a number.
        """
        check_rates(FundingRates(np.array([time]), np.array([rate])))
        self._payments = sorted([*self._payments, (time, rate)])
        view = self._session.view
        view[M_FUNDING], view[M_PAYS] = 0.0, float(self._payments[0][0])
        view[M_UNTIL] = min(view[M_UNTIL], view[M_PAYS])

    def step(self, tick: LiveTick) -> list[Fill]:
        """Pass a trade; give its fills.

        Raises:
            DataError: BAD_TICKS.
        """
        sound = 0.0 < tick.price < math.inf and 0.0 <= tick.quantity < math.inf
        if not sound or tick.time < self._time:
            raise bad_tick(self._row + 1, tick.time, tick.price, tick.quantity)
        before, self._price = self._price, tick.price
        self._row, self._time = self._row + 1, tick.time
        latency = self._latency
        key = latency.seed, self._row
        local = int(local_times(np.array([tick.time]), float(latency.data), float(latency.data_jitter), key)[0])
        self._local = max(self._local, local) if self._row else local
        self.ended = []
        # The trade in the second row: the first has the price before it.
        KERNELS.advance(self._session.venue, self._session.book, self._columns(tick, before), self._logs, (1, 2, 0))
        paid = int(self._session.view[M_FUNDING])
        if paid:
            self._payments, self._session.view[M_FUNDING] = self._payments[paid:], 0.0
        return live_fills(self._drain(), tick.time)

    def _columns(self, tick: LiveTick, before: float) -> TickColumns:
        time, price = np.array([tick.time, tick.time]), np.array([before, tick.price])
        quantity, sold = np.array([0.0, tick.quantity]), np.array([tick.sold, tick.sold])
        bid, ask, bid_quantity, ask_quantity = (np.array([value, value]) for value in tick[4:])
        paid, rate = (np.array([one[place] for one in self._payments]) for place in (0, 1))
        funding = paid.astype(np.int64), rate.astype(np.float64)
        return TickColumns(time, time, price, quantity, sold, bid, ask, bid_quantity, ask_quantity, *funding)

    def _send(self, message: list[float]) -> None:
        self._session.send(message)
        now = (0.0, self._price, float(self._local))
        KERNELS.send(self._session.venue, self._session.book, self._logs, self._session.take(), now)
        self._drain()

    def _drain(self) -> Floats:
        self._session.check()
        events, ended = self._session.rows(self._logs)
        log = order_log([ended], np.zeros(0, np.int64))
        self.ended += [log[place] for place in range(len(log))]
        return events


Decide = Callable[[int, TickDesk], None]


def run_ticks(
    ticks: Ticks | Tape,
    decide: Decide,
    execution: Execution,
    *,
    cash: float,
    at: Times,
    rules: TickRules = FIRST_TRADES,
) -> OrderRun:
    """Run a strategy on trades, one Python call at each of the moments `at`.

    `decide(place, desk)` is called with the place in `at` once every trade that has reached the strategy by then has
    been passed. Marks of the account are made at the end of every `rules.mark_every`. Quotes and
    funding go in through `prepare_ticks(ticks, quotes, funding=rates)`.

    Raises:
        DataError: BAD_TICKS.
        UserError: BAD_SETTING, TOO_MANY_ORDERS.
    """
    tape, session, moments = prepare_ticks(ticks), TickSession(execution, rules, cash), check_times(at)
    columns, grid = delayed(tape, rules.latency), Grid.of(tape.columns.time, rules.mark_every)
    desk, logs = TickDesk(session), session.make_tick_logs(grid.rows)
    session.expect(columns)
    stops = np.searchsorted(columns.local, moments, side="right").tolist()
    row = place = 0
    for number, (moment, stop) in enumerate(zip(moments.tolist(), stops, strict=True)):
        row, place, logs = pass_rows(session, columns, logs, (row, stop, place))
        desk.row, desk.time = row - 1, moment
        desk.price = float(columns.price[row - 1]) if row else math.nan
        decide(number, desk)
        if session.sent:
            now = (float(row - 1), desk.price, float(moment))
            KERNELS.send(session.venue, session.book, logs, session.take(), now)
            logs = session.drain(logs)
    row, place, logs = pass_rows(session, columns, logs, (row, len(tape), place))
    return finish_ticks(session, tape, grid, logs, cash)


def pass_rows(
    session: TickSession, columns: TickColumns, logs: TickLogs, span: tuple[int, int, int]
) -> tuple[int, int, TickLogs]:
    """Pass the trades of a span (start, end, place of the next mark), with new tables whenever one is full."""
    row, stop, place = span
    while row < stop:
        row, place = KERNELS.advance(session.venue, session.book, columns, logs, (row, stop, place))
        logs = session.drain(logs)
    return row, place, logs


class Grid(NamedTuple):
    """Where the account is marked: periods by their start, last trades of those that have any, and which is whose."""

    time: Times
    rows: Times
    places: Times

    @classmethod
    def of(cls, time: Times, every: int) -> "Grid":
        """Divide the time of trades into periods."""
        if not len(time):
            none = np.zeros(0, np.int64)
            return cls(none, none, none)
        first, last = int(time[0]) // every, int(time[-1]) // every
        starts = np.arange(first, last + 1, dtype=np.int64) * every
        ends = np.searchsorted(time, starts + every, side="left") - 1
        rows, places = np.unique(ends, return_inverse=True)
        return cls(starts, rows.astype(np.int64), places.astype(np.int64))


class _Priced:
    # Trades in the form in which the engine's logs read bars.

    def __init__(self, tape: Tape) -> None:
        self.time = tape.columns.time
        self.columns = SimpleNamespace(close=tape.columns.price)

    def __len__(self) -> int:
        return len(self.time)


def finish_ticks(session: TickSession, tape: Tape, grid: Grid, logs: TickLogs, cash: float) -> OrderRun:
    """Put the logs of a whole run together; rows of fills and trades count the marks, their times are exact."""
    session.keep(logs)
    events = np.concatenate(session.events)
    state = unflatten(np.array(session.view[:STATE_SIZE]))
    run = gather(cast(Any, _Priced(tape)), cast(Any, logs), events[:, :-1], state, cash)
    marked = _periods(grid, run.fills.row), _periods(grid, run.trades.entry_row), _periods(grid, run.trades.exit_row)
    run = replace(
        run,
        time=grid.time,
        equity=run.equity[grid.places],
        position=run.position[grid.places],
        target=run.target[grid.places],
        fills=replace(run.fills, row=marked[0]),
        trades=replace(run.trades, entry_row=marked[1], exit_row=marked[2]),
    )
    return OrderRun(run, order_log(session.all_orders(), tape.columns.time), fill_orders(events))


def _periods(grid: Grid, rows: Times) -> Times:
    # The mark after each trade: the first period whose last trade is not before it.
    first = np.searchsorted(grid.places, np.arange(len(grid.rows)), side="left")
    return first[np.searchsorted(grid.rows, rows, side="left")].astype(np.int64) if len(rows) else rows
