"""LEAN's zipped tables: times are milliseconds of the day that the file's name gives, or `yyyymmdd hh:mm`."""

import re

import numpy as np
import polars as pl

from tallow.domain.columns import Times
from tallow.domain.timeframes import DAY, HOUR, MINUTE, SECOND, Timeframe
from tallow.venues.files.parse.content import Content, Hints, Parsed
from tallow.venues.files.parse.rows import candle_rows, frame_record, funding_rows, numbers
from tallow.venues.files.parse.tables import read_table
from tallow.venues.files.parse.times import BAD, moments

_DAY_IN_NAME = re.compile(r"(?:^|[/\\])(\d{8})_[^/\\]*$")
_DATED = re.compile(r"\d{8} \d\d:\d\d(:\d\d)?")
_DAY_MILLISECONDS = DAY // 1_000
_STEPS = {SECOND: Timeframe(1, "s"), MINUTE: Timeframe(1, "m"), HOUR: Timeframe(1, "h"), DAY: Timeframe(1, "d")}


def is_lean_candles(content: Content) -> bool:
    """Whether the cells are those of a LEAN trade bar."""
    return len(content.cells) == 6 and _is_lean(content)


def is_lean_quotes(content: Content) -> bool:
    """Whether the cells are those of a LEAN quote bar: bid and ask candles with sizes."""
    return len(content.cells) == 11 and _is_lean(content)


def is_lean_funding(content: Content) -> bool:
    """Whether the cells are a dated funding rate."""
    return len(content.cells) == 2 and bool(_DATED.fullmatch(content.cells[0]))


def read_lean_candles(content: Content, hints: Hints) -> list[Parsed]:
    """Read trade bars; in futures settled in the coin, volume counts contracts."""
    frame = read_table(content)
    time = moments(frame["0"]) if _DATED.fullmatch(content.cells[0]) else _time_of_day(frame["0"], content.name)
    columns = {name: numbers(frame[place]) for name, place in zip(_COLUMNS, "12345", strict=True)}
    return [candle_rows(time, columns, frame_record(frame), timeframe=_length(time))]


def read_lean_funding(content: Content, hints: Hints) -> list[Parsed]:
    """Read funding rates of a `margin_interest` file."""
    frame = read_table(content)
    return [funding_rows(moments(frame["0"]), numbers(frame["1"]), frame_record(frame))]


_COLUMNS = ("open", "high", "low", "close", "volume")


def _is_lean(content: Content) -> bool:
    first = content.cells[0]
    if _DATED.fullmatch(first):
        return True
    return first.isdigit() and int(first) < _DAY_MILLISECONDS and bool(_DAY_IN_NAME.search(content.name))


def _time_of_day(column: pl.Series, name: str) -> Times:
    match = _DAY_IN_NAME.search(name)
    midnight = moments(pl.Series([f"{match[1] if match else ''} 00:00"]))[0]
    within = column.str.strip_chars().cast(pl.Int64, strict=False).fill_null(-1).to_numpy().astype(np.int64)
    inside = (within >= 0) & (within < _DAY_MILLISECONDS) & (midnight != BAD)
    return np.where(inside, midnight + within * 1_000, BAD)


def _length(time: Times) -> Timeframe | None:
    steps = np.diff(np.unique(time[time != BAD]))
    return _STEPS.get(int(steps.min())) if len(steps) else None
