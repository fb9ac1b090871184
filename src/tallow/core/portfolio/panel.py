"""Bars of several instruments on the union of their times, each column where it was: nothing is copied or filled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tallow.core.engine import Market, prepare
from tallow.domain.columns import Bars, Floats, FundingRates, Times
from tallow.domain.errors import DataError, UserError
from tallow.domain.timeframes import Timeframe

_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Panel:
    """Checked bars of several instruments; made by `align`.

    Attributes:
        symbols: names, in the order of the columns of weights and positions.
        time: every open at which at least one instrument has a bar, ascending, microseconds UTC.
        markets: bars and funding of each.
        own: per instrument the row of its bar at each time; where it has none, -2 - r with the row r of its last bar
            before, so -1 before the first. Empty for an instrument with a bar at every time.
        length: length of a bar in microseconds.
    """

    symbols: tuple[str, ...]
    time: Times
    markets: tuple[Market, ...]
    own: tuple[Times, ...]
    length: int

    def __len__(self) -> int:
        return len(self.time)

    @property
    def missing(self) -> tuple[int, ...]:
        """Per instrument how many times between its first and last bar it has none."""
        return tuple(_missing(own) for own in self.own)

    @property
    def canonical(self) -> tuple[int, ...]:
        """The instruments in the order of their names: in which sums are made, whatever the order of the columns."""
        return tuple(sorted(range(len(self.symbols)), key=self.symbols.__getitem__))

    def rows_of(self, instrument: int) -> Times:
        """Give the rows at which an instrument has a bar."""
        own = self.own[instrument]
        return np.flatnonzero(own >= 0) if len(own) else np.arange(len(self.time))

    def closes(self, instrument: int) -> Floats:
        """Give the last known close at every row; NaN before the first bar."""
        own, close = self.own[instrument], self.markets[instrument].columns.close
        if not len(own):
            return close
        last = np.where(own >= 0, own, -2 - own)
        known = close[np.maximum(last, 0)] if len(close) else np.full(len(own), np.nan)
        return np.where(last >= 0, known, np.nan)


def align(
    bars: Mapping[str, Bars],
    *,
    funding: Mapping[str, FundingRates] | None = None,
    timeframe: Timeframe | None = None,
) -> Panel:
    """Check the bars of every instrument and lay them on the union of their times.

    Args:
        bars: symbol -> candles; the order is that of the columns of weights.
        funding: symbol -> rates that longs pay to shorts.
        timeframe: length of a bar; without it, the shortest step between two times.

    Example:
        >>> column = np.array([1.0, 2.0])
        >>> first = Bars.of(np.array([0, 60_000_000]), (column, column, column, column, column))
        >>> later = Bars.of(np.array([60_000_000, 120_000_000]), (column, column, column, column, column))
        >>> panel = align({"A/USDT": first, "B/USDT": later})
        >>> len(panel), panel.own[0].tolist(), panel.own[1].tolist()
        (3, [0, 1, -3], [-1, 0, 1])

    Raises:
        DataError: BAD_BARS, BAD_FUNDING, naming the symbol.
        UserError: NO_INSTRUMENTS; UNKNOWN_INSTRUMENT when there is funding for a symbol without bars.
    """
    rates = funding or {}
    if not bars:
        raise UserError("NO_INSTRUMENTS", "a portfolio needs at least one instrument", facts={"received": "no bars"})
    check_symbols(rates, tuple(bars), "funding")
    markets = tuple(_prepared(symbol, one, rates.get(symbol)) for symbol, one in bars.items())
    time = _union([market.time for market in markets])
    own = tuple(_own_rows(time, market.time) for market in markets)
    return Panel(tuple(bars), time, markets, own, timeframe.microseconds if timeframe else _shortest(time))


def check_symbols(received: Mapping[str, object] | Sequence[str], known: tuple[str, ...], what: str) -> None:
    """Refuse symbols that are not in the portfolio.

    Raises:
        UserError: UNKNOWN_INSTRUMENT.
    """
    strange = [symbol for symbol in received if symbol not in known]
    if strange:
        raise UserError(
            "UNKNOWN_INSTRUMENT",
            f"{what} for {', '.join(strange)}, which the portfolio does not hold",
            facts={"valid": ", ".join(known)},
            commands=["tallow explain UNKNOWN_INSTRUMENT"],
        )


def _prepared(symbol: str, bars: Bars, funding: FundingRates | None) -> Market:
    try:
        return prepare(bars, funding)
    except DataError as problem:
        facts = {"symbol": symbol, **problem.facts}
        raise DataError(problem.code, f"{symbol}: {problem.message}", facts=facts, commands=problem.commands) from None


def _union(times: list[Times]) -> Times:
    first = times[0]
    if all(other is first or np.array_equal(other, first) for other in times[1:]):
        return first
    joined = np.sort(np.concatenate(times), kind="stable")  # which merges what is in order already
    union: Times = joined[np.concatenate(([True], joined[1:] != joined[:-1]))] if len(joined) else joined
    return union


def _own_rows(time: Times, own: Times) -> Times:
    if len(own) == len(time):
        return _NONE  # times are unique, so as many rows as the union are the same rows
    has_bar = np.zeros(len(time), np.bool_)
    has_bar[np.searchsorted(time, own)] = True
    last = np.cumsum(has_bar) - 1
    rows: Times = np.where(has_bar, last, -2 - last).astype(np.int64)
    return rows


def _missing(own: Times) -> int:
    rows = np.flatnonzero(own >= 0)
    return int(rows[-1] - rows[0] + 1 - len(rows)) if len(rows) else 0


def _shortest(time: Times) -> int:
    return int(np.diff(time).min()) if len(time) > 1 else 0
