"""Run classes in the shape of backtesting.py: `init`, `next`, `self.I`, `self.data`, `self.buy`, `self.position`."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tallow.core.strategies import BEGINS, Account, Decide, Orders, Outbox, bind
from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import UserError
from tallow.domain.scene import Execution
from tallow.runners.adapters.refusals import not_carried_over
from tallow.runners.adapters.tickets import Levels, Ticket, place
from tallow.runners.frames import to_frame

_COLUMNS = {"Open": "open", "High": "high", "Low": "low", "Close": "close", "Volume": "volume"}
_ALL = 1.0  # the whole equity, which is what an order without size is for


class Values(np.ndarray[Any, np.dtype[np.float64]]):
    """A column or an indicator up to the current bar. As a truth or a number it is its last value."""

    times: "pd.Index[Any] | None" = None

    def __bool__(self) -> bool:
        return bool(self.size and np.asarray(self).ravel()[-1])

    def __float__(self) -> float:
        return float(np.asarray(self).ravel()[-1])

    @property
    def s(self) -> "pd.Series[float]":
        """The same values as a Series with the times of the bars."""
        return pd.Series(np.asarray(self), index=None if self.times is None else self.times[: len(self)])


class Data:
    """The bars, `Open High Low Close Volume`: all of them in `init`, in `next` those up to the current one."""

    def __init__(self, bars: Bars) -> None:
        frame = to_frame(bars)
        self._frame = frame[list(_COLUMNS.values())].rename(columns={plain: name for name, plain in _COLUMNS.items()})
        self._times = self._frame.index
        self._columns = {name: cast("Floats", self._frame[name].to_numpy(copy=True)) for name in _COLUMNS}
        for column in self._columns.values():
            column.flags.writeable = False
        self.rows = len(bars)

    def __len__(self) -> int:
        return self.rows

    def __getattr__(self, name: str) -> Values:
        if name not in _COLUMNS:
            raise AttributeError(f"data has no column {name!r}; there are {', '.join(_COLUMNS)}, index and df")
        return self.shown(self._columns[name])

    def __getitem__(self, name: str) -> Values:
        return self.__getattr__(name)

    def shown(self, values: Floats) -> Values:
        """View the values up to the current bar."""
        view = values[: self.rows].view(Values)
        view.times = self._times
        return view

    @property
    def index(self) -> "pd.Index[Any]":
        """Opens of the bars."""
        return self._times[: self.rows]

    @property
    def df(self) -> pd.DataFrame:
        """A frame of the bars up to the current one."""
        return self._frame.iloc[: self.rows].copy()


class Indicator(np.lib.mixins.NDArrayOperatorsMixin):
    """Values of an indicator up to the current bar; `[-1]` is this bar's. In `init` all of them are there."""

    def __init__(self, values: Floats, data: Data) -> None:
        values.flags.writeable = False
        self._values, self._data = values, data

    @property
    def whole(self) -> Floats:
        """The values of all bars."""
        return self._values

    @property
    def shown(self) -> Values:
        """The values up to the current bar."""
        return self._data.shown(self._values)

    def __len__(self) -> int:
        return self._data.rows

    def __getitem__(self, index: Any) -> Any:
        rows = self._data.rows
        # What is read at every bar needs no view of all bars so far.
        if type(index) is int and -rows <= index < 0:
            return self._values[rows + index]
        return self._values[:rows][index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.shown, dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        plain = (item.shown if isinstance(item, Indicator) else item for item in inputs)
        return getattr(ufunc, method)(*plain, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.shown, name)

    def __bool__(self) -> bool:
        return bool(self.shown)

    def __float__(self) -> float:
        return float(self.shown)


class Position:
    """The position at this bar's close; false when flat."""

    def __init__(self, strategy: "Strategy") -> None:
        self._strategy = strategy

    def __bool__(self) -> bool:
        return self.size != 0.0

    @property
    def size(self) -> float:
        """Signed base quantity."""
        return self._strategy._account.position

    @property
    def is_long(self) -> bool:
        """Whether it wins when the price rises."""
        return self.size > 0.0

    @property
    def is_short(self) -> bool:
        """Whether it wins when the price falls."""
        return self.size < 0.0

    @property
    def pl(self) -> float:
        """Profit since entry at this close in quote units, without fees."""
        return self.size * (self._close - self._strategy._account.entry_price) if self else 0.0

    @property
    def pl_pct(self) -> float:
        """Profit since entry at this close as a fraction of the entry price, without fees."""
        return float(np.sign(self.size)) * (self._close / self._strategy._account.entry_price - 1.0) if self else 0.0

    def close(self, portion: float = 1.0) -> None:
        """Sell what is held, or buy back what is owed, at the next open."""
        if portion != 1.0:
            raise not_carried_over(
                f"position.close({portion})", "self.buy(size=...) with the fraction of equity that is to be left"
            )
        self._strategy._target = 0.0

    @property
    def _close(self) -> float:
        return float(self._strategy.data.Close[-1])


class Strategy:
    """Derive from it: indicators in `init`, decisions in `next`; class attributes are parameters.

    An order for a fraction of equity at the market replaces the position, and fills at the next open: `buy()` holds
    all equity long, `buy(size=0.5)` half of it, `sell(...)` the same short. An order for units, or at a price (`limit`,
    `stop`), adds to the position or takes from it. Indicators are computed once over all bars, so that the look-ahead
    check judges them; `next` is called from the second bar at which every indicator has a value.

    Attributes:
        data: the bars.
        position: what is held.
    """

    data: Data
    _account: Account
    _outbox: Outbox
    _execution: Execution
    _target: float | None = None

    def __init__(self, data: Data) -> None:
        self.data, self.position = data, Position(self)
        self._indicators: list[Floats] = []
        self._tickets: dict[int, Ticket] = {}
        self._running = False

    def init(self) -> None:
        """Declare indicators; called once."""

    def next(self) -> None:
        """Decide at the close of the current bar."""
        raise NotImplementedError(f"{type(self).__name__} has no method next")

    @property
    def equity(self) -> float:
        """Value of the account at this bar's close, quote units."""
        return self._account.equity

    def I(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:  # noqa: E743
        """Declare an indicator: `function` is called once with columns of all bars, and gives one value a bar.

        What concerns a plot (`name plot overlay color scatter`) is left aside. Several lines are given as a tuple.

        Raises:
            UserError: BAD_STRATEGY when called in `next`; BAD_OUTPUT when it gives anything but a number a bar.
        """
        if self._running:
            raise UserError("BAD_STRATEGY", "an indicator is declared in next", facts={"valid": "declare it in init"})
        plain = {key: value for key, value in options.items() if key not in _PLOT}
        given = (item.whole if isinstance(item, Indicator) else item for item in arguments)
        lines = _lines(function(*given, **plain), len(self.data))
        self._indicators += lines
        shown = tuple(Indicator(line, self.data) for line in lines)
        return shown if len(shown) > 1 else shown[0]

    def buy(self, *, size: float | None = None, **others: Any) -> Ticket | None:
        """Hold `size` of equity long, all of it without size; or buy units, or at prices, which gives an order."""
        return self._order(1, size, others)

    def sell(self, *, size: float | None = None, **others: Any) -> Ticket | None:
        """Hold `size` of equity short, or sell units, or at prices. To leave a long position is `position.close`."""
        return self._order(-1, size, others)

    @property
    def orders(self) -> tuple[Ticket, ...]:
        """The orders that work at this bar's close, oldest first."""
        working: list[Any] = getattr(self._account, "orders", list)()
        return tuple(self._tickets[one.id] for one in working if one.id in self._tickets)

    def _order(self, side: int, size: float | None, others: Mapping[str, Any]) -> Ticket | None:
        verb = "buy" if side > 0 else "sell"
        levels, share, is_share = _levels(verb, others), _size(verb, size), size is None or size < 1.0
        if is_share and levels.are_none:
            self._target = side * share
            return None
        quantity = self._units(share, levels.entry or float(self.data.Close[-1])) if is_share else share
        entry = (side, quantity, side * share if is_share and levels.entry is None else None)
        ticket = place(self._outbox, getattr(self, "_account", None), entry, levels)
        self._tickets.update((order.id, order) for order in (ticket, *ticket.exits))
        return ticket

    def _units(self, share: float, price: float) -> float:
        # So many that they and what they cost are paid by this part of the equity, at this price.
        costs = self._execution
        rate = max(costs.taker_fee, costs.maker_fee, 0.0) + costs.slippage_bps / 10_000
        return share * self.equity / (price * (1.0 + rate))

    def __getattr__(self, name: str) -> Any:
        if name in _ABSENT:
            raise not_carried_over(f"self.{name}", _ABSENT[name])
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")


_PLOT = ("name", "plot", "overlay", "color", "scatter")
_ABSENT = {
    "trades": "self.position and self.orders",
    "closed_trades": "the result's trades, after the run",
}


def crossover(one: Any, other: Any) -> bool:
    """Say whether `one` has crossed above `other` at this bar; either may be a number.

    Example:
        >>> crossover([1.0, 3.0], [2.0, 2.0]), crossover([1.0, 3.0], 3.0)
        (True, False)
    """
    (before, now), (other_before, other_now) = _last_two(one), _last_two(other)
    return bool(before < other_before and now > other_now)


def cross(one: Any, other: Any) -> bool:
    """Say whether two lines have crossed at this bar, in either direction."""
    return crossover(one, other) or crossover(other, one)


def decider(
    strategy: type[Strategy],
    parameters: Mapping[str, object],
    bars: Bars,
    desk: tuple[Outbox, Execution] | None = None,
) -> Decide:
    """Set up a strategy on bars and give the function that decides row after row; `desk` as for all adapters.

    Raises:
        UserError: UNKNOWN_PARAMETER, BAD_PARAMETER, BAD_OUTPUT, NOT_CARRIED_OVER.
    """
    running = strategy(Data(bars))
    running._outbox, running._execution = desk or (Outbox(), Execution())
    outbox = running._outbox
    for name, value in bind(strategy, parameters).items():
        setattr(running, name, value)
    running.init()
    running._running = outbox.is_open = True
    first, orders = 1 + max((_first_value(line) for line in running._indicators), default=0), Orders()

    def decide(row: int, account: Account) -> float:
        if orders.observe(account):
            outbox.forget()
        if row < first:
            return orders.settle(np.nan)
        running.data.rows, running._account, running._target = row + 1, account, None
        running.next()
        if outbox.began:
            if running._target is not None:
                orders.asked = running._target
                outbox.aim(running._target, getattr(account, "working", 0))
            return BEGINS
        return orders.settle(np.nan if running._target is None else running._target)

    return decide


def _last_two(line: Any) -> tuple[float, float]:
    if type(line) is Indicator and len(line) > 1:
        return line[-2], line[-1]
    if np.isscalar(line):
        return float(line), float(line)  # type: ignore[arg-type]
    values = line.to_numpy() if isinstance(line, pd.Series) else line
    return (float(values[-2]), float(values[-1])) if len(values) > 1 else (np.nan, np.nan)


def _first_value(line: Floats) -> int:
    # Without any value yet, no bar so far is one to decide at.
    known = np.flatnonzero(~np.isnan(line))
    return int(known[0]) if len(known) else len(line)


def _lines(output: Any, rows: int) -> list[Floats]:
    values = output.to_numpy().T if isinstance(output, pd.DataFrame) else output
    try:
        table = np.atleast_2d(np.array(values, np.float64))
    except (TypeError, ValueError) as problem:
        raise _bad_lines("is not numeric", type(output).__name__) from problem
    if table.ndim != 2 or table.shape[1] != rows:
        raise _bad_lines(f"has shape {np.shape(values)} for {rows} bars", type(output).__name__)
    return list(table)


def _bad_lines(what: str, received: str) -> UserError:
    return UserError(
        "BAD_OUTPUT",
        f"an indicator's output {what}",
        facts={"received": received, "valid": "one number a bar, or several lines of them"},
        exit="failed",
    )


def _levels(verb: str, others: Mapping[str, Any]) -> Levels:
    for name in others:
        if name not in ("limit", "stop", "sl", "tp", "tag"):
            raise not_carried_over(f"self.{verb}({name}=...)", f"self.{verb}(size=...)")
    known = {name: others.get(name) for name in ("limit", "stop", "sl", "tp")}
    return Levels(
        **{name: None if value is None else float(value) for name, value in known.items()}, tag=others.get("tag")
    )


def _size(verb: str, size: float | None) -> float:
    if size is None:
        return _ALL
    if not size > 0.0 or (size > 1.0 and size != round(size)):
        raise not_carried_over(
            f"self.{verb}(size={size:g})", "a fraction of equity below 1, or a whole number of units"
        )
    return float(size)
