"""What a portfolio leaves behind: one account, its fills by instrument, and each instrument as a run of its own."""

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from tallow.core.engine.logs import fill_log, name_events, trade_log
from tallow.core.engine.state import EVENT_COLUMNS
from tallow.core.portfolio.desk import BALANCE, INSTRUMENT
from tallow.core.portfolio.panel import Panel
from tallow.domain.columns import Floats, Times
from tallow.domain.results import FillLog, Ints, Run, TradeLog

_ROW, _QUANTITY = EVENT_COLUMNS.index("row"), EVENT_COLUMNS.index("quantity")
_POSITION, _LEDGER = EVENT_COLUMNS.index("position"), EVENT_COLUMNS.index("cash")


@dataclass(frozen=True)
class PortfolioFills(FillLog):
    """Fills in the order in which they were made; `instrument` is the column of each."""

    instrument: Ints


@dataclass(frozen=True)
class PortfolioRun:
    """What the account of several instruments was worth, and how it came to that.

    Rows are those of `time`; columns are instruments, in the order of `symbols`.

    Attributes:
        panel: the bars it ran on.
        start_cash: balance before the first row, quote units.
        equity: value of the account at every close, quote units.
        asked: the weights that were given; NaN keeps the last.
        rejected_orders: per instrument, orders below the minimum or that had to wait for a bar with volume.
        ambiguous_bars: per instrument, bars that touched stop and take-profit; each counted as the stop.
        shrunk_purchases: times that purchases were shrunk to what the account could carry.
        liquidations: times that the whole account was liquidated under cross margin.
        events: fills and funding payments as the engine noted them.
    """

    panel: Panel
    start_cash: float
    equity: Floats
    asked: Floats
    rejected_orders: tuple[int, ...]
    ambiguous_bars: tuple[int, ...]
    shrunk_purchases: int
    liquidations: int
    events: Floats

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the instruments."""
        return self.panel.symbols

    @property
    def time(self) -> Times:
        """Open of every row, microseconds UTC."""
        return self.panel.time

    @cached_property
    def fills(self) -> PortfolioFills:
        """Every fill with its instrument, in the order in which they were made."""
        log = fill_log(name_events(self.events), self.time)
        columns = {item.name: getattr(log, item.name) for item in fields(log)}
        instrument = self.events[self.events[:, _QUANTITY] != 0, INSTRUMENT].astype(np.int64)
        return PortfolioFills(**columns, instrument=instrument)

    @cached_property
    def trades(self) -> tuple[TradeLog, ...]:
        """Round trips of each instrument; rows are those of `time`."""
        owner = self.events[:, INSTRUMENT].astype(np.uint16)  # which numpy sorts by digits
        order = np.argsort(owner, kind="stable")
        ends = np.searchsorted(owner[order], np.arange(len(self.symbols) + 1))
        named, found = {name: column[order] for name, column in name_events(self.events).items()}, []
        for i, market in enumerate(self.panel.markets):
            own = {name: column[ends[i] : ends[i + 1]] for name, column in named.items()}
            close = float(market.columns.close[-1]) if len(market) else 0.0
            found.append(trade_log(own, self.time, self.start_cash, close))
        return tuple(found)

    @cached_property
    def cash(self) -> Floats:
        """Balance at every close, quote units."""
        return _held(self.events, BALANCE, self.start_cash, len(self.time))

    @cached_property
    def positions(self) -> Floats:
        """Signed base quantity held at every close."""
        columns = [_held(self._events_of(i), _POSITION, 0.0, len(self.time)) for i in range(len(self.symbols))]
        return np.column_stack(columns)

    @cached_property
    def weights(self) -> Floats:
        """Value of each position at every close, as a fraction of the equity; NaN where there is no equity."""
        found = np.zeros((len(self.time), len(self.symbols)))
        with np.errstate(divide="ignore", invalid="ignore"):
            for i in range(len(self.symbols)):
                held = self.positions[:, i]
                value = np.where(held != 0.0, held * self.panel.closes(i), 0.0)
                found[:, i] = np.where(self.equity > 0.0, value / self.equity, np.nan)
        return found

    @cached_property
    def stale_marks(self) -> tuple[int, ...]:
        """Per instrument, rows at which it was held and had no bar: it was marked at its last close."""
        columns = enumerate(self.panel.own)
        return tuple(int(np.count_nonzero(self.positions[own < 0, i])) if len(own) else 0 for i, own in columns)

    def target(self, instrument: int) -> Floats:
        """Give what was asked for at every close, NaN resolved to the last weight, 0 before the first."""
        asked = self.asked[:, instrument]
        kept = np.concatenate(([0.0], asked))
        rows = np.arange(len(kept))
        kept = kept[np.maximum.accumulate(np.where(np.isnan(kept), 0, rows))]
        # Of equal weights the first is kept: -0 is no other weight than 0.
        new = np.concatenate(([True], kept[1:] != kept[:-1]))
        found: Floats = kept[np.maximum.accumulate(np.where(new, rows, 0))][1:]
        return found

    def instrument_run(self, instrument: int) -> Run:
        """Give one instrument as a run on its own bars: an account with all the cash that made only its fills.

        Its metrics say what the instrument added, not what it would have earned alone: sizes are those of the whole
        account.
        """
        rows, market, events = (
            self.panel.rows_of(instrument),
            self.panel.markets[instrument],
            self._events_of(instrument),
        )
        own = events.copy()
        own[:, _ROW] = np.searchsorted(rows, events[:, _ROW])
        named, count = name_events(own), len(market.time)
        position = _held(own, _POSITION, 0.0, count)
        ledger = _held(own, _LEDGER, self.start_cash, count)
        close = float(market.columns.close[-1]) if count else 0.0
        return Run(
            time=market.time,
            equity=ledger + position * market.columns.close,
            position=position,
            target=self.target(instrument)[rows],
            fills=fill_log(named, market.time),
            trades=trade_log(named, market.time, self.start_cash, close),
            ambiguous_bars=self.ambiguous_bars[instrument],
            rejected_orders=self.rejected_orders[instrument],
        )

    def digest(self) -> str:
        """Give the sha256 of every number in it, 64 hex digits."""
        seen = hashlib.sha256(repr((self.symbols, self.start_cash)).encode())
        counters = (self.rejected_orders, self.ambiguous_bars, self.shrunk_purchases, self.liquidations)
        seen.update(repr(counters).encode())
        for name in ("time", "equity", "asked", "events"):
            seen.update(name.encode() + np.ascontiguousarray(getattr(self, name)).tobytes())
        for log in self.trades:
            for item in fields(log):
                seen.update(item.name.encode() + np.ascontiguousarray(getattr(log, item.name)).tobytes())
        return seen.hexdigest()

    def _events_of(self, instrument: int) -> Floats:
        own: Floats = self.events[self.events[:, INSTRUMENT] == instrument]
        return own


def _held(events: Floats, column: int, start: float, count: int) -> Floats:
    # The value that a column of the events last had, at every row.
    rows = np.searchsorted(events[:, _ROW], np.arange(count), side="right")
    found: Floats = np.concatenate(([start], events[:, column]))[rows]
    return found
