"""Bars as the frame a strategy sees, and what it returns as numbers: the one place of either conversion."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tallow.core.strategies.rounding import settle
from tallow.domain.columns import COLUMNS, Bars, Floats, Targets
from tallow.domain.errors import UserError
from tallow.domain.timeframes import Timeframe

TIMEFRAME = "timeframe"  # under this name a frame's attrs hold the length of its bars
_NAMES = COLUMNS[1:]
_SHELF: ContextVar[list[tuple[Bars, Timeframe | None, pd.DataFrame]] | None] = ContextVar("shelf", default=None)
_LONG = 10_000  # bars from which on a frame shares their memory
_INDEX = pd.Index(_NAMES)


def to_frame(bars: Bars, timeframe: Timeframe | None = None) -> pd.DataFrame:
    """Copy bars into a frame of their own: index `timestamp` (UTC, the bar's open), float64 columns.

    Nothing done to the frame reaches the bars. Its `attrs` hold the timeframe, where it is given.
    """
    index = pd.DatetimeIndex(bars.time.view("M8[us]"), name="timestamp").tz_localize("UTC")
    block = np.empty((len(_NAMES), len(bars)))
    for row, name in zip(block, _NAMES, strict=True):
        row[:] = getattr(bars, name)
    frame = pd.DataFrame(block.T, index=index, columns=_INDEX, copy=False)
    if timeframe is not None:
        frame.attrs[TIMEFRAME] = str(timeframe)
    return frame


@contextmanager
def lent_frame(bars: Bars, timeframe: Timeframe | None = None) -> Iterator[pd.DataFrame]:
    """Give a frame for the length of one call; a long one shares the memory of the bars until it is written to.

    Copying ten million bars takes longer than a backtest on them. What writes to the frame gets a copy of the column.
    """
    if len(bars) < _LONG:
        yield to_frame(bars, timeframe)
        return
    shelf = _SHELF.get()
    kept = (
        None
        if shelf is None
        else next((frame for owner, of, frame in shelf if owner is bars and of == timeframe), None)
    )
    original = _original(bars, timeframe) if kept is None else kept
    if shelf is not None and kept is None:
        shelf[:] = [(bars, timeframe, original)]
    # While the original lives, pandas copies before it writes.
    yield original.copy(deep=False)


@contextmanager
def keeping_frame() -> Iterator[None]:
    """Within a `with` block, lend the same long frame again and again: making one takes as long as a backtest."""
    token = _SHELF.set([])
    try:
        yield
    finally:
        _SHELF.reset(token)


def _original(bars: Bars, timeframe: Timeframe | None) -> pd.DataFrame:
    index = pd.DatetimeIndex(bars.time.view("M8[us]"), name="timestamp").tz_localize("UTC")
    frame = pd.DataFrame({name: _locked(getattr(bars, name)) for name in _NAMES}, index=index, copy=False)
    if timeframe is not None:
        frame.attrs[TIMEFRAME] = str(timeframe)
    return frame


def _locked(values: Floats) -> Floats:
    view = values.view()
    view.flags.writeable = False
    return view


def to_bars(frame: pd.DataFrame) -> Bars:
    """Read a frame of candles: a time index, or a column `date` or `timestamp`; times without zone are UTC.

    Raises:
        UserError: BAD_FRAME naming what is missing.
    """
    moments = next((frame[name] for name in ("date", "timestamp") if name in frame.columns), frame.index)
    missing = [name for name in COLUMNS[1:6] if name not in frame.columns]
    if missing or getattr(moments.dtype, "kind", "") != "M":
        raise UserError(
            "BAD_FRAME",
            "the frame does not hold candles",
            facts={
                "missing": ", ".join(missing) or "a time index",
                "received": ", ".join(map(str, frame.columns)),
                "valid": "the frame that a strategy is given, with its columns open high low close volume",
            },
        )
    time = pd.DatetimeIndex(pd.to_datetime(moments, utc=True)).as_unit("us").asi8
    first, high, low, close, volume = (frame[name].to_numpy(np.float64) for name in COLUMNS[1:6])
    known = {name: frame[name].to_numpy(np.float64) for name in COLUMNS[6:] if name in frame.columns}
    return Bars.of(time, (first, high, low, close, volume), **known)


def to_floats(output: object, rows: int, *, finite: bool = True) -> Floats:
    """Read what a strategy returned as numbers, truth values as 1 and 0; else as `to_targets`."""
    return to_targets(output, rows, finite=finite).astype(np.float64, copy=False)


def to_targets(output: object, rows: int, *, finite: bool = True) -> Targets:
    """Read what a strategy returned: one number or truth value a bar, NaN where it keeps the last target.

    Takes a pandas or polars Series, an array or a list; a missing value becomes NaN. Truth values stay what they are.

    Raises:
        UserError: BAD_OUTPUT when the length is wrong, a value is no number, or (if `finite`) is infinite.
    """
    values = _one_a_bar(output, rows)
    if values.dtype.kind == "b":
        return np.array(values)
    targets = _as_numbers(values, type(output).__name__)
    if finite and np.isinf(targets).any():
        raise _bad(f"is infinite at row {int(np.flatnonzero(np.isinf(targets))[0])}", type(output).__name__)
    settle(targets)
    return targets


def _one_a_bar(output: object, rows: int) -> "NDArray[Any]":
    if isinstance(output, pd.Series) and not (output.index.is_monotonic_increasing and output.index.is_unique):
        raise _bad("has an index in another order than the bars", f"Series indexed by {output.index[:3].tolist()} ...")
    values = _as_array(output)
    if values is None or values.ndim != 1:
        shape = getattr(output, "shape", None)
        raise _bad("is not one number a bar", type(output).__name__ + (f" of shape {shape}" if shape else ""))
    if len(values) != rows:
        raise _bad(f"has {len(values)} values for {rows} bars", type(output).__name__)
    return values


def _as_numbers(values: "NDArray[Any]", received: str) -> Floats:
    try:
        if values.dtype.kind == "O" and any(isinstance(value, (str, bytes)) for value in values):
            raise TypeError
        return np.array(values, np.float64)
    except (TypeError, ValueError) as problem:
        raise _bad("is not numeric", f"{received} of {values.dtype}") from problem


def _as_array(output: object) -> "NDArray[Any] | None":
    if isinstance(output, pd.Series):
        plain = isinstance(output.dtype, np.dtype)
        return _numbers(output.to_numpy() if plain else output.to_numpy(object))
    if hasattr(output, "to_numpy") and not isinstance(output, pd.DataFrame):
        output = output.to_numpy()
    if not isinstance(output, (list, tuple, np.ndarray)):
        return None
    try:
        return _numbers(np.asarray(output))
    except ValueError:
        return None


def _numbers(array: "NDArray[Any]") -> "NDArray[Any]":
    """Put NaN for None and pd.NA; what is no number stays an object, for the caller to refuse."""
    if array.dtype.kind in "biuf" or array.ndim != 1:
        return array
    if array.dtype.kind != "O":
        return array.astype(object)
    return np.where(pd.isna(array), np.nan, array)


def _bad(what: str, received: str) -> UserError:
    return UserError(
        "BAD_OUTPUT",
        f"the strategy's output {what}",
        facts={"received": received, "valid": "one target a bar: Series, array or list of numbers, NaN to keep"},
        exit="failed",
    )
