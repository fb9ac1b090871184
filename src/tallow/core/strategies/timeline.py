"""What a strategy may see at a bar: the columns up to it and indicators over them, in memory that holds no more."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tallow.core.indicators import CAUSAL
from tallow.domain.columns import COLUMNS, Bars, Floats, Times
from tallow.domain.errors import TerminalError, UserError

Column = NDArray[Any]


Fetch = Callable[[str, slice], Column]
"""Gives some rows of a column by its name."""


class Past:
    """The bars up to and including the current one, as read-only columns; the current bar is the last row.

    The memory behind the columns is filled bar by bar: no slice, base or address of it leads to a later bar. Before
    the first bar, in `Strategy.init`, the columns are empty and stand for themselves as arguments of an indicator.
    """

    time: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    quote_volume: Floats
    trades: Floats
    taker_buy_volume: Floats
    taker_buy_quote_volume: Floats

    def __init__(self, capacity: int) -> None:
        self._rows = 0
        self._grown = 0
        self._memory = {
            name: np.zeros(capacity, np.int64) if name == "time" else np.full(capacity, np.nan) for name in COLUMNS
        }
        self._views: dict[str, Column] = {}
        self._filled = dict.fromkeys(COLUMNS, 0)
        self._fetch: Fetch | None = None

    def __len__(self) -> int:
        return self._rows

    def __getattr__(self, name: str) -> Column:
        if name not in COLUMNS:
            raise AttributeError(f"bars have no column {name!r}; there are {', '.join(COLUMNS)}")
        if name not in self._views:
            if self._fetch is not None:
                rows = slice(self._filled[name], self._rows)
                self._memory[name][rows] = self._fetch(name, rows)
                self._filled[name] = self._rows
            self._views[name] = _sealed(self._memory[name], self._rows)
        return self._views[name]

    def append(self, fetch: Fetch, until: int) -> None:
        """Show the rows before `until`; `fetch` gives the rows of a column, when it is first read."""
        self._fetch, self._rows = fetch, until
        if self._views:
            self._views = {}

    def grow(self, values: Iterable[tuple[str, float]], rows: int) -> None:
        """Write the last of `rows` rows anew: it stands for a candle that is not finished."""
        for name, value in values:
            self._memory[name][rows - 1] = value
        self._rows = rows
        self._grown += 1
        self._views = {}

    @property
    def stamp(self) -> tuple[int, int]:
        """A value that is another one after every change."""
        return self._rows, self._grown

    def last(self, count: int | None) -> Bars:
        """Give the last `count` bars (None is all) as `Bars`."""
        rows = slice(None if count is None else -count, None)
        return Bars(*(getattr(self, name)[rows] for name in COLUMNS))

    def column_of(self, values: object) -> str | None:
        """Name the column that a view handed out by this object belongs to."""
        return next((name for name, view in self._views.items() if view is values), None)


class Line:
    """An indicator up to and including the current bar.

    `line[-1]` is its value at this bar and `line[-2]` the one before; those of several lines have theirs by name:
    `macd.signal[-1]`.
    """

    def __init__(self, read: Callable[[], Any], owner: "Timeline | None" = None) -> None:
        self._read, self._owner = read, owner

    @property
    def values(self) -> Any:
        """The whole line so far, read-only; a tuple of lines where the indicator has several."""
        return self._read()

    def __len__(self) -> int:
        return len(self._read())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._read())

    def __getitem__(self, index: Any) -> Any:
        return self._read()[index]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._read(), name)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Column:
        return np.array(self._read(), dtype)


class KnownLine(Line):
    """A line whose values are all computed: to read one of them makes no view of those so far."""

    def __init__(self, read: Callable[[], Any], whole: Column, past: Past) -> None:
        super().__init__(read)
        self._whole, self._past = whole, past

    def __getitem__(self, index: Any) -> Any:
        if type(index) is int:
            rows = self._past._rows
            place = rows + index if index < 0 else index
            if 0 <= place < rows:
                return self._whole[place]
            raise IndexError(f"place {index} of a line with {rows} values")
        return self._read()[index]


class Follower(Protocol):
    """What is shown along with the bars."""

    def follow(self, row: int) -> None:
        """Let the strategy see what is known at the close of bar `row`."""
        ...


class Timeline:
    """All bars, and how far a strategy has come in them. Strategies never get hold of it."""

    def __init__(self, bars: Bars) -> None:
        self.past = Past(len(bars))
        self._columns = {name: getattr(bars, name) for name in COLUMNS}
        self._fetch = _fetching(self._columns)
        self._computed: dict[int, tuple[Line, Any]] = {}
        self.followers: list[Follower] = []

    def advance(self, row: int) -> None:
        """Let the strategy see the bars up to `row`.

        Raises:
            TerminalError: ROWS_OUT_OF_ORDER when it has seen that row already.
        """
        past = self.past
        if row < past._rows:
            message = f"a strategy at bar {len(past) - 1} was asked about bar {row}"
            raise TerminalError("ROWS_OUT_OF_ORDER", message, facts={"valid": "every bar once, in ascending order"})
        # What `append` does, without its call: this happens at every bar.
        past._fetch, past._rows = self._fetch, row + 1
        if past._views:
            past._views = {}
        if self.followers:
            for follower in self.followers:
                follower.follow(row)

    def declare(self, function: Callable[..., Any], arguments: tuple[Any, ...], lookback: int | None) -> Line:
        """Make a line of an indicator.

        A function of `tallow.core.indicators` is computed once over all bars, because none of its rows depends on a
        later one, and shown up to the current bar. Any other function is computed from the past alone, at most once
        a bar and only when the line is read.

        Raises:
            UserError: BAD_STRATEGY when an argument is an array that is no column of the bars, or when arguments have
                different timeframes.
        """
        owners = {id(owner): owner for argument in arguments if (owner := getattr(argument, "_owner", None))}
        if owners and list(owners.values()) != [self]:
            return self._delegated(owners, function, arguments, lookback)
        places = [self._place(argument) for argument in arguments]
        if function in CAUSAL and lookback is None and all(place is not None for place in places):
            whole = function(*(place[0] for place in places if place is not None))
            return self._known(self._whole_line(_revealed(whole, self.past), whole), whole)
        return self._line(self._as_of(function, arguments, lookback))

    def _line(self, read: Callable[[], Any]) -> Line:
        return Line(read)

    def _whole_line(self, read: Callable[[], Any], whole: Any) -> Line:
        return Line(read) if isinstance(whole, tuple) else KnownLine(read, whole, self.past)

    def _known(self, line: Line, whole: Any) -> Line:
        self._computed[id(line)] = (line, whole)
        return line

    def _delegated(
        self,
        owners: "dict[int, Timeline]",
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        lookback: int | None,
    ) -> Line:
        # An indicator over candles of a higher timeframe has one value a candle: its arguments must all be theirs.
        mine = [argument for argument in arguments if isinstance(argument, Line) and argument._owner is None]
        columns = [argument for argument in arguments if argument is self.past or self.past.column_of(argument)]
        if len(owners) > 1 or mine or columns:
            raise UserError(
                "BAD_STRATEGY",
                "an indicator is given columns of different timeframes",
                facts={"valid": "columns of one timeframe; compare the indicators in next"},
            )
        return next(iter(owners.values())).declare(function, arguments, lookback)

    def _place(self, argument: Any) -> tuple[Any] | None:
        # The argument over all bars, in a tuple; None when only its past can be given.
        if isinstance(argument, Line):
            known = self._computed.get(id(argument))
            return (known[1],) if known is not None else None
        if argument is self.past:
            return None
        name = argument if isinstance(argument, str) and argument in COLUMNS else self.past.column_of(argument)
        if name is not None:
            return (self._columns[name],)
        if isinstance(argument, np.ndarray):
            raise UserError(
                "BAD_STRATEGY",
                "an indicator is given an array that is no column of the bars",
                facts={"valid": "self.bars.close, 'close', self.bars, another indicator, numbers; compute inside"},
            )
        return (argument,)

    def _as_of(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], lookback: int | None
    ) -> Callable[[], Any]:
        past, names = self.past, [self.past.column_of(argument) for argument in arguments]
        tail = slice(None if lookback is None else -lookback, None)
        seen: list[Any] = [-1, None]

        def argument_now(argument: Any, name: str | None) -> Any:
            if argument is past:
                return past.last(lookback)
            if isinstance(argument, Line):
                return argument.values[tail]
            if isinstance(argument, str) and argument in COLUMNS:
                name = argument
            return argument if name is None else getattr(past, name)[tail]

        def read() -> Any:
            if seen[0] != past.stamp:
                values = [argument_now(argument, name) for argument, name in zip(arguments, names, strict=True)]
                seen[:] = [past.stamp, function(*values)]
            return seen[1]

        return read


def _revealed(whole: Any, past: Past) -> Callable[[], Any]:
    parts = whole if isinstance(whole, tuple) else (whole,)
    memories = [np.full(len(part), np.nan) for part in parts]
    seen: list[Any] = [0, None]

    def read() -> Any:
        rows = slice(seen[0], len(past))
        if rows.start != rows.stop or seen[1] is None:
            for part, memory in zip(parts, memories, strict=True):
                memory[rows] = part[rows]
            views = [_sealed(memory, rows.stop) for memory in memories]
            seen[:] = [rows.stop, type(whole)(*views) if isinstance(whole, tuple) else views[0]]
        return seen[1]

    return read


def _fetching(columns: Mapping[str, Column]) -> Fetch:
    return lambda name, rows: columns[name][rows]


def _sealed(memory: Column, rows: int) -> Column:
    view = memory[:rows]
    view.flags.writeable = False
    return view
