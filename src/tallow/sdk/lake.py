"""A lake as a notebook wants it."""

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tallow.domain.errors import UserError
from tallow.domain.ranges import parse_timerange
from tallow.domain.tables import SILVER_TRADES
from tallow.domain.timeframes import parse_timeframe
from tallow.sdk.frames import As, give, take_bars

if TYPE_CHECKING:
    from tallow.app import Workspace
    from tallow.flows.catalog import Coverage
    from tallow.flows.ingest import IngestReport
    from tallow.sdk.holdouts import Holdouts
    from tallow.sdk.stored import Results


class Lake:
    """Market data under one folder: browse, read, query, fill."""

    def __init__(self, workspace: "Workspace") -> None:
        self.workspace = workspace

    def catalog(
        self, kind: str | None = None, *, exchange: str | None = None, symbol: str | None = None, as_: As | None = None
    ) -> Any:
        """List every series: table, venue, symbol, timeframe, rows, first, last, version, gaps, origin."""
        frame = self.workspace.catalog()
        if kind is not None:
            frame = frame.filter(frame["table"].str.ends_with(f".{kind}"))
        if exchange is not None:
            frame = frame.filter(frame["venue"] == exchange)
        if symbol is not None:
            frame = frame.filter(frame["symbol"] == self.workspace.instrument(symbol).symbol)
        return give(frame, as_)

    def coverage(self, symbol: str, timeframe: str = "1h") -> "Coverage":
        """Say what is there of one series, with its gaps."""
        return self.workspace.coverage(symbol, timeframe)

    def ingest(
        self,
        exchange: str,
        symbols: str | Sequence[str],
        *,
        kind: str = "candles",
        timeframe: str = "1h",
        timerange: str | None = None,
    ) -> "IngestReport":
        """Fetch history from ``binance``, or take ``files`` (then `symbols` are paths); refined at once."""
        names = [symbols] if isinstance(symbols, str) else list(symbols)
        if exchange == "files":
            report, _ = self.workspace.ingest_files(names)
        elif exchange == "binance":
            report = self.workspace.ingest_binance(names, kinds=(kind,), timeframe=timeframe, timerange=timerange)
        else:
            raise UserError(
                "UNKNOWN_VENUE", f"no history can be fetched from {exchange!r}", facts={"valid": "binance, files"}
            )
        self.workspace.refine()
        return report

    def ohlcv(
        self,
        symbol: str,
        timeframe: str = "1h",
        *,
        timerange: str | None = None,
        version: int | None = None,
        as_: As | None = None,
    ) -> Any:
        """Read candles: index `timestamp` (bar open, UTC), open high low close volume and what else is known.

        Raises:
            UserError: NO_DATA with what the lake holds.
        """
        frame = self.workspace.candles(symbol, timeframe, parse_timerange(timerange), version)
        kept = frame.drop("venue", "symbol", "timeframe", "origin").rename({"time": "timestamp"})
        return give(kept, as_, index="timestamp")

    def trades(
        self, symbol: str, *, timerange: str | None = None, version: int | None = None, as_: As | None = None
    ) -> Any:
        """Read trades, sorted by time and id; no row when there are none."""
        instrument = self.workspace.instrument(symbol)
        where = {"venue": instrument.venue, "symbol": instrument.symbol}
        frame = self.workspace.lake.read(SILVER_TRADES, where, parse_timerange(timerange), version=version)
        return give(frame.drop("venue", "symbol", "payload"), as_)

    @property
    def holdout(self) -> "Holdouts":
        """The sealed parts: `.seal(symbol, start=...)`, `.open(strategy, symbol)`, `.list()`."""
        from tallow.sdk.holdouts import Holdouts

        return Holdouts(self.workspace)

    @property
    def results(self) -> "Results":
        """The stored results: `.list()`, `.open(key)`, `.replay(key)`, `.remove(key)`."""
        from tallow.sdk.stored import Results

        return Results(self.workspace)

    def query(self, sql: str, *, as_: As | None = None) -> Any:
        """Run one SELECT over the tables by their full names: ``select * from gold.candles limit 5``."""
        return give(self.workspace.query(sql), as_)

    def write(self, data: Any, *, symbol: str, timeframe: str, exchange: str = "own") -> "IngestReport":
        """Take your own candles (pandas or Polars) through the same door as a venue's: checked, keyed, with lineage."""
        report = self.workspace.ingest_bars(take_bars(data), symbol, parse_timeframe(timeframe), exchange)
        self.workspace.refine()
        return report

    def __repr__(self) -> str:
        return f"Lake({self.workspace.settings.lake!r}, {len(self.workspace.catalog())} series)"

    def _repr_html_(self) -> str:
        return builtins.str(self.catalog()._repr_html_())


def open(path: str | None = None) -> Lake:
    """Open a lake: the folder given, or the one the settings name. It is made when it is first written to."""
    from tallow.app import open_workspace

    return Lake(open_workspace(path))


def sample(folder: str = "tallow-demo") -> Lake:
    """Open the demo's SIMULATED market (seeded, no real prices), made on first use."""
    from tallow.app import open_workspace

    workspace = open_workspace(f"{folder}/lake")
    workspace.ingest_simulated()
    workspace.refine()
    return Lake(workspace)
