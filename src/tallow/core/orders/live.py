"""Orders from Python: one bar at a time for paper and live accounts, and whole backtests of strategies that submit."""

import math
from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np

from tallow.core.engine.batch import gather
from tallow.core.engine.checks import Market, bad_bar, prepare
from tallow.core.engine.live import LiveBar
from tallow.core.engine.state import STATE_SIZE, unflatten
from tallow.core.engine.stretches import stretches_of
from tallow.core.matching import account_equity
from tallow.core.orders.kernels import KERNELS, Logs, Tape
from tallow.core.orders.logs import fill_orders, live_fills, order_log
from tallow.core.orders.session import Session, amend_message, message_of
from tallow.core.orders.state import Bar
from tallow.domain.columns import PRICES, Bars, Floats
from tallow.domain.fill_rules import WHOLE_TAPE, FillRules
from tallow.domain.orders import Amendment, Fill, Order, OrderRun, OrderStatus, Target, bracket
from tallow.domain.scene import Execution
from tallow.domain.venue_rules import RuleBook, VenueRules

_equity = cast(Any, account_equity).py_func  # the same formula, for a single number from Python
_CLOSE, _VOLUME, _PREVIOUS, _TIME = (Bar._fields.index(name) for name in ("close", "volume", "previous_volume", "time"))


class OrderEngine:
    """Trade bar by bar with the very step that backtests use.

    Example:
        >>> from tallow.domain.orders import Side
        >>> engine = OrderEngine(Execution(maker_fee=0.0), cash=1_000.0)
        >>> engine.submit(Order(Side.BUY, 2.0, "limit", price=99.0))
        1
        >>> [fill] = engine.step(LiveBar(0, 100.0, 101.0, 98.0, 100.0, 9.0))
        >>> fill.order, fill.quantity, fill.price
        (1, 2.0, 99.0)
        >>> engine.equity, engine.position, engine.orders()
        (1002.0, 2.0, [])
    """

    def __init__(self, execution: Execution, cash: float, rules: FillRules = WHOLE_TAPE) -> None:
        self._session = Session(execution, rules, cash)
        self._asked = self._next = execution
        self._logs = self._session.make_logs(0)
        self._bar = np.full(len(Bar._fields), math.nan)
        self._bar[[0, _TIME]] = -1.0, -math.inf
        self.ended: list[OrderStatus] = []

    @property
    def equity(self) -> float:
        """Cash plus the position at the last close."""
        return self._session.view[1]

    @property
    def cash(self) -> float:
        """Balance in quote units."""
        return self._session.view[0]

    @property
    def position(self) -> float:
        """Signed base quantity held."""
        return self._session.position

    def orders(self) -> list[OrderStatus]:
        """Tell the working orders, oldest first; `ended` has those that ended in the last step or since."""
        return self._session.orders()

    def submit(self, order: Order | Target) -> int:
        """Send an order after the last bar's close; it works from the next open on. Give its id.

        Raises:
            UserError: TOO_MANY_ORDERS when every slot is taken.
        """
        number = self._session.next_id
        self._send(message_of(order))
        return number

    def cancel(self, number: int) -> None:
        """Cancel a working order; an id that does not work is left alone."""
        if number > 0:
            self._send([float(number), *[0.0] * 12])

    def amend(
        self, number: int, *, quantity: float | None = None, price: float | None = None, trigger: float | None = None
    ) -> None:
        """Give a working order new terms, those not given stay; one that cannot have them stays as it is.

        Unless only its quantity shrinks it is from then on as if it had just been sent.

        Raises:
            UserError: BAD_ORDER for terms that no order can have.
        """
        message = amend_message(Amendment(number, quantity, price, trigger))
        if number > 0:
            self._send(message)

    def bracket(self, entry: Order, stop: float, take_profit: float) -> tuple[int, int, int]:
        """Send an entry with a stop and a limit that cancel one another; give the three ids."""
        return send_bracket(self, entry, stop, take_profit)

    def adopt(self, rules: VenueRules) -> None:
        """Trade under other rules of the venue from the next bar on; what they leave open is as it was asked for first.

        Orders that work then, those sent before the bar included, are put under them.

        Raises:
            UserError: BAD_RULES when the leverage leaves no room for the maintenance margin.
        """
        self._next = rules.applied_to(self._asked)

    def step(self, bar: LiveBar) -> list[Fill]:
        """Pass a closed bar; give its fills.

        Raises:
            DataError: BAD_BARS when a price is not positive and finite or the time does not rise.
        """
        sound = all(0.0 < price < math.inf for price in bar[1:5])
        if bar.time <= self._bar[_TIME] or not sound:
            raise bad_bar(int(self._bar[0]) + 1, bar.time, dict(zip(PRICES, bar[1:5], strict=True)))
        row, previous, close = self._bar[0] + 1.0, self._bar[_VOLUME], float(self._bar[_CLOSE])
        self._session.adopt(self._next, self._logs.ended, (row, close))
        self._bar[:] = (row, *bar[1:6], previous, bar.funding_open, bar.funding_inside, bar.time)
        self.ended = []
        return live_fills(self._call(0), bar.time)

    def _send(self, message: list[float]) -> None:
        self._session.send(message)
        self._call(self._session.take())

    def _call(self, count: int) -> Floats:
        # Pass the bar, or take the message that waits; give the event rows it made.
        session = self._session
        KERNELS.live(session.rules, session.book, self._bar, self._logs, count)
        session.check()
        events, ended = session.rows(self._logs)
        log = order_log([ended], np.zeros(0, np.int64))
        self.ended += [log[place] for place in range(len(log))]
        return events


class Desk:
    """What a strategy sees and may do at the close of a bar.

    Attributes:
        row: of the bar that has just closed.
    """

    __slots__ = ("_close", "_session", "_view", "row")

    def __init__(self, session: Session, close: Floats) -> None:
        self._session, self._view = session, session.view
        self._close = cast("memoryview[float]", close.data)
        self.row = 0

    @property
    def position(self) -> float:
        """Signed base quantity held."""
        return self._view[3]

    @property
    def cash(self) -> float:
        """Balance in quote units."""
        return self._view[0]

    @property
    def equity(self) -> float:
        """Cash plus the position at this close."""
        return cast(float, _equity(self._view[0], self._view[3], self._close[self.row]))

    @property
    def entry_price(self) -> float:
        """Average entry of the position, 0 when flat."""
        return self._view[4]

    @property
    def working(self) -> int:
        """Number of orders that work, without those sent at this close."""
        return self._session.working

    def orders(self) -> list[OrderStatus]:
        """Tell the working orders, without those sent at this close."""
        return self._session.orders()

    def submit(self, order: Order | Target) -> int:
        """Send an order; it works from the next open on. Give its id.

        Raises:
            UserError: TOO_MANY_ORDERS when one close sends too many; too many at work are found at the next open.
        """
        number = self._session.next_id
        self._session.send(message_of(order))
        return number

    def cancel(self, number: int) -> None:
        """Cancel a working order; an id that does not work is left alone."""
        if number > 0:
            self._session.send([float(number), *[0.0] * 12])

    def amend(
        self, number: int, *, quantity: float | None = None, price: float | None = None, trigger: float | None = None
    ) -> None:
        """Give a working order new terms, those not given stay; one that cannot have them stays as it is.

        Unless only its quantity shrinks it is from then on as if it had just been sent.

        Raises:
            UserError: BAD_ORDER for terms that no order can have.
        """
        message = amend_message(Amendment(number, quantity, price, trigger))
        if number > 0:
            self._session.send(message)

    def sent(self) -> Floats:
        """Give a copy of the messages sent at this close."""
        return self._session.waiting()

    def bracket(self, entry: Order, stop: float, take_profit: float) -> tuple[int, int, int]:
        """Send an entry with a stop and a limit that cancel one another; give the three ids."""
        return send_bracket(self, entry, stop, take_profit)


class Submitter(Protocol):
    """Whatever takes orders and gives them ids."""

    def submit(self, order: Order | Target) -> int:
        """Send an order; give its id."""
        ...


def send_bracket(desk: Submitter, entry: Order, stop: float, take_profit: float) -> tuple[int, int, int]:
    """Send an entry with a stop and a limit that cancel one another; give the three ids.

    Raises:
        UserError: BAD_ORDER when the stop does not lie on the losing side of the take-profit.
    """
    bracket(entry, 1, stop, take_profit)  # refused before the entry is sent
    number = desk.submit(entry)
    stop_order, limit_order = bracket(entry, number, stop, take_profit)
    return number, desk.submit(stop_order), desk.submit(limit_order)


Decide = Callable[[int, Desk], None]


def run_orders(
    bars: Bars | Market,
    decide: Decide,
    execution: Execution,
    *,
    cash: float,
    rules: FillRules = WHOLE_TAPE,
    book: RuleBook | None = None,
) -> OrderRun:
    """Run a strategy that submits orders, one Python call a bar.

    `decide(row, desk)` is called after the close of every bar. The bars are not passed: what it reads of them beyond
    `row` is look-ahead. Funding goes in through `tallow.core.engine.prepare(bars, funding)`. `book` has the rules of
    the venue as they changed.

    Example:
        >>> from tallow.domain.orders import Side
        >>> prices = np.array([100.0, 100.0, 110.0, 110.0])
        >>> bars = Bars.of(np.arange(4) * 60_000_000, (prices, prices, prices, prices, prices))
        >>> def decide(row, desk):
        ...     if row == 0:
        ...         desk.submit(Order(Side.BUY, 5.0))
        >>> run_orders(bars, decide, Execution(taker_fee=0.0), cash=1_000.0).run.equity.tolist()
        [1000.0, 1000.0, 1050.0, 1050.0]

    Raises:
        DataError: BAD_BARS.
        UserError: BAD_SETTING, TOO_MANY_ORDERS, BAD_RULES.
    """
    market = prepare(bars)
    stretches = stretches_of(market.time, execution, book)
    session = Session(stretches[0].execution, rules, cash)
    desk, logs = Desk(session, market.columns.close), session.make_logs(len(market))
    whole, span = Tape(market.columns, market.time), (0, -1)
    for stretch in stretches:
        tape, logs = session.enter(stretch, whole, logs)
        span, logs = _advance(session, tape, logs, span, (decide, desk))
    return finish(session, market, logs, cash)


def _advance(
    session: Session, tape: Tape, logs: Logs, span: tuple[int, int], asked: tuple[Decide, Desk]
) -> tuple[tuple[int, int], Logs]:
    # Go on to the end of a tape; `span` has the first row whose mark is missing and the last that was decided.
    (first, last), (decide, desk), count = span, asked, len(tape.time)
    while last < count - 1 or session.sent or first <= last:
        stop = KERNELS.advance(session.rules, session.book, tape, logs, (first, last), session.take())
        logs = session.drain(logs)
        first, row = last + 2, last + 1
        # Until `stop` nothing happens unless the strategy sends something.
        while row < stop:
            desk.row = row
            decide(row, desk)
            row += 1
            if session.sent:
                break
        last = row - 1
    return (first, last), logs


def finish(session: Session, market: Market, logs: Logs, cash: float) -> OrderRun:
    """Put the logs of a whole run together."""
    session.keep(logs)
    events = np.concatenate(session.events)
    state = unflatten(np.array(session.view[:STATE_SIZE]))
    run = gather(market, cast(Any, logs), events[:, :-1], state, cash)
    return OrderRun(run, order_log(session.all_orders(), market.time), fill_orders(events))
