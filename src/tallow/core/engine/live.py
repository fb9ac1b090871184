"""The engine one bar at a time: for paper and live trading, and for strategies that look at their own account."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np

from tallow.core.engine.batch import reach_of
from tallow.core.engine.checks import Market, bad_bar, check_cash, prepare, refused_target
from tallow.core.engine.kernels import KERNELS
from tallow.core.engine.memory import Marks, flat_config, flat_tiers
from tallow.core.engine.segments import Changes
from tallow.core.engine.state import (
    EVENT_COLUMNS,
    EVENTS,
    EVENTS_A_BAR,
    REFUSED,
    STATE_SIZE,
    Bar,
    State,
    flatten,
    initial_state,
    unflatten,
)
from tallow.core.engine.stretches import Stretch, stretches_of
from tallow.core.engine.traced import trace
from tallow.core.matching import NUMBERS, configure
from tallow.domain.columns import PRICES, Bars, Floats, FundingRates
from tallow.domain.results import EXIT_REASONS, Run
from tallow.domain.scene import Execution
from tallow.domain.venue_rules import RuleBook, VenueRules

_BAR, _TARGET, _STEP = 1, 2, 12  # what one call of the compiled shim does
_QUANTITY, _KEPT = 3, 10  # places in the flat state: position, last target, last exit reason, trades
_REASON, _TRADES = STATE_SIZE - 1, EVENTS - 5
_TARGET_PLACE = STATE_SIZE + NUMBERS
_LOG = 4_096  # rows of the event log of a walk
_PREVIOUS = Bar._fields.index("previous_volume")


class LiveBar(NamedTuple):
    """One closed candle as it arrives: its open time in microseconds UTC, prices, volume, and funding rates.

    `funding_open` was charged at the open, `funding_inside` later in the bar.
    """

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    funding_open: float = 0.0
    funding_inside: float = 0.0


class LiveFill(NamedTuple):
    """One fill: the time of its bar, signed quantity, price with slippage, fee, slippage, and why."""

    time: int
    quantity: float
    price: float
    fee: float
    slippage: float
    reason: str


class Account(NamedTuple):
    """What a strategy may know of its account at a bar's close.

    Attributes:
        position: signed base quantity held.
        equity: cash plus the position at the close.
        cash: balance; below 0 when leverage lends, above the equity when a short was sold.
        entry_price: average entry of the position, 0 when flat.
        exit_reason: why the last trade ended, of `EXIT_REASONS`; empty before the first end.
    """

    position: float
    equity: float
    cash: float
    entry_price: float
    exit_reason: str


class Engine:
    """Trade bar by bar with the very step that backtests use.

    Example:
        >>> engine = Engine(Execution(taker_fee=0.0), cash=1_000.0)
        >>> engine.step(LiveBar(0, 100.0, 100.0, 100.0, 100.0, 9.0), target=1.0)
        []
        >>> [(fill.quantity, fill.price) for fill in engine.step(LiveBar(60_000_000, 100.0, 120.0, 90.0, 110.0, 9.0))]
        [(10.0, 100.0)]
        >>> engine.equity, engine.position, engine.cash
        (1100.0, 10.0, 0.0)
    """

    def __init__(self, execution: Execution, cash: float) -> None:
        self.execution = self._asked = execution
        self._lay_desk(flatten(initial_state(check_cash(cash))))
        self._table, self._marks = np.full((1, len(Bar._fields)), math.nan), np.empty((1, len(Marks._fields)))
        self._bar = cast("memoryview[float]", self._table.ravel().data)
        self._log = np.empty((EVENTS_A_BAR, len(EVENT_COLUMNS)))
        self._time = -(2**63)
        self._row = -1

    @property
    def equity(self) -> float:
        """Cash plus the position at the last close."""
        return self._view[1]

    @property
    def cash(self) -> float:
        """Balance in quote units."""
        return self._view[0]

    @property
    def position(self) -> float:
        """Signed base quantity held."""
        return self._view[_QUANTITY]

    @property
    def target(self) -> float:
        """The last target taken."""
        return self._view[_KEPT]

    @property
    def state(self) -> State:
        """Everything remembered, as a value."""
        return unflatten(self._desk[:STATE_SIZE])

    @property
    def account(self) -> Account:
        """What a strategy may know at this close."""
        return _account(self._view)

    def step(self, bar: LiveBar, target: float = math.nan) -> list[LiveFill]:
        """Pass a closed bar, then take the target decided at its close (NaN keeps the last); give the fills.

        Raises:
            DataError: BAD_BARS when a price is not positive and finite or the time does not rise.
            UserError: TARGET_TOO_LARGE, SHORT_NOT_ALLOWED; the bar has passed then, the target is not taken.
        """
        self._lay_out(bar)
        self._view[_TARGET_PLACE] = target
        return self._fills(self._call(_STEP))

    def advance(self, bar: LiveBar) -> list[LiveFill]:
        """Pass a closed bar without a decision, as `step` does; `decide` may follow."""
        self._lay_out(bar)
        return self._fills(self._call(_BAR))

    def decide(self, target: float) -> list[LiveFill]:
        """Take the target decided at the close of the bar passed last, as `step` does."""
        self._view[_TARGET_PLACE] = target
        return self._fills(self._call(_TARGET))

    def _lay_desk(self, state: list[float]) -> None:
        self._desk, tiered = _desk_of(state, self.execution)
        self._live = KERNELS.live_tiered if tiered else KERNELS.live
        # Single numbers are read and written several times faster through a view than through the array.
        self._view = cast("memoryview[float]", self._desk.data)

    def adopt(self, rules: VenueRules) -> None:
        """Trade under other rules of the venue from the next bar on; what they leave open is as it was asked for first.

        Raises:
            UserError: BAD_RULES when the leverage leaves no room for the maintenance margin.
        """
        self.execution = rules.applied_to(self._asked)
        self._lay_desk(_releveled(self._desk, self.execution))

    def _lay_out(self, bar: LiveBar) -> None:
        time, opened, high, low, close, volume, funding_open, funding_inside = bar
        # NaN fails every comparison, so one chain refuses it too.
        sound = 0.0 < low < math.inf and 0.0 < high < math.inf and 0.0 < opened < math.inf and 0.0 < close < math.inf
        if time <= self._time or not sound:
            raise bad_bar(self._row + 1, time, dict(zip(PRICES, bar[1:5], strict=True)))
        self._time, self._row = time, self._row + 1
        values = (self._row, opened, high, low, close, volume, self._bar[_PREVIOUS - 1], funding_open, funding_inside)
        for place, value in enumerate(values):
            self._bar[place] = value

    def _call(self, order: int) -> Floats:
        # Run the shim; give the event rows it wrote.
        view = self._view
        view[EVENTS] = 0.0
        self._live(self._desk, self._log, self._table, self._marks, 0, order)
        if view[REFUSED]:
            view[REFUSED] = 0.0
            raise refused_target(view[_TARGET_PLACE], self.execution, self._row, self._time)
        return self._log[: int(view[EVENTS])]

    def _fills(self, events: Floats) -> list[LiveFill]:
        if not len(events):
            return []
        return [
            LiveFill(self._time, quantity, price, fee, slippage, EXIT_REASONS[int(reason)])
            for _, quantity, price, fee, slippage, reason, *_ in events.tolist()
            if quantity
        ]


def _desk_of(state: list[float], execution: Execution, event: float = 0.0) -> tuple[Floats, bool]:
    # State, config, target, place of the next funding, and tiers, if any: whether there are.
    config = configure(execution)
    tiers = flat_tiers(config)
    return np.array([*state, *flat_config(config), math.nan, event, *tiers]), bool(tiers)


def _releveled(desk: Floats, execution: Execution) -> list[float]:
    # The state on a desk, the levels of an open position moved to where another execution has them.
    state = desk[:STATE_SIZE].copy()
    KERNELS.relevel(configure(execution), state)
    return list(state)


def _account(view: "memoryview[float]") -> Account:
    reason = EXIT_REASONS[int(view[_REASON])] if view[_TRADES] else ""
    return Account(view[_QUANTITY], view[1], view[0], view[_QUANTITY + 1], reason)


Decide = Callable[[int, Any], float]  # a row, and what `Account` has


class Handover(Exception):
    """Tell that a strategy wants another engine from the close of `row` on; `changes` are the targets taken before."""

    def __init__(self, row: int, changes: list[tuple[int, float]]) -> None:
        super().__init__(f"row {row}")
        self.row, self.changes = row, changes


def run_path(
    bars: Bars | Market,
    decide: Decide,
    execution: Execution,
    *,
    cash: float,
    funding: FundingRates | None = None,
    rules: RuleBook | None = None,
) -> Run:
    """Run a strategy that depends on its own account, one Python call a bar.

    `decide(row, account)` is called after the close of every bar and returns the target (NaN keeps the last). The
    account is the same object at every bar: read it, do not keep it. The bars themselves are not passed: what
    `decide` reads of them beyond `row` is look-ahead. An answer of infinity ends the run.

    Raises:
        Handover: at an answer of infinity.
        DataError: BAD_BARS, BAD_FUNDING.
        UserError: TARGET_TOO_LARGE, SHORT_NOT_ALLOWED, BAD_SETTING, BAD_RULES.
    """
    market = prepare(bars, funding)
    walk = _Walk(market, stretches_of(market.time, execution, rules), check_cash(cash))
    row, count = 0, len(market)
    while row < count:
        # Until the next event nothing happens by itself: only the strategy is asked.
        event = walk.next_event
        while row < event:
            walk.row = row
            target = decide(row, walk)
            row += 1
            if target == target and target != walk.target:
                walk.take(row - 1, target)
                break
        else:
            if event < count:
                walk.pass_bar(event)
                target = decide(event, walk)
                row = event + 1
                if walk.waits or (target == target and target != walk.target):
                    walk.take(event, target)
    return walk.finish()


class _Walk:
    """An account on its way through prepared bars; at the close of `row` it is what a strategy may know of it."""

    def __init__(self, market: Market, stretches: tuple[Stretch, ...], cash: float) -> None:
        self._execution, self._later = stretches[0].execution, list(stretches[:0:-1])
        self._market, self._start = market, cash
        self._lay_desk(flatten(initial_state(cash)))
        self._reach = reach_of(market, configure(self._execution))
        self._closes = cast("memoryview[float]", market.columns.close.data)
        self._log = np.empty((_LOG, len(EVENT_COLUMNS)))
        self._chunks, self.changes = [np.zeros((0, len(EVENT_COLUMNS)))], list[tuple[int, float]]()
        self.row, self.exit_reason = -1, ""
        self.next_event = self._call(-1)

    @property
    def equity(self) -> float:
        """Cash plus the position at the close."""
        return self.cash + self.position * self._closes[self.row]

    def _lay_desk(self, state: list[float], event: float = 0.0) -> None:
        self._desk, tiered = _desk_of(state, self._execution, event)
        self._path = KERNELS.path_tiered if tiered else KERNELS.path
        self._view = cast("memoryview[float]", self._desk.data)

    def pass_bar(self, row: int) -> None:
        """Take the account over a bar with an event, and look at it there."""
        self.row = row
        if self._later and row == self._later[-1].start:
            self._execution = self._later.pop().execution
            self._lay_desk(_releveled(self._desk, self._execution), self._view[_TARGET_PLACE + 1])
        self.next_event = self._call(row)

    def take(self, row: int, target: float) -> None:
        """Take the target at the close of a bar: a changed one, or any where an order waits for a bar with volume."""
        if target == math.inf:
            raise Handover(row, self.changes)
        before, self._view[_TARGET_PLACE] = self.target, target
        self.next_event = self._call(row, takes=True)
        if self._view[REFUSED]:
            raise refused_target(target, self._execution, row, int(self._market.time[row]))
        if self.target != before:
            self.changes.append((row, self.target))

    @property
    def waits(self) -> bool:
        """Whether an order has not been carried out yet."""
        return self._view[_KEPT + 1] != 0.0

    def _call(self, row: int, *, takes: bool = False) -> int:
        view = self._view
        event: int = self._path(self._desk, self._market.columns, self._reach, self._log, row, takes)
        if view[EVENTS] > _LOG - EVENTS_A_BAR:
            self._chunks.append(self._log[: int(view[EVENTS])].copy())
            view[EVENTS] = 0.0
        self.cash, self.position, self.entry_price = view[0], view[_QUANTITY], view[_QUANTITY + 1]
        self.target = view[_KEPT]
        self.exit_reason = EXIT_REASONS[int(view[_REASON])] if view[_TRADES] else ""
        # New rules may move a level, so the search before them ends where they begin.
        return min(event, self._later[-1].start) if self._later else event

    def finish(self) -> Run:
        """Give the run, all bars passed."""
        rows, targets = zip(*self.changes, strict=True) if self.changes else ((), ())
        changes = Changes(np.array(rows, np.int64), np.array(targets, np.float64))
        self._chunks.append(self._log[: int(self._view[EVENTS])])
        end = unflatten(self._desk[:STATE_SIZE]), self._start, None
        return trace(self._market.time, self._market.columns.close, changes, np.concatenate(self._chunks), end)


def _bar_table(market: Market) -> Floats:
    # The bars row by row, as the compiled shim reads them.
    columns, count = market.columns, len(market)
    table = np.zeros((count, len(Bar._fields)))
    table[:, 0] = np.arange(count)
    for place, column in enumerate(columns[:5], 1):
        table[:, place] = column
    table[:1, _PREVIOUS] = math.nan
    table[1:, _PREVIOUS] = columns.volume[:-1]
    table[columns.funding_row, _PREVIOUS + 1] = columns.funding_open
    table[columns.funding_row, _PREVIOUS + 2] = columns.funding_inside
    return table


def live_bars(market: Market) -> list[LiveBar]:
    """Give the bars of a market one by one, with their funding."""
    rows = (row[1:_PREVIOUS] + row[_PREVIOUS + 1 :] for row in _bar_table(market).tolist())
    return [LiveBar(time, *row) for time, row in zip(market.time.tolist(), rows, strict=True)]
