"""What flows ask of the world: protocols with at least one embedded and one scaled-out implementation."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from tallow.domain.columns import Bars, Floats, FundingRates, Ticks, Times
from tallow.domain.holdout import Opening, Seal
from tallow.domain.market import Instrument
from tallow.domain.ranges import TimeRange
from tallow.domain.results import Filed, Result
from tallow.domain.scene import Value
from tallow.domain.sent import Decisions
from tallow.domain.sweep import Evaluated, Row
from tallow.domain.tables import Table
from tallow.domain.timeframes import Timeframe
from tallow.domain.trials import Dataset

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["candles", "trades", "funding", "instruments"]


class Clock(Protocol):
    """The only source of the present."""

    def now(self) -> int:
        """Give the wall clock, microseconds since 1970 UTC."""
        ...

    def monotonic(self) -> float:
        """Give seconds on a clock that never steps back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True)
class Payload:
    """Bytes as they came, with what is known of them.

    Attributes:
        source: path or URL, without secrets.
        format: name of the parser that reads the bytes, such as ``binance-klines`` or ``feather``.
        received_time: microseconds UTC.
    """

    content: bytes
    source: str
    format: str
    received_time: int


@dataclass(frozen=True)
class InstrumentRule:
    """Trading rules of one instrument; NaN where the venue does not tell."""

    instrument: Instrument
    status: str
    tick_size: float
    lot_size: float
    min_notional: float


@dataclass(frozen=True)
class Rejected:
    """A row the parser could not read: its place, the reason code, the row as text."""

    row: int
    reason: str
    record: str


@dataclass(frozen=True)
class Page:
    """One payload and the rows read from it, in the payload's own order, nothing cleaned.

    `rows` is `Bars` for candles, `Ticks` for trades, `FundingRates` for funding, a tuple of rules for instruments.
    `close_time` is given where the venue states it (microseconds of the last instant + 1 unit, exclusive).
    """

    payload: Payload
    kind: Kind
    instrument: Instrument
    rows: "Bars | Ticks | FundingRates | tuple[InstrumentRule, ...]"
    timeframe: Timeframe | None = None
    close_time: Times | None = None
    rejected: tuple[Rejected, ...] = ()


class Feed(Protocol):
    """A venue's public market data. Pages come in ascending time; asking again for what exists is harmless."""

    venue: str

    def instruments(self) -> Iterator[Page]:
        """Fetch the trading rules."""
        ...

    def candles(self, instrument: Instrument, timeframe: Timeframe, span: TimeRange) -> Iterator[Page]:
        """Fetch closed candles that open inside `span`."""
        ...

    def trades(self, instrument: Instrument, span: TimeRange, after_id: int | None = None) -> Iterator[Page]:
        """Fetch trades inside `span`, or from the id after `after_id` up to the end of `span`."""
        ...

    def funding(self, instrument: Instrument, span: TimeRange) -> Iterator[Page]:
        """Fetch funding payments inside `span`."""
        ...


@dataclass(frozen=True)
class Origin:
    """Who writes, and from what: becomes the lineage rows of a write."""

    job: str
    inputs: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """What a write did: rows added, and the table's version afterwards (unchanged when nothing was new)."""

    table: str
    rows: int
    version: int


class Lake(Protocol):
    """Versioned tables. Every write is one atomic commit; a row that exists under its key is never added twice."""

    def write(self, table: Table, rows: "pl.DataFrame", origin: Origin) -> Written:
        """Add the rows whose key is new; existing keys are left as they are; no new row means no new version."""
        ...

    def replace(self, table: Table, rows: "pl.DataFrame", where: Mapping[str, str], origin: Origin) -> Written:
        """Make `rows` the whole content of the partition `where`; equal content means no new version."""
        ...

    def read(
        self,
        table: Table,
        where: Mapping[str, str] | None = None,
        span: TimeRange | None = None,
        *,
        version: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> "pl.DataFrame":
        """Read rows, sorted by the table's key; an absent table has no rows."""
        ...

    def version(self, table: Table, where: Mapping[str, str] | None = None) -> int | None:
        """Give the version that last changed the table, or the series `where`; None when there is nothing."""
        ...

    def query(self, sql: str) -> "pl.DataFrame":
        """Run one SELECT over the tables by their full names."""
        ...

    def location(self, table: Table) -> str:
        """Give the path or URL where other engines find the table."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the only writer's place; raises TransientError BUSY when another process has it."""
        ...


class Strategy(Protocol):
    """Code that maps bars to decisions, each made with what is known at its bar's close.

    `targets` returns one number per bar: 1 is all equity long, -1 all equity short, NaN keeps the last target; or one
    truth value per bar: all equity long, or flat; or, for a strategy that works with orders, what it sent.
    """

    @property
    def name(self) -> str:
        """What the strategy is called."""
        ...

    @property
    def source(self) -> str:
        """Text that decides its output."""
        ...

    @property
    def parameters(self) -> Mapping[str, Value]:
        """Every parameter with its value."""
        ...

    def targets(self, bars: Bars) -> Decisions:
        """Decide for every bar."""
        ...


class Records(Protocol):
    """Stored results."""

    def save(self, result: Result) -> None:
        """Store under the key; storing the same key again changes nothing."""
        ...

    def load(self, key: str) -> Result | None:
        """Give the backtest whose key starts with `key`; None when there is none, or it is of another kind."""
        ...

    def file(self, result: Filed) -> None:
        """Store a result of another kind under its key; the same key again adds evidence at most."""
        ...

    def filed(self, key: str) -> Filed | None:
        """Give the result of another kind whose key starts with `key`; None when there is none, or a backtest."""
        ...

    def remove(self, key: str) -> int:
        """Delete the result with this very key; give how many were deleted."""
        ...

    def list(self, limit: int = 50) -> "list[Mapping[str, object]]":
        """Give the newest results of all kinds first: key, kind, created, instruments, digest, verdict, metrics, ..."""
        ...

    def keep(self, key: str, dataset: Dataset, found: Evaluated, trials: Sequence[bytes]) -> None:
        """Store finished combinations of a sweep, and count those that did not fail as `trials`, in one commit."""
        ...

    def finished(self, key: str) -> Iterator[Evaluated]:
        """Give what is stored of a sweep, in the order in which it was stored."""
        ...

    def count_trials(self, dataset: Dataset, trials: Sequence[bytes], sharpes: Floats) -> None:
        """Count trials on a dataset, each with its Sharpe ratio a bar; one that is known is not counted again.

        A trial that is counted once with NaN has no ratio from then on.
        """
        ...

    def trials(self, dataset: Dataset) -> tuple[int, Floats]:
        """Give how many distinct trials have seen any of a dataset, and the Sharpe ratio a year of each (NaN: none)."""
        ...

    def seal(self, seal: Seal) -> None:
        """Add a seal; none can be taken back."""
        ...

    def seals(self) -> tuple[Seal, ...]:
        """Give every seal in the order in which they were made; of one instrument the earliest start is in force."""
        ...

    def begin_opening(self, opening: Opening) -> int:
        """Write down that a sealed part is being looked at, before it is; give the number of the opening."""
        ...

    def finish_opening(self, number: int, key: str) -> None:
        """Write down the result of an opening."""
        ...

    def openings(self) -> tuple[Opening, ...]:
        """Give every opening in the order in which they were made."""
        ...


class Evaluator(Protocol):
    """Evaluates combinations of one strategy's parameters on one market, in this process or in several."""

    def settle(self, name: str, values: Row) -> Row:
        """Convert values of a parameter to its declared type.

        Raises:
            UserError: UNKNOWN_PARAMETER, BAD_PARAMETER.
        """
        ...

    def variant(self, parameters: Mapping[str, Value]) -> Strategy:
        """Give the strategy with these parameters, all of them."""
        ...

    def run(
        self, names: tuple[str, ...], chunks: Iterator[tuple[Row, ...]], total: int, bars: slice
    ) -> Iterator[Evaluated]:
        """Evaluate chunk after chunk on the given bars; give each as soon as it is finished, in any order.

        Args:
            names: every parameter of the strategy; a row has one value for each.
            chunks: asked for the next one whenever there is somebody to work on it.
            total: rows in all chunks together, to decide whether more processes are worth their start.
            bars: stretch of the market to work on.

        Raises:
            TransientError: WORKER_LOST when a process ended; the combination it was at is named.
        """
        ...


Progress = Callable[[str, float, float], None]
"""Called with (phase, work done, work in all); work in all is 0 when unknown.

What follows a tab in the phase is a remark on its state, such as a rate; the phase is the same without it.
"""


def silent(phase: str, done: float, total: float) -> None:
    """Show nothing: the progress of a library call."""


Pages = Iterable[Page]
