"""Columns become rows; a row that lacks a time or a number is set aside with its reason and its text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from tallow.domain.columns import COLUMNS, Bars, Floats, FundingRates, Ticks, Times
from tallow.ports import Rejected
from tallow.venues.files.parse.content import Parsed
from tallow.venues.files.parse.times import BAD

Record = Callable[[int], str]
_TEXT_LIMIT = 2_000
_UUID_DIGITS = 15  # hexadecimal digits that always fit into 63 bits


def numbers(values: pl.Series | Sequence[Any]) -> Floats:
    """Read numbers or their texts; what is no number is NaN."""
    if isinstance(values, pl.Series):
        column = values.str.strip_chars() if values.dtype == pl.String else values
        return column.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy().astype(np.float64)
    try:
        return np.array(values, np.float64).reshape(len(values))
    except (TypeError, ValueError, OverflowError):
        return np.array([_number(value) for value in values], np.float64)


def whole_numbers(values: Sequence[Any]) -> NDArray[np.int64] | Floats:
    """Read integers exactly where all of them are, else as `numbers` does."""
    if any(isinstance(value, float) for value in values):
        return numbers(values)  # an integer array would cut the fractions off without a word
    try:
        return np.array(values, np.int64).reshape(len(values))
    except (TypeError, ValueError, OverflowError):
        return numbers(values)


def trade_ids(values: pl.Series | Sequence[Any]) -> Times:
    """Read trade ids: integers as they are, UUIDs by their first 60 bits, -1 where there is none.

    Example:
        >>> trade_ids(["42", "19d7df56-4f10-5290-a969-d9d9f2c74cc3", None]).tolist()
        [42, 116387658295477545, -1]
    """
    column = pl.Series(values, dtype=pl.String, strict=False) if not isinstance(values, pl.Series) else values
    whole = column.cast(pl.Int64, strict=False)
    ids = whole.fill_null(-1).to_numpy().astype(np.int64)
    for row in np.flatnonzero(whole.is_null().to_numpy()):
        ids[row] = _hashed(str(column[int(row)]))
    return np.where(ids < 0, -1, ids)


def maker_flags(values: pl.Series | Sequence[Any]) -> Floats:
    """Read whether the buyer was the maker from a side or a flag: 1, 0, or NaN where it cannot be told.

    Example:
        >>> maker_flags(["sell", "Buy", "True", "0", "?"]).tolist()
        [1.0, 0.0, 1.0, 0.0, nan]
    """
    column = pl.Series(values, dtype=pl.String, strict=False) if not isinstance(values, pl.Series) else values
    words = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    known = {"sell": 1.0, "s": 1.0, "true": 1.0, "1": 1.0, "buy": 0.0, "b": 0.0, "false": 0.0, "0": 0.0}
    return words.replace_strict(known, default=float("nan"), return_dtype=pl.Float64).fill_null(float("nan")).to_numpy()


def candle_rows(
    time: Times, columns: Mapping[str, Floats], record: Record, close_time: Times | None = None, **facts: Any
) -> Parsed:
    """Build candles; the optional columns may be NaN, but not infinite."""
    needed = [columns[name] for name in COLUMNS[1:6]]
    unbounded = [np.isinf(columns[name]) for name in COLUMNS[6:] if name in columns]
    finite = np.logical_and.reduce([np.isfinite(column) for column in needed])
    finite &= ~np.logical_or.reduce(unbounded) if unbounded else True
    good, rejected = _sort_out(time, finite, record)
    known = {name: columns[name][good] for name in COLUMNS[6:] if name in columns}
    bars = Bars.of(time[good], tuple(column[good] for column in needed), **known)  # type: ignore[arg-type]
    closes = None if close_time is None else np.where(close_time[good] == BAD, -1, close_time[good])
    return Parsed("candles", bars, close_time=closes, rejected=rejected, **facts)


def trade_rows(columns: Mapping[str, NDArray[Any]], record: Record, **facts: Any) -> Parsed:
    """Build trades from `time received trade_id price quantity buyer_is_maker`; the last as 1, 0 or NaN."""
    time, flag = columns["time"], columns["buyer_is_maker"]
    finite = np.isfinite(columns["price"]) & np.isfinite(columns["quantity"])
    good, rejected = _sort_out(time, finite, record, ~np.isnan(flag))
    received = columns["received"][good]
    ticks = Ticks(
        columns["trade_id"][good],
        time[good],
        np.where(received == BAD, time[good], received),
        np.ascontiguousarray(columns["price"][good]),
        np.ascontiguousarray(columns["quantity"][good]),
        flag[good] == 1.0,
    )
    return Parsed("trades", ticks, rejected=rejected, **facts)


def funding_rows(time: Times, rate: Floats, record: Record, **facts: Any) -> Parsed:
    """Build funding payments."""
    good, rejected = _sort_out(time, np.isfinite(rate), record)
    return Parsed("funding", FundingRates(time[good], rate[good]), rejected=rejected, **facts)


def json_record(rows: Sequence[Any]) -> Record:
    """Show rows of a decoded payload as JSON."""
    return lambda row: msgspec.json.encode(rows[row]).decode()[:_TEXT_LIMIT]


def frame_record(frame: pl.DataFrame) -> Record:
    """Show rows of a table as comma-separated cells."""
    return lambda row: ",".join("" if cell is None else str(cell) for cell in frame.row(row))[:_TEXT_LIMIT]


def _sort_out(
    time: Times, finite: NDArray[np.bool_], record: Record, readable: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.bool_], tuple[Rejected, ...]]:
    timely, whole = time != BAD, np.ones(len(time), bool) if readable is None else readable
    good = timely & finite & whole
    rejected = []
    for row in np.flatnonzero(~good):
        reason = "BAD_TIME" if not timely[row] else "NOT_FINITE" if not finite[row] else "UNREADABLE_ROW"
        rejected.append(Rejected(int(row), reason, record(int(row))))
    return good, tuple(rejected)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _hashed(text: str) -> int:
    digits = text.replace("-", "")[:_UUID_DIGITS]
    try:
        return int(digits, 16) if len(digits) == _UUID_DIGITS else -1
    except ValueError:
        return -1
