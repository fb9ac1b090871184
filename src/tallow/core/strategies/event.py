"""Strategies that decide bar by bar, for rules that depend on their own position."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Protocol

import numpy as np

from tallow.core.strategies.higher_timeline import Higher, HigherTimeline
from tallow.core.strategies.outbox import BEGINS, Outbox
from tallow.core.strategies.parameters import bind, parameters_of
from tallow.core.strategies.rounding import ROUNDING
from tallow.core.strategies.timeline import Line, Past, Timeline
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.orders import Amendment, Order, OrderStatus, Target
from tallow.domain.timeframes import Timeframe, parse_timeframe


class Account(Protocol):
    """What a strategy may know about its account at a bar's close."""

    @property
    def position(self) -> float:
        """Signed base quantity held."""
        ...

    @property
    def equity(self) -> float:
        """Value of the account at the close, quote units."""
        ...

    @property
    def cash(self) -> float:
        """Balance without the position, quote units."""
        ...

    @property
    def entry_price(self) -> float:
        """Average entry price of the position; what the engine gives when flat."""
        ...


Decide = Callable[[int, Account], float]
"""Gives the target at a bar's close from its row and the account; NaN keeps the last target."""


class Strategy:
    """Decide at every bar's close, with the past and the account in view.

    Derive from it, declare parameters as class attributes, indicators in `init`, and the decision in `next`. A target
    is a fraction of equity: 1 is all equity long, -1 all equity short, 0 flat. A bar that sets none keeps the last
    one, and a target that does not change is no order. When a stop or another protective exit has closed the position,
    the target is 0 again. Indicators are NaN in their first rows: comparisons with NaN are false.

    With `submit` and `bracket` it sends orders instead, which work from the next open on. From its first order on a
    target is a market order like any other, sized when it fills and sent behind the orders of its close: it is not
    sent again while it is the last thing that was sent and nothing else works.

    Attributes:
        bars: columns up to and including the current bar, read-only.

    Example:
        >>> from tallow.core.indicators import sma
        >>> class Dip(Strategy):
        ...     window = 20
        ...     def init(self):
        ...         self.average = self.indicator(sma, self.bars.close, self.window)
        ...     def next(self):
        ...         if self.position == 0 and self.bars.close[-1] < 0.95 * self.average[-1]:
        ...             self.buy()
        ...         elif self.position > 0 and self.bars.close[-1] > 1.10 * self.entry_price:
        ...             self.close_position()
    """

    bars: Past
    _account: Account
    _declare: Callable[[Callable[..., Any], tuple[Any, ...], int | None], Line]
    _declare_higher: Callable[[str | Timeframe, bool], Higher]
    _outbox: Outbox
    _target: float = 0.0
    _asked: int = 0

    def init(self) -> None:
        """Declare indicators; called once, before the first bar."""

    def next(self) -> None:
        """Decide at the close of the current bar."""
        raise NotImplementedError(f"{type(self).__name__} has no method next")

    @property
    def position(self) -> float:
        """Signed base quantity held at this bar's close."""
        return self._account.position

    @property
    def equity(self) -> float:
        """Value of the account at this bar's close, quote units."""
        return self._account.equity

    @property
    def cash(self) -> float:
        """Balance without the position, quote units."""
        return self._account.cash

    @property
    def entry_price(self) -> float:
        """Average price at which the position was entered."""
        return self._account.entry_price

    @property
    def target(self) -> float:
        """The target in force, as fraction of equity; set it to decide."""
        return self._target

    @target.setter
    def target(self, target: float) -> None:
        self._target, self._asked = float(target), self._asked | _TARGET

    def buy(self, size: float = 1.0) -> None:
        """Set the target to `size` of equity long."""
        self.target = size

    def sell(self, size: float = 1.0) -> None:
        """Set the target to `size` of equity short; to leave a long position is `close_position`."""
        self.target = -size

    def close_position(self) -> None:
        """Set the target to flat."""
        self.target = 0.0

    def submit(self, order: Order | Target) -> int:
        """Send an order, which works from the next open on; give its id.

        Raises:
            UserError: BAD_ORDER, TOO_MANY_ORDERS; BAD_STRATEGY when called in `init`.
        """
        self._asked |= _ORDER
        return self._outbox.submit(order, getattr(self, "_account", None))

    def bracket(self, entry: Order, stop: float, take_profit: float) -> tuple[int, int, int]:
        """Send an entry with a stop and a limit, at these prices, that cancel one another; give the three ids.

        The two work from the first fill of the entry on, and end with the position.

        Raises:
            UserError: BAD_ORDER, TOO_MANY_ORDERS; BAD_STRATEGY when called in `init`.
        """
        self._asked |= _ORDER
        return self._outbox.bracket(entry, stop, take_profit, getattr(self, "_account", None))

    def cancel(self, number: int) -> None:
        """Cancel the order with this id; one that does not work any more, or never was, is left alone."""
        self._outbox.cancel(number)

    def amend(
        self, number: int, *, quantity: float | None = None, price: float | None = None, trigger: float | None = None
    ) -> None:
        """Give the order with this id another quantity, limit or trigger; what is not given stays.

        An order that does not work any more is left alone; one that cannot have the terms stays as it was. Unless only
        the quantity shrinks it is from then on as if it had just been sent.

        Raises:
            UserError: BAD_ORDER for terms that no order can have, TOO_MANY_ORDERS.
        """
        self._outbox.amend(Amendment(number, quantity, price, trigger))

    def orders(self) -> list[OrderStatus]:
        """Tell the orders that work at this bar's close, oldest first, without those sent at it."""
        working: list[OrderStatus] = getattr(getattr(self, "_account", None), "orders", list)()
        return working

    def indicator(self, function: Callable[..., Any], *arguments: Any, lookback: int | None = None) -> Line:
        """Declare an indicator; in `init` only.

        Functions of `tallow.core.indicators` cost one pass over the bars. Any other function is called with the past
        alone whenever its line is read at a new bar, so that it cannot use later bars; that costs a call over all
        past rows per bar, or over the last `lookback` rows.

        Args:
            function: takes arrays and gives an array (or a named tuple of arrays) of the same length.
            arguments: columns such as `self.bars.close` (or their names), `self.bars`, other indicators, plain values.
            lookback: how many rows the function is given at most; None is all of the past.

        Raises:
            UserError: BAD_STRATEGY when called in `next`, or with an array that is no column of the bars.
        """
        return self._declare(function, arguments, lookback)

    def higher(self, timeframe: str | Timeframe, *, developing: bool = False) -> Higher:
        """Declare the candles of a higher timeframe, made of these bars; in `init` only.

        `self.higher("4h").close[-1]` is the close of the last candle that has ended by this bar's close, NaN before
        the first; a first candle that began before the bars is not shown. Columns can be given to `indicator`, whose
        line then has one value a candle.

        Args:
            timeframe: length of the candles, a multiple of the bars' own.
            developing: show as last candle the one that is still growing, as it stands at this bar's close.

        Raises:
            UserError: BAD_STRATEGY when called in `next`; BAD_TIMEFRAME, or CANNOT_RESAMPLE when the bars do not add up
                to such candles.
        """
        return self._declare_higher(timeframe, developing)


_TARGET, _ORDER = 1, 2  # what a strategy asked for at a close
RESERVED = frozenset(name for name in (*vars(Strategy), "bars") if not name.startswith("__")) - {"init", "next"}


def decider(
    strategy: type[Strategy],
    parameters: Mapping[str, object],
    bars: Bars,
    timeframe: Timeframe | None = None,
    outbox: Outbox | None = None,
) -> Decide:
    """Set up a strategy on bars and give the function that decides row after row.

    The function is called once for every row from 0 on, after the engine has taken the account over that bar. It
    gives NaN where the strategy set no target. A target that the strategy sets again in the very bar in which a
    protective exit closed the position is given one rounding step smaller: the engine takes only a changed target
    for an order. `timeframe` is the length of the bars; None takes the shortest distance between two. What it sends
    lies in `outbox` after each call; the first time it also answers with infinity, for `tallow.core.decisions`.

    Raises:
        UserError: UNKNOWN_PARAMETER or BAD_PARAMETER, also for a parameter with the name of an attribute of Strategy;
            BAD_STRATEGY for a wrong indicator.
    """
    _check_names(strategy)
    timeline, running = Timeline(bars), strategy()
    for name, value in bind(strategy, parameters).items():
        setattr(running, name, value)
    running.bars, running._declare = timeline.past, timeline.declare
    running._outbox = outbox = Outbox() if outbox is None else outbox

    def declare_higher(length: str | Timeframe, developing: bool) -> Higher:
        follower = HigherTimeline(bars, parse_timeframe(length), timeframe, developing=developing)
        timeline.followers.append(follower)
        return follower.shown

    running._declare_higher = declare_higher
    running.init()
    running._declare, running._declare_higher = _refuse, _refuse
    outbox.is_open = True
    return _driving(running, timeline)


class Orders:
    """Turns what a strategy asks for into targets that the engine takes for orders, and notices its exits.

    The engine takes only a changed target for an order. A target that is asked for again in the very bar in which a
    protective exit closed the position is therefore given one rounding step smaller, and one that differs by rounding
    alone is given as before.

    Attributes:
        asked: the target in force.
        position: of the account observed last; while it and the cash are the same there is nothing to observe.
        cash: of that account.
    """

    def __init__(self) -> None:
        self.asked, self.position, self.cash = 0.0, 0.0, math.nan
        self._closed = False

    def observe(self, account: Account) -> bool:
        """Take in the account at a bar's close; say whether a protective exit has closed what was asked for."""
        position, cash = account.position, account.cash
        # Flat although a position was asked for, and something was traded since the last bar.
        traded = self.position != 0.0 or cash != self.cash
        self.position, self.cash = position, cash
        self._closed = traded and self.asked != 0.0 and position == 0.0
        return self._closed

    def settle(self, answer: float) -> float:
        """Give the target for an answer at the bar observed last; NaN keeps the last one, 0 after an exit."""
        if answer != answer:  # NaN
            if not self._closed:
                return answer
            answer = 0.0
        if abs(answer - self.asked) <= ROUNDING * max(1.0, abs(self.asked)):
            answer = self.asked
        if self._closed and answer == self.asked:
            answer = float(np.nextafter(answer, 0.0))
        self.asked, self._closed = answer, False
        return answer


def _driving(strategy: Strategy, timeline: Timeline) -> Decide:
    # Asks a strategy bar after bar. Most bars trade nothing and ask for nothing: those are to cost little.
    orders, advance, decide_next, outbox = Orders(), timeline.advance, strategy.next, strategy._outbox

    def decide(row: int, account: Account) -> float:
        advance(row)
        strategy._account, strategy._asked = account, 0
        closed = account.cash != orders.cash or account.position != orders.position
        if closed:
            closed = orders.observe(account)
            if closed:
                strategy._target = 0.0
                outbox.forget()
        decide_next()
        if strategy._asked:
            return answer(account)
        return orders.settle(math.nan) if closed else math.nan

    def answer(account: Account) -> float:
        if not outbox.began:
            return orders.settle(strategy._target)
        if strategy._asked & _TARGET:
            orders.asked = strategy._target
            outbox.aim(strategy._target, getattr(account, "working", 0))
        return BEGINS

    return decide


def _refuse(*_: Any) -> NoReturn:
    raise UserError(
        "BAD_STRATEGY",
        "an indicator or a timeframe is declared in next",
        facts={"valid": "declare it in init, read it in next"},
    )


def _check_names(strategy: type[Strategy]) -> None:
    taken = sorted(RESERVED.intersection(parameters_of(strategy)))
    if taken:
        raise UserError(
            "BAD_PARAMETER",
            f"{strategy.__name__} has a parameter with the name of an attribute of Strategy: {', '.join(taken)}",
            facts={"valid": "any name but " + ", ".join(sorted(name for name in RESERVED if name[0] != "_"))},
        )
