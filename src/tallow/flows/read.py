"""Read one series out of the lake, as the kernels want it."""

from typing import TYPE_CHECKING

import numpy as np

from tallow.domain.columns import COLUMNS, Bars, FundingRates
from tallow.domain.errors import UserError, nearest
from tallow.domain.market import Instrument
from tallow.domain.ranges import EVERYTHING, TimeRange, iso
from tallow.domain.tables import GOLD_CANDLES, SILVER_FUNDING
from tallow.domain.timeframes import Timeframe, parse_timeframe
from tallow.ports import Lake

if TYPE_CHECKING:
    import polars as pl

_FETCHED = "binance"  # the venue whose history `tallow ingest` fetches


def read_candles(
    lake: Lake, instrument: Instrument, timeframe: Timeframe, span: TimeRange = EVERYTHING, version: int | None = None
) -> tuple[Bars, str]:
    """Read gold candles that open inside `span`, and their origin (``native``, ``trades`` or a finer timeframe).

    Raises:
        UserError: NO_DATA, with what the lake holds and the command that fetches the rest.
    """
    frame = lake.read(GOLD_CANDLES, series(instrument, timeframe), span, version=version)
    if frame.is_empty():
        raise no_data(lake, instrument, timeframe, span)
    origins = frame["origin"].unique().sort().to_list()
    return to_bars(frame), "+".join(origins)


def read_funding(
    lake: Lake, instrument: Instrument, span: TimeRange, version: int | None = None
) -> FundingRates | None:
    """Read a perpetual's funding inside `span`; None when the lake has none."""
    where = {"venue": instrument.venue, "symbol": instrument.symbol}
    frame = lake.read(SILVER_FUNDING, where, span, version=version)
    if frame.is_empty():
        return None
    return FundingRates(microseconds(frame, "time"), frame["rate"].to_numpy().astype(np.float64))


def series(instrument: Instrument, timeframe: Timeframe) -> dict[str, str]:
    """Name one series of candles as the lake partitions it."""
    return {"venue": instrument.venue, "symbol": instrument.symbol, "timeframe": str(timeframe)}


def to_bars(frame: "pl.DataFrame") -> Bars:
    """Turn candle rows, already sorted, into columns; null becomes NaN."""
    values = [frame[name].cast(float).fill_null(np.nan).to_numpy() for name in COLUMNS[1:]]
    return Bars(microseconds(frame, "time"), *(np.ascontiguousarray(value, np.float64) for value in values))


def microseconds(frame: "pl.DataFrame", name: str) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Give a time column as int64 microseconds."""
    return np.ascontiguousarray(frame[name].to_physical().to_numpy(), np.int64)


def no_data(lake: Lake, instrument: Instrument, timeframe: Timeframe, span: TimeRange) -> UserError:
    """Say what is missing, what exists, and what to type."""
    kinds = lake.read(GOLD_CANDLES, columns=("venue", "symbol", "timeframe", "time"))
    mine = kinds.filter((kinds["venue"] == instrument.venue) & (kinds["symbol"] == instrument.symbol))
    flags = f"-s {instrument} -t {timeframe}"
    facts: dict[str, object] = {}
    commands: list[str] = []
    if mine.is_empty():
        names = sorted({f"{venue}:{symbol}" for venue, symbol in kinds.select("venue", "symbol").iter_rows()})
        facts["lake holds"] = ", ".join(names[:8]) + (" ..." if len(names) > 8 else "") or "no candles at all"
        commands += [
            f"tallow backtest STRATEGY -s {name} -t {timeframe}" for name in nearest(str(instrument), names, 1)
        ]
    else:
        for (label,), rows in mine.group_by("timeframe", maintain_order=True):
            name = str(label)
            first, last = microseconds(rows, "time")[[0, -1]]
            facts[f"lake holds {name}"] = (
                f"{iso(first)}..{iso(parse_timeframe(name).next(last))}  ({len(rows):,} candles)"
            )
            if name == str(timeframe):
                commands.append(f"tallow backtest STRATEGY {flags}")
    wanted = f"{instrument.symbol} -t {timeframe} --timerange {_range(span)}"
    commands += [f"tallow ingest {instrument.venue} {wanted}"] if instrument.venue == _FETCHED else []
    commands.append("tallow catalog")
    return UserError(
        "NO_DATA",
        f"no {timeframe} candles of {instrument}{_inside(span)}",
        facts=facts,
        commands=commands,
        exit="no data",
    )


def _inside(span: TimeRange) -> str:
    return "" if span == EVERYTHING else f" in {span}"


def _range(span: TimeRange) -> str:
    start, end = (
        "" if moment in (EVERYTHING.start, EVERYTHING.end) else iso(moment) for moment in (span.start, span.end)
    )
    return f"{start}..{end}" if start or end else "2024-01-01.."
