"""A higher timeframe for strategies that decide bar by bar: its candles, each shown no earlier than its close."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tallow.core.strategies.higher import developed, finished
from tallow.core.strategies.timeline import Line, Timeline
from tallow.domain.columns import COLUMNS, Bars
from tallow.domain.timeframes import Timeframe


class HigherLine(Line):
    """A column or indicator of a higher timeframe, one value a candle; a place before the first candle is NaN."""

    def __getitem__(self, index: Any) -> Any:
        values = self._read()
        if isinstance(values, np.ndarray) and isinstance(index, int | np.integer) and index < -len(values):
            return np.nan
        return values[index]

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        # The parts of an indicator with several lines are lines of the same kind.
        return HigherLine(lambda: getattr(self._read(), name), self._owner) if isinstance(found, np.ndarray) else found


class Higher:
    """Candles of a higher timeframe up to the last that has ended by this bar's close.

    `self.hours.close[-1]` is that candle's close and `[-2]` the one of the candle before; NaN where there is none yet.
    Columns are arguments of an indicator, which then has one value a candle.
    """

    time: HigherLine
    open: HigherLine
    high: HigherLine
    low: HigherLine
    close: HigherLine
    volume: HigherLine
    quote_volume: HigherLine
    trades: HigherLine
    taker_buy_volume: HigherLine
    taker_buy_quote_volume: HigherLine

    def __init__(self, owner: "HigherTimeline") -> None:
        self._owner = owner
        self._lines = {name: owner.column(name) for name in COLUMNS}

    def __len__(self) -> int:
        return len(self._owner.past)

    def __getattr__(self, name: str) -> HigherLine:
        if name not in COLUMNS:
            raise AttributeError(f"candles have no column {name!r}; there are {', '.join(COLUMNS)}")
        return self._lines[name]


class HigherTimeline(Timeline):
    """The candles that bars make, and how many of them are known at each bar."""

    def __init__(self, bars: Bars, timeframe: Timeframe, base: Timeframe | None, *, developing: bool) -> None:
        done = finished(bars, timeframe, base)
        self._grown: Bars | None = developed(bars, timeframe, base) if developing else None
        self._visible = done.visible
        super().__init__(done.candles)
        if self._grown is not None:
            opens = np.unique(self._grown.time)
            begun_before = np.isnan(self._grown.close[:1]).any()
            self._visible = np.searchsorted(opens, self._grown.time, side="right") - int(begun_before)
            self.past = type(self.past)(len(opens))
        self.shown = Higher(self)

    def follow(self, row: int) -> None:
        """Show the candles known at the close of bar `row`."""
        known = int(self._visible[row])
        if self._grown is None:
            if known != len(self.past):
                self.past.append(self._fetch, known)
        elif known:
            self.past.grow(((name, getattr(self._grown, name)[row]) for name in COLUMNS), known)

    def column(self, name: str) -> HigherLine:
        """Make the line of a column."""
        line = HigherLine(lambda: getattr(self.past, name), self)
        if self._grown is None:
            self._known(line, self._columns[name])
        return line

    def declare(self, function: Callable[..., Any], arguments: tuple[Any, ...], lookback: int | None) -> Line:
        """Make a line of an indicator over the candles, as `Timeline.declare` does over bars."""
        given = tuple(self.past if isinstance(argument, Higher) else argument for argument in arguments)
        return super().declare(function, given, lookback)

    def _line(self, read: Callable[[], Any]) -> Line:
        return HigherLine(read, self)

    def _whole_line(self, read: Callable[[], Any], whole: Any) -> Line:
        return HigherLine(read, self)

    def _place(self, argument: Any) -> tuple[Any] | None:
        # A candle that still grows has no value once and for all: indicators over it are computed from the past alone.
        column = isinstance(argument, str) and argument in COLUMNS
        if self._grown is not None and (column or isinstance(argument, Line)):
            return None
        return super()._place(argument)
