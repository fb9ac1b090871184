"""Trades become candles, and candles coarser candles: one compiled step for batch, live and resampling."""

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tallow.domain.columns import COLUMNS, Bars, Floats, Ticks, Times
from tallow.domain.errors import DataError, UserError
from tallow.domain.ranges import iso
from tallow.domain.timeframes import DAY, Timeframe


class BarState(NamedTuple):
    """One candle while it grows: the columns of `Bars`, then the moment it closes (microseconds UTC)."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float
    trades: float
    taker_buy_volume: float
    taker_buy_quote_volume: float
    close_time: int


class Grid(NamedTuple):
    """Where candles begin: every `step` microseconds from `origin`, or every `months` calendar months if not 0."""

    step: int
    origin: int
    months: int


class Gathered(NamedTuple):
    """What a loop over rows gives: opens, nine columns, the unfinished candle, and the first late row or -1."""

    time: NDArray[np.int64]
    values: NDArray[np.float64]
    state: BarState
    late: int


class Coverage(NamedTuple):
    """Per coarse candle: its open, how many finer candles it was made of, and how many it should have."""

    time: NDArray[np.int64]
    found: NDArray[np.int64]
    expected: NDArray[np.int64]

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Where no finer candle is missing."""
        return np.equal(self.found, self.expected)


_NEVER: Final = -(2**63)  # a close before every moment: the first row opens a candle
NO_BAR: Final = BarState(_NEVER, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, _NEVER)
_SHORTEST_MONTH: Final = 28 * DAY
_Trades = tuple[Times, Floats, Floats, NDArray[np.bool_]]
_Candles = tuple[Times, Floats, Floats, Floats, Floats, Floats, Floats, Floats, Floats, Floats]


@njit(cache=True, nogil=True)
def _first_day(month: int) -> int:  # pragma: no cover
    # Days from 1970-01-01 to the first of a month counted from year 0, in the proleptic Gregorian calendar.
    year, number = month // 12, month % 12 + 1
    shifted = year - 1 if number <= 2 else year
    era_day = shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400
    return int(era_day + (153 * ((number + 9) % 12) + 2) // 5 - 719_468)


@njit(cache=True, nogil=True)
def _bounds(time: int, grid: Grid) -> tuple[int, int]:  # pragma: no cover
    if grid.months == 0:
        start = time - (time - grid.origin) % grid.step
        return start, start + grid.step
    day = time // 86_400_000_000
    month = 1970 * 12 + day * 400 * 12 // 146_097  # never more than a month off
    while _first_day(month) > day:
        month -= 1
    while _first_day(month + 1) <= day:
        month += 1
    month -= month % grid.months
    return _first_day(month) * 86_400_000_000, _first_day(month + grid.months) * 86_400_000_000


@njit(cache=True, nogil=True)
def step(state: BarState, grid: Grid, part: BarState) -> BarState:  # pragma: no cover
    """Add one finer candle, or a trade as a candle of its own, to the candle that grows.

    When `part.time` is not before `state.close_time`, `state` was finished and the answer is the next candle.
    """
    if part.time >= state.close_time:
        start, end = _bounds(part.time, grid)
        return BarState(
            start, part.open, part.high, part.low, part.close, part.volume, part.quote_volume, part.trades,
            part.taker_buy_volume, part.taker_buy_quote_volume, end,
        )  # fmt: skip
    return BarState(
        state.time,
        state.open,
        part.high if part.high > state.high else state.high,
        part.low if part.low < state.low else state.low,
        part.close,
        state.volume + part.volume,
        state.quote_volume + part.quote_volume,
        state.trades + part.trades,
        state.taker_buy_volume + part.taker_buy_volume,
        state.taker_buy_quote_volume + part.taker_buy_quote_volume,
        state.close_time,
    )


@njit(cache=True, nogil=True)
def _trade(time: int, price: float, quantity: float, buyer_is_maker: bool) -> BarState:  # pragma: no cover
    quote = price * quantity
    bought, paid = (0.0, 0.0) if buyer_is_maker else (quantity, quote)
    return BarState(time, price, price, price, price, quantity, quote, 1.0, bought, paid, time)


@njit(cache=True, nogil=True)
def _put(values: NDArray[np.float64], row: int, bar: BarState) -> None:  # pragma: no cover
    values[0, row] = bar.open
    values[1, row] = bar.high
    values[2, row] = bar.low
    values[3, row] = bar.close
    values[4, row] = bar.volume
    values[5, row] = bar.quote_volume
    values[6, row] = bar.trades
    values[7, row] = bar.taker_buy_volume
    values[8, row] = bar.taker_buy_quote_volume


@njit(cache=True, nogil=True)
def _take(values: NDArray[np.float64], row: int, time: int, close_time: int) -> BarState:  # pragma: no cover
    return BarState(
        time, values[0, row], values[1, row], values[2, row], values[3, row], values[4, row], values[5, row],
        values[6, row], values[7, row], values[8, row], close_time,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _step_trade(
    moments: Times, values: NDArray[np.float64], time: int, price: float, quantity: float, buyer_is_maker: bool
) -> int:  # pragma: no cover
    # Two arrays instead of twenty scalars: what a call from Python costs is the unpacking of its arguments.
    # `moments` is open and close of the growing candle, of the finished one, then the grid. Gives 1 when a candle
    # was finished, -1 when the trade comes too late.
    state = _take(values, 0, moments[0], moments[1])
    if time < state.time:
        return -1
    closed = time >= state.close_time and state.close_time != _NEVER
    if closed:
        moments[2], moments[3] = moments[0], moments[1]
        values[:, 1] = values[:, 0]
    grown = step(state, Grid(moments[4], moments[5], moments[6]), _trade(time, price, quantity, buyer_is_maker))
    moments[0], moments[1] = grown.time, grown.close_time
    _put(values, 0, grown)
    return 1 if closed else 0


@njit(cache=True, nogil=True)
def _gather_trades(state: BarState, grid: Grid, trades: _Trades, capacity: int) -> Gathered:  # pragma: no cover
    time, price, quantity, buyer_is_maker = trades
    opens, values, count = np.empty(capacity, np.int64), np.empty((9, capacity)), 0
    for i in range(len(time)):
        if time[i] < state.time:
            return Gathered(opens[:count], values[:, :count], state, i)
        if time[i] >= state.close_time and state.close_time != _NEVER:
            opens[count] = state.time
            _put(values, count, state)
            count += 1
        state = step(state, grid, _trade(time[i], price[i], quantity[i], buyer_is_maker[i]))
    return Gathered(opens[:count], values[:, :count], state, -1)


@njit(cache=True, nogil=True)
def _gather_bars(state: BarState, grid: Grid, bars: _Candles, capacity: int) -> Gathered:  # pragma: no cover
    time, o, h, l, c, v, q, n, b, p = bars  # noqa: E741
    opens, values, count = np.empty(capacity, np.int64), np.empty((9, capacity)), 0
    for i in range(len(time)):
        if i > 0 and time[i] <= time[i - 1]:
            return Gathered(opens[:count], values[:, :count], state, i)
        if time[i] >= state.close_time and state.close_time != _NEVER:
            opens[count] = state.time
            _put(values, count, state)
            count += 1
        part = BarState(time[i], o[i], h[i], l[i], c[i], v[i], q[i], n[i], b[i], p[i], time[i])
        state = step(state, grid, part)
    return Gathered(opens[:count], values[:, :count], state, -1)


@njit(cache=True, nogil=True)
def _grow_bars(grid: Grid, bars: _Candles) -> tuple[NDArray[np.int64], NDArray[np.float64]]:  # pragma: no cover
    time, o, h, l, c, v, q, n, b, p = bars  # noqa: E741
    opens, values, state = np.empty(len(time), np.int64), np.empty((9, len(time))), NO_BAR
    for i in range(len(time)):
        state = step(state, grid, BarState(time[i], o[i], h[i], l[i], c[i], v[i], q[i], n[i], b[i], p[i], time[i]))
        opens[i] = state.time
        _put(values, i, state)
    return opens, values


@njit(cache=True, nogil=True)
def _intervals(time: NDArray[np.int64], grid: Grid) -> NDArray[np.int64]:  # pragma: no cover
    bounds = np.empty((2, len(time)), np.int64)
    for i in range(len(time)):
        bounds[0, i], bounds[1, i] = _bounds(time[i], grid)
    return bounds


class BarBuilder:
    """Build candles from trades as they come; the batch form calls the same step, so both give the same bits.

    Handing the `state` of one builder to another goes on where the first stopped.

    Example:
        >>> builder = BarBuilder(Timeframe(1, "m"))
        >>> builder.step(0, 100.0, 2.0, False), builder.step(59_999_999, 101.0, 1.0, True)
        (None, None)
        >>> done = builder.step(60_000_000, 99.0, 1.0, True)
        >>> done.time, done.high, done.volume, done.taker_buy_volume
        (0, 101.0, 3.0, 2.0)
    """

    def __init__(self, timeframe: Timeframe, state: BarState = NO_BAR) -> None:
        self.timeframe = timeframe
        self._grid = _grid(timeframe)
        self._moments = np.array([_NEVER, _NEVER, _NEVER, _NEVER, *self._grid], np.int64)
        self._values = np.zeros((9, 2))
        self.state = state

    @property
    def state(self) -> BarState:
        """The candle that grows; `NO_BAR` before the first trade."""
        return self._read(0)

    @state.setter
    def state(self, state: BarState) -> None:
        self._moments[0], self._moments[1] = state.time, state.close_time
        self._values[:, 0] = state[1:10]

    def step(self, event_time: int, price: float, quantity: float, buyer_is_maker: bool) -> BarState | None:
        """Add one trade; give the finished candle when this trade is the first after its close.

        Raises:
            DataError: UNSORTED when the trade belongs before the candle that grows; the state stays as it was.
        """
        outcome = _step_trade(self._moments, self._values, event_time, price, quantity, buyer_is_maker)
        if outcome < 0:
            raise _unsorted("trade", 0, event_time, int(self._moments[0]))
        return self._read(1) if outcome else None

    def extend(self, ticks: Ticks) -> Bars:
        """Add many trades; give the candles they finished.

        Raises:
            DataError: UNSORTED naming the first trade that belongs before the candle that grows; nothing is added.
        """
        trades = (ticks.event_time, ticks.price, ticks.quantity, ticks.buyer_is_maker)
        done = _gather_trades(self.state, self._grid, trades, _capacity(ticks.event_time, self._grid))
        if done.late >= 0:
            raise _unsorted("trade", done.late, int(ticks.event_time[done.late]), done.state.time)
        self.state = done.state
        return Bars(done.time, *done.values)

    def close(self, time: int) -> BarState | None:
        """Give the growing candle and forget it when its interval has ended by `time`; None while it is open."""
        state = self.state
        if state.close_time == _NEVER or state.close_time > time:
            return None
        self.state = NO_BAR
        return state

    def _read(self, place: int) -> BarState:
        time, close_time = self._moments[2 * place : 2 * place + 2].tolist()
        return BarState(*(time, *self._values[:, place].tolist(), close_time))


def from_trades(ticks: Ticks, timeframe: Timeframe, *, complete_until: int | None = None) -> Bars:
    """Build candles from clean trades in event-time order; an interval without trades has no candle.

    A trade belongs to the half-open interval `[open, close)`; a taker bought where the buyer is not the maker.
    `quote_volume` adds price x quantity in the order of the trades. Inside one candle the given order is kept, so
    trades of the same microsecond count as first and last as they stand.

    Args:
        ticks: trades; no NaN.
        timeframe: length of the candles; weeks begin on Monday, months are calendar months.
        complete_until: what is known to be complete; candles that close after it are dropped. None keeps the last
            candle even when its interval may go on.

    Raises:
        DataError: UNSORTED when a trade lies before the candle of the trade before it.
    """
    builder = BarBuilder(timeframe)
    done = builder.extend(ticks)
    return _until(_append(done, builder.state), timeframe, complete_until)


def resample(bars: Bars, timeframe: Timeframe, *, complete_until: int | None = None) -> Bars:
    """Merge candles into coarser ones; NaN in an optional column makes the sum NaN.

    A coarse candle is made of the finer ones that exist: `coverage` tells how many are missing. The finer candles
    must lie inside the coarse ones; the caller checks it with `Timeframe.divides`.

    Args:
        bars: candles, ascending and unique by time.
        timeframe: length of the coarse candles.
        complete_until: coarse candles that close after it are dropped; None keeps all.

    Raises:
        DataError: UNSORTED when a candle does not come after the one before it.
    """
    columns = tuple(getattr(bars, name) for name in COLUMNS)
    grid = _grid(timeframe)
    done = _gather_bars(NO_BAR, grid, columns, _capacity(bars.time, grid))
    if done.late >= 0:
        raise _unsorted("candle", done.late, int(bars.time[done.late]), int(bars.time[done.late - 1]))
    return _until(_append(Bars(done.time, *done.values), done.state), timeframe, complete_until)


def grow(bars: Bars, timeframe: Timeframe) -> Bars:
    """Give per row the coarse candle as it stands at the close of that row: what `resample` merges, before it ends.

    Args:
        bars: candles, ascending and unique by time.
        timeframe: length of the coarse candles; `time` of the answer is their open.

    Example:
        >>> prices = np.array([1.0, 3.0, 2.0])
        >>> bars = Bars.of(np.arange(3) * 60_000_000, (prices, prices, prices, prices, prices))
        >>> grow(bars, Timeframe(2, "m")).high.tolist()
        [1.0, 3.0, 2.0]

    Raises:
        DataError: UNSORTED when a candle does not come after the one before it.
    """
    late = np.flatnonzero(np.diff(bars.time) <= 0)
    if len(late):
        raise _unsorted("candle", int(late[0]) + 1, int(bars.time[late[0] + 1]), int(bars.time[late[0]]))
    opens, values = _grow_bars(_grid(timeframe), tuple(getattr(bars, name) for name in COLUMNS))
    return Bars(opens, *values)


def coverage(time: Times, fine: Timeframe, coarse: Timeframe) -> Coverage:
    """Count how many of the finer candles that make a coarse one are there.

    Args:
        time: opens of the finer candles, ascending and unique.
        fine: their length.
        coarse: length of the candles they are merged into.

    Raises:
        UserError: CANNOT_RESAMPLE when finer candles do not add up to coarse ones.
    """
    if not fine.divides(coarse):
        raise UserError(
            "CANNOT_RESAMPLE",
            f"{fine} candles do not add up to {coarse} candles",
            facts={"valid": f"a length that {fine} divides", "note": "1m is a minute, 1M a month"},
        )
    opens, found = np.unique(open_times(time, coarse), return_counts=True)
    expected = (close_times(opens, coarse) - opens) // fine.microseconds
    return Coverage(opens, found.astype(np.int64), expected)


def close_times(time: Times, timeframe: Timeframe) -> Times:
    """Give the first moment after each candle: the open of the next one.

    Example:
        >>> close_times(np.array([0]), Timeframe(1, "M")).tolist()
        [2678400000000]
    """
    return np.asarray(_intervals(np.ascontiguousarray(time, np.int64), _grid(timeframe))[1])


def open_times(time: Times, timeframe: Timeframe) -> Times:
    """Give the open of the candle that each moment lies in: `Timeframe.floor` by column.

    Example:
        >>> open_times(np.array([59_000_000, 60_000_000]), Timeframe(1, "m")).tolist()
        [0, 60000000]
    """
    return np.asarray(_intervals(np.ascontiguousarray(time, np.int64), _grid(timeframe))[0])


def _grid(timeframe: Timeframe) -> Grid:
    if timeframe.is_fixed:
        return Grid(timeframe.microseconds, timeframe.floor(0), 0)
    return Grid(_SHORTEST_MONTH, 0, timeframe.count)


def _capacity(time: Times, grid: Grid) -> int:
    if len(time) == 0:
        return 0
    # Finished candles open at different grid points between the state and the last row: no more than this.
    return min(len(time), int(time.max() - time[0]) // grid.step + 2)


def _append(bars: Bars, state: BarState) -> Bars:
    if state.close_time == _NEVER:
        return bars
    return Bars(*(np.append(getattr(bars, name), getattr(state, name)) for name in COLUMNS))


def _until(bars: Bars, timeframe: Timeframe, time: int | None) -> Bars:
    return bars if time is None else bars[close_times(bars.time, timeframe) <= time]


def _unsorted(what: str, row: int, time: int, after: int) -> DataError:
    return DataError(
        "UNSORTED",
        f"{what} {row} lies before the candle that is being built",
        facts={"received": iso(time), "valid": f"from {iso(after)} on", "note": "sort by event time, then by id"},
    )
