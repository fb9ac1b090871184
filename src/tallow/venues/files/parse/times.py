"""Times of any spelling and unit become microseconds; what is no time of this market's history becomes `BAD`."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tallow.domain.columns import Times

BAD: Final = -(2**63)
FIRST: Final = 1_230_940_800  # 2009-01-03 in seconds
LAST: Final = 4_102_444_800  # 2100-01-01
_FORMATS = (
    ("%Y-%m-%d %H:%M:%S%.f", r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$"),
    ("%Y-%m-%d %H:%M", r"^\d{4}-\d\d-\d\d \d\d:\d\d$"),
    ("%Y-%m-%d %I:%M %p", r"^\d{4}-\d\d-\d\d \d\d:\d\d [AP]M$"),
    ("%Y%m%d %H:%M:%S", r"^\d{8} \d\d:\d\d:\d\d$"),
    ("%Y%m%d %H:%M", r"^\d{8} \d\d:\d\d$"),
)
_DAY = r"^\d{4}-\d\d-\d\d$"


def epoch(values: NDArray[np.int64] | NDArray[np.float64]) -> Times:
    """Turn numbers since 1970 into microseconds, telling s, ms, us and ns apart by size, row by row.

    From 2009 to 2100 the four units do not overlap, so a column in which the unit changes (Binance went from
    milliseconds to microseconds in 2025) is read without doubt. Everything else is `BAD`.

    Example:
        >>> epoch(np.array([1735689600, 1735689600000, 1735689600000000, 12])).tolist()[:3]
        [1735689600000000, 1735689600000000, 1735689600000000]
    """
    whole = np.issubdtype(values.dtype, np.integer)
    times = np.full(len(values), BAD, np.int64)
    for per_second in (1, 1_000, 1_000_000, 1_000_000_000):
        rows = (values >= FIRST * per_second) & (values < LAST * per_second)
        if not rows.any():
            continue
        if per_second <= 1_000_000:
            scaled = values[rows] * (1_000_000 // per_second)
            times[rows] = scaled if whole else np.rint(scaled).astype(np.int64)
        else:
            times[rows] = (values[rows] // 1_000).astype(np.int64)
    return times


def moments(column: pl.Series) -> Times:
    """Turn a column of times, numbers or text into microseconds; what cannot be read is `BAD`."""
    if isinstance(column.dtype, pl.Datetime | pl.Date):
        instants = column.cast(pl.Datetime("us", getattr(column.dtype, "time_zone", None))).dt.epoch("us")
        return instants.fill_null(BAD).to_numpy().astype(np.int64)
    if column.dtype.is_integer():
        return epoch(column.cast(pl.Int64).fill_null(BAD).to_numpy())
    if column.dtype.is_float():
        return epoch(column.cast(pl.Float64).fill_null(float("nan")).to_numpy())
    return _read_text(column.cast(pl.String).str.strip_chars())


def _read_text(column: pl.Series) -> Times:
    whole = column.cast(pl.Int64, strict=False)
    times = epoch(whole.fill_null(BAD).to_numpy())
    rest = np.flatnonzero(whole.is_null().to_numpy())
    if len(rest):
        others = column.gather(rest)
        decimals = others.cast(pl.Float64, strict=False)
        times[rest] = epoch(decimals.fill_null(float("nan")).to_numpy())
        written = np.flatnonzero(decimals.is_null().to_numpy())
        times[rest[written]] = _read_dates(others.gather(written))
    return times


def _read_dates(column: pl.Series) -> Times:
    # "2019-10-17 09-AM" lacks the minutes that every date parser asks for.
    text = (
        column.str.replace(r"(Z| UTC|\+00:?00)$", "")
        .str.replace(r"^(\d{4}-\d\d-\d\d)T", "$1 ")
        .str.replace(r" (\d\d)-([AP]M)$", " $1:00 $2")
        .str.replace(_DAY, "$0 00:00")
    )
    frame = text.to_frame("text")
    readings = [
        pl.when(pl.col("text").str.contains(shape)).then(
            pl.col("text").str.to_datetime(form, time_unit="us", strict=False, exact=True)
        )
        for form, shape in _FORMATS
    ]
    found = frame.select(pl.coalesce(readings).dt.epoch("us"))["text"]
    times = found.fill_null(BAD).to_numpy().astype(np.int64)
    return np.where((times >= FIRST * 1_000_000) & (times < LAST * 1_000_000), times, BAD)
