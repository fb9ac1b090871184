"""Weights: the form of a portfolio strategy, and three rules to begin with. None of them looks ahead.

A rule on arrays takes a table of closes, one row a time and one column an instrument, NaN where an instrument has no
bar. It gives a table of weights whose rows add up to 1 without sign, or to 0 where nothing is known yet. An instrument
without a bar is judged by its last one; before its first it has no weight. The order of the columns changes nothing.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from tallow.core.indicators import rolling_std
from tallow.core.indicators.inputs import checked_window
from tallow.core.portfolio.panel import Panel, align
from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import UserError

Weigh = Callable[..., object]
"""A portfolio strategy: `weights(frames, *, ...)`, where frames are symbol -> bars; gives a table of weights."""


def close_table(panel: Panel) -> Floats:
    """Give the closes of every instrument at every time of the panel; NaN where it has no bar."""
    table = np.full((len(panel), len(panel.symbols)), np.nan)
    for i, market in enumerate(panel.markets):
        table[panel.rows_of(i), i] = market.columns.close
    return table


def equal_weight(close: Floats) -> Floats:
    """Give every instrument that has had a bar the same weight.

    Example:
        >>> equal_weight(np.array([[1.0, np.nan], [2.0, 3.0], [2.0, np.nan]])).tolist()
        [[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]]
    """
    return _shares(np.logical_or.accumulate(~np.isnan(_table(close)), axis=0).astype(np.float64))


def inverse_volatility(close: Floats, *, window: int = 30) -> Floats:
    """Weigh by 1 / deviation of the log returns of the last `window` bars; one that does not vary has no weight.

    Raises:
        UserError: BAD_PARAMETER when the window is below 2.
    """
    bars = checked_window(window, least=2)
    spread = _by_column(_table(close), lambda own: _deviation(own, bars))
    with np.errstate(divide="ignore"):
        return _shares(np.where(spread > 0.0, 1.0 / spread, 0.0))


def momentum(close: Floats, *, window: int = 90, top: int = 3, short: bool = False) -> Floats:
    """Hold the `top` instruments whose price rose most over `window` bars; with `short`, sell as many at the end.

    Equal weights. Instruments that rose alike are held alike, so more than `top` may be. With `short` each side gets
    half of the weight, an instrument on both sides none, and a row needs twice `top` instruments.

    Example:
        >>> momentum(np.array([[1.0, 1.0, 1.0], [1.0, 3.0, 2.0]]), window=1, top=1).tolist()
        [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]

    Raises:
        UserError: BAD_PARAMETER when a number is below 1.
    """
    bars, count = checked_window(window), checked_window(top, "top")
    rise = _by_column(_table(close), lambda own: _change(own, bars))
    best = _highest(rise, count)
    if not short:
        return _shares(best.astype(np.float64))
    enough = (np.count_nonzero(~np.isnan(rise), axis=1) >= 2 * count)[:, None]
    long, sold = (
        _shares((best & enough).astype(np.float64)),
        _shares((_highest(-rise, count) & enough).astype(np.float64)),
    )
    return (long - sold) / 2.0


BUILT_IN: Mapping[str, Callable[..., Floats]] = MappingProxyType(
    {rule.__name__: rule for rule in (equal_weight, inverse_volatility, momentum)}
)
"""Name -> rule on a table of closes."""


def evaluate(weights: Weigh, bars: Mapping[str, Bars], parameters: Mapping[str, object] | None = None) -> Floats:
    """Call a portfolio strategy and give its weights as a table of floats in the order of the symbols.

    It may give an array, one row a time of the union of all times and one column a symbol; a mapping of symbol to
    such a column; or a table with `columns` that are symbols. NaN keeps the last weight.

    Example:
        >>> column = np.array([1.0, 2.0])
        >>> bars = Bars.of(np.array([0, 60_000_000]), (column, column, column, column, column))
        >>> evaluate(lambda frames: {symbol: np.ones(2) for symbol in frames}, {"A/USDT": bars}).tolist()
        [[1.0], [1.0]]

    Raises:
        UserError: WEIGHTS_SHAPE when it gives another shape or other symbols.
    """
    found = weights(bars, **(parameters or {}))
    shape = len(align(bars)), len(bars)
    table = _from_named(found, tuple(bars), shape)
    if table.shape != shape:
        raise _bad_shape(f"weights of shape {table.shape} for {shape[0]} times and {shape[1]} instruments", bars, shape)
    return table


def _from_named(found: object, symbols: tuple[str, ...], shape: tuple[int, int]) -> Floats:
    names = list(found) if isinstance(found, Mapping) else getattr(found, "columns", None)
    try:
        if names is None:
            return np.asarray(found, np.float64)
        if sorted(map(str, names)) != sorted(symbols):
            raise _bad_shape(f"weights for {', '.join(map(str, names))}", symbols, shape)
        columns = [np.asarray(found[symbol], np.float64) for symbol in symbols]  # type: ignore[index]
        return np.column_stack(columns) if columns else np.zeros((0, 0))
    except (TypeError, ValueError) as problem:
        raise _bad_shape(f"the weights are not a table of numbers: {problem}", symbols, shape) from None


def _bad_shape(message: str, symbols: Mapping[str, Bars] | tuple[str, ...], shape: tuple[int, int]) -> UserError:
    return UserError(
        "WEIGHTS_SHAPE",
        message,
        facts={"valid": f"{shape[0]} rows, one column each for {', '.join(symbols)}; NaN keeps the last weight"},
        commands=["tallow explain WEIGHTS_SHAPE"],
    )


def _table(close: Floats) -> Floats:
    table = np.asarray(close, np.float64)
    if table.ndim != 2:
        raise UserError(
            "BAD_PARAMETER",
            f"closes of shape {table.shape} are no table",
            facts={"valid": "one row a time, one column an instrument"},
        )
    return table


def _shares(raw: Floats) -> Floats:
    # Rows that add up to 1. Summed from the smallest on, so that the order of the columns does not matter.
    total = np.sort(raw, axis=1).sum(axis=1, keepdims=True)
    shares: Floats = np.divide(raw, total, out=np.zeros_like(raw), where=total > 0.0)
    return shares


def _by_column(close: Floats, figure: Callable[[Floats], Floats]) -> Floats:
    # A figure of each instrument's own bars, kept until its next one.
    found = np.full(close.shape, np.nan)
    for i in range(close.shape[1]):
        rows = np.flatnonzero(~np.isnan(close[:, i]))
        if len(rows):
            place = np.searchsorted(rows, np.arange(rows[0], len(close)), side="right") - 1
            found[rows[0] :, i] = figure(close[rows, i])[place]
    return found


def _deviation(close: Floats, window: int) -> Floats:
    return np.concatenate(([np.nan], rolling_std(np.diff(np.log(close)), window)))


def _change(close: Floats, window: int) -> Floats:
    found = np.full(len(close), np.nan)
    found[window:] = close[window:] / close[:-window] - 1.0
    return found


def _highest(figure: Floats, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    # The instruments with the `count` largest figures of each row, and any that are level with the last of them.
    known = np.sort(np.where(np.isnan(figure), -np.inf, figure), axis=1)
    if not figure.size:
        return np.zeros(figure.shape, np.bool_)
    least = known[:, [-min(count, figure.shape[1])]]
    return ~np.isnan(figure) & (figure >= least)
