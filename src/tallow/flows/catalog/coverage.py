"""Which stretches of a series exist, and what is known to be missing of it."""

from dataclasses import dataclass

from tallow.core.bars import close_times
from tallow.core.clean import gaps
from tallow.domain.market import Instrument
from tallow.domain.ranges import EVERYTHING, TimeRange
from tallow.domain.tables import GOLD_CANDLES, INCOMPLETE, META_GAPS
from tallow.domain.timeframes import Timeframe
from tallow.flows.read import microseconds, series
from tallow.ports import Lake


@dataclass(frozen=True)
class Gap:
    """A known hole or incident: its moments, what is missing in it, and the cause.

    `missing` counts candles in a hole, finer candles in one that is INCOMPLETE, and is 0 for other incidents of candles
    that are there, such as ZERO_VOLUME and TRUNCATED.
    """

    span: TimeRange
    missing: int
    cause: str

    @property
    def is_incomplete(self) -> bool:
        """Whether a candle is there, made of fewer finer ones than it should be."""
        return self.cause == INCOMPLETE

    @property
    def is_hole(self) -> bool:
        """Whether candles are missing."""
        return self.missing > 0 and not self.is_incomplete

    @property
    def unit(self) -> str:
        """What `missing` counts."""
        return ("finer candles" if self.is_incomplete else "candles") if self.missing else ""


@dataclass(frozen=True)
class Coverage:
    """What gold holds of one series.

    Attributes:
        ranges: stretches without a missing candle, ascending; their ends are not included.
        gaps: holes and incidents, as meta.gaps has them.
        rows: candles.
        missing: candles missing between the first and the last one.
        version: version of gold.candles that last changed the series; None when there is nothing.
        origins: where the candles come from: ``native``, ``trades`` or a finer timeframe.
    """

    instrument: Instrument
    timeframe: Timeframe
    ranges: tuple[TimeRange, ...] = ()
    gaps: tuple[Gap, ...] = ()
    rows: int = 0
    missing: int = 0
    version: int | None = None
    origins: tuple[str, ...] = ()

    @property
    def span(self) -> TimeRange | None:
        """From the first open to the last close; None when there is nothing."""
        return TimeRange(self.ranges[0].start, self.ranges[-1].end) if self.ranges else None


def coverage(lake: Lake, instrument: Instrument, timeframe: Timeframe, span: TimeRange = EVERYTHING) -> Coverage:
    """Say which stretches of gold candles exist inside `span`, and what is known to be missing."""
    where = series(instrument, timeframe)
    rows = lake.read(GOLD_CANDLES, where, span, columns=("time", "origin"))
    times = microseconds(rows, "time")
    if not len(times):
        return Coverage(instrument, timeframe)
    holes = gaps(times, timeframe)
    starts = [int(times[0]), *(hole.end for hole in holes)]
    ends = [*(hole.start for hole in holes), int(close_times(times[-1:], timeframe)[0])]
    return Coverage(
        instrument,
        timeframe,
        tuple(TimeRange(start, end) for start, end in zip(starts, ends, strict=True)),
        known_gaps(lake, instrument, timeframe, span),
        len(times),
        sum(hole.missing for hole in holes),
        lake.version(GOLD_CANDLES, where),
        tuple(rows["origin"].unique().sort().to_list()),
    )


def known_gaps(
    lake: Lake, instrument: Instrument, timeframe: Timeframe, span: TimeRange = EVERYTHING
) -> tuple[Gap, ...]:
    """List what meta.gaps says of a series of gold candles and touches `span`, in ascending order.

    Native candles inherit what is said of silver; built ones have rows of their own.
    """
    import polars as pl

    rows = lake.read(META_GAPS, series(instrument, timeframe))
    rows = rows.filter(pl.col("table_name").is_in(["silver.candles", "gold.candles"])).sort("start", "end", "cause")
    found = [
        Gap(TimeRange(start, end), missing, cause)
        for start, end, missing, cause in zip(
            microseconds(rows, "start").tolist(),
            microseconds(rows, "end").tolist(),
            rows["missing"].to_list(),
            rows["cause"].to_list(),
            strict=True,
        )
    ]
    return tuple(gap for gap in found if gap.span.start < span.end and gap.span.end > span.start)
