"""The only file that chooses ports: a workspace joins settings, lake, records, venues and runners to the flows."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate, Outputs
from tallow.domain.fill_rules import FillRules
from tallow.domain.market import Instrument, parse_symbol
from tallow.domain.ranges import EVERYTHING, TimeRange, iso, parse_time, parse_timerange
from tallow.domain.results import Result
from tallow.domain.scene import Execution, Scene, execution_of
from tallow.domain.tables import GOLD_CANDLES, TABLES, Layer
from tallow.domain.timeframes import DAY, Timeframe, parse_timeframe
from tallow.ports import Lake, Progress, Records, Strategy, silent
from tallow.settings import Settings, load

if TYPE_CHECKING:
    import polars as pl

    from tallow.domain.columns import Bars, FundingRates
    from tallow.domain.sent import Decisions
    from tallow.flows.backtest import Desk, Market
    from tallow.flows.catalog import Coverage
    from tallow.flows.ingest import IngestReport
    from tallow.flows.ingest.folder import Skipped
    from tallow.flows.portfolio import Book, OpenedPortfolio, PortfolioResult, Weights
    from tallow.flows.refine import RefineReport
    from tallow.flows.replay import Replay
    from tallow.flows.stored import Stored
    from tallow.flows.sweep import Studio
    from tallow.runners.processes import Processes

_TYPED = {"maker_fee": "fee", "taker_fee": "fee", "slippage_bps": "slippage"}
_IN_PLACE = ("fee", "slippage", "short", "venue_rules", "participation", "touch_fills")  # options beside an execution's


class SystemClock:
    """The Clock port on this machine's clock."""

    def now(self) -> int:
        """Give microseconds since 1970 UTC."""
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        """Give seconds that never step back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def open_workspace(lake: str | None = None, progress: Progress = silent) -> "Workspace":
    """Open the lake given, or the one that the settings name."""
    return Workspace(load({"lake": lake})[0], progress=progress)


class Workspace:
    """One lake with everything around it. Opening it touches nothing on disk."""

    def __init__(self, settings: Settings, *, progress: Progress = silent) -> None:
        self.settings = settings
        self.progress = progress
        self.clock = SystemClock()
        self._processes: Processes | None = None

    @contextmanager
    def many_checks(self) -> Iterator[None]:
        """Keep the process that runs strategies afresh from one check to the next: it takes a second to start."""
        from tallow.runners.processes import Processes

        with Processes() as self._processes:
            yield
        self._processes = None

    @cached_property
    def lake(self) -> Lake:
        """The tables."""
        from tallow.stores.lake import DeltaLake

        return DeltaLake(self.settings.lake, self.clock)

    @cached_property
    def records(self) -> Records:
        """The stored results."""
        from tallow.stores.records import SqlRecords

        return SqlRecords(str(Path(self.settings.lake) / "results"))

    def ingest_files(
        self, paths: Sequence[str], *, symbol: str | None = None, timeframe: str | None = None
    ) -> "tuple[IngestReport, list[Skipped]]":
        """Take recordings into bronze; give what was written, and the files that could not be read.

        Raises:
            Error: the first problem, when no file could be read at all.
        """
        from tallow.flows.ingest import ingest
        from tallow.flows.ingest.folder import Folder
        from tallow.venues.files import Files

        files, received = Files(), self.clock.now()
        instrument = None if symbol is None else parse_symbol(symbol)
        length = None if timeframe is None else parse_timeframe(timeframe)
        folder = Folder(
            files.find(paths),
            lambda path: files.read(path, instrument=instrument, timeframe=length, received_time=received),
            self.progress,
        )
        report = ingest(folder, self.lake, job="ingest files")
        if folder.error is not None and not report.payloads_seen:
            raise folder.error
        return report, folder.skipped

    def ingest_bars(self, bars: "Bars", symbol: str, timeframe: Timeframe, venue: str) -> "IngestReport":
        """Take candles that the caller holds into bronze; their bytes become the raw payload."""
        from tallow.flows.ingest import ingest
        from tallow.flows.ingest.own import page_of

        page = page_of(bars, parse_symbol(symbol, venue), timeframe, self.clock.now())
        return ingest([page], self.lake, job="ingest own data", progress=self.progress)

    def ingest_binance(
        self,
        symbols: Sequence[str],
        *,
        kinds: Sequence[str] = ("candles",),
        timeframe: str = "1h",
        timerange: str | None = None,
        days: int | None = None,
    ) -> "IngestReport":
        """Fetch from Binance what bronze lacks."""
        from tallow.flows.ingest import IngestRequest, ingest_venue
        from tallow.venues.binance import Binance

        feed = Binance(self.clock, **asdict(self.settings.binance))
        request = IngestRequest(
            tuple(parse_symbol(symbol) for symbol in symbols),
            self._span(timerange, days),
            tuple(kinds),  # type: ignore[arg-type]
            (parse_timeframe(timeframe),),
        )
        with closing(feed):
            return ingest_venue(feed, self.lake, request, self.clock, self.progress)

    def ingest_simulated(self, seed: int = 7) -> "IngestReport":
        """Fetch a seeded market from a loopback exchange: a year of hourly candles of two pairs, two days of trades."""
        from tallow.flows.ingest import IngestRequest, ingest_venue
        from tallow.venues.binance import Binance
        from tallow.venues.simulated import Market, SimulatedExchange, usual_halts

        symbols = ("BTC/USDT", "ETH/USDT")
        start, days = parse_time("2024-01-01"), 366
        market = Market(seed, symbols, start, days, halts=usual_halts(start, days))
        with SimulatedExchange(market) as exchange:
            feed = Binance(
                self.clock, spot_url=exchange.url, usdm_url="", coinm_url="", archive_url="", venue="simulated"
            )
            instruments = tuple(parse_symbol(symbol, "simulated") for symbol in symbols)
            candles = IngestRequest(instruments, market.span, ("candles",), (parse_timeframe("1h"),))
            last_days = TimeRange(market.span.end - 2 * DAY, market.span.end)
            trades = IngestRequest(instruments[:1], last_days, ("trades",))
            with closing(feed):
                report = ingest_venue(feed, self.lake, candles, self.clock, self.progress)
                return report + ingest_venue(feed, self.lake, trades, self.clock, self.progress)

    def refine(
        self, *, timeframes: Sequence[str] = (), layer: "Layer | None" = None, explain: bool = False
    ) -> "RefineReport":
        """Turn what is new in bronze into silver and gold."""
        from tallow.flows.refine import refine

        lengths = tuple(parse_timeframe(text) for text in timeframes)
        return refine(self.lake, layer=layer, timeframes=lengths, explain=explain, progress=self.progress)

    def is_empty(self) -> bool:
        """Say whether there is no candle to research on."""
        return self.lake.version(GOLD_CANDLES) is None

    def catalog(self) -> "pl.DataFrame":
        """List every series."""
        from tallow.flows.catalog import catalog

        return catalog(self.lake)

    def coverage(self, symbol: str, timeframe: str) -> "Coverage":
        """Say what is there of one series of candles."""
        from tallow.flows.catalog import coverage

        return coverage(self.lake, self.instrument(symbol), parse_timeframe(timeframe))

    def lineage(
        self, table: str, *, symbol: str | None = None, timeframe: str | None = None, at: str | None = None
    ) -> "pl.DataFrame":
        """Follow a table, a series or the row of one moment back to the raw payloads."""
        from tallow.flows.catalog import lineage

        where = {} if timeframe is None else {"timeframe": str(parse_timeframe(timeframe))}
        if symbol is not None:
            instrument = self.instrument(symbol)
            where |= {"venue": instrument.venue, "symbol": instrument.symbol}
        return lineage(self.lake, table, where, None if at is None else parse_time(at))

    def query(self, sql: str) -> "pl.DataFrame":
        """Run one SELECT."""
        return self.lake.query(sql)

    def locations(self) -> dict[str, str]:
        """Say where other engines find the tables that exist."""
        return {table.full_name: self.lake.location(table) for table in TABLES if self.lake.version(table) is not None}

    def candles(
        self, symbol: str, timeframe: str, span: TimeRange = EVERYTHING, version: int | None = None
    ) -> "pl.DataFrame":
        """Read candles as a frame."""
        from tallow.flows.read import no_data, series

        instrument, length = self.instrument(symbol), parse_timeframe(timeframe)
        frame = self.lake.read(GOLD_CANDLES, series(instrument, length), span, version=version)
        if frame.is_empty():
            raise no_data(self.lake, instrument, length, span)
        return frame

    def instrument(self, text: str) -> Instrument:
        """Read an instrument; without a venue, the venue that holds it, Binance when several do."""
        found = parse_symbol(text)
        if ":" in text and text.partition(":")[0].lower() == found.venue:
            return found
        held = self.lake.read(GOLD_CANDLES, columns=("venue", "symbol")).unique()
        venues = sorted(held.filter(held["symbol"] == found.symbol)["venue"].to_list())
        # Nothing known under that symbol: the default venue is kept, and the reader of the series says what there is.
        if not venues or found.venue in venues:
            return found
        if len(venues) == 1:
            return replace(found, venue=venues[0])
        raise UserError(
            "AMBIGUOUS_VENUE",
            f"several venues have {found.symbol}",
            facts={"they are": ", ".join(venues)},
            commands=[f"-s {venue}:{found.symbol}" for venue in venues],
        )

    def _span(self, timerange: str | None, days: int | None, last: int | None = None) -> TimeRange:
        span = parse_timerange(timerange)
        if days is None:
            return span
        end = min(span.end, last or self.clock.now())
        return TimeRange(max(span.start, end - days * DAY), end)

    def _last_moment(self, instrument: Instrument, timeframe: Timeframe) -> int | None:
        from tallow.flows.catalog import coverage
        from tallow.flows.seals import seal_of

        held, seal = coverage(self.lake, instrument, timeframe).span, seal_of(self.records, instrument)
        return min([*([held.end] if held else []), *([seal.limit(timeframe)] if seal else [])], default=None)

    def strategy(self, code: "str | Callable[..., Any] | type", parameters: Mapping[str, Any]) -> Strategy:
        """Load a strategy: a file, a built-in name, a function or a class."""
        from tallow.runners.inline import load
        from tallow.runners.texts import load_object

        return load(code, parameters) if isinstance(code, str) else load_object(code, parameters)

    def scene(
        self,
        strategy: "Strategy | Weights",
        *,
        symbol: str = "BTC/USDT",
        timeframe: str | None = None,
        timerange: str | None = None,
        days: int | None = None,
        cash: float | None = None,
        **execution: Any,
    ) -> Scene:
        """Say a scene; what is not given comes from strategy, then settings. `days` are the last the lake holds."""
        from tallow.flows.seals import before_seal
        from tallow.flows.venue_rules import find_rules
        from tallow.runners.inline import with_declared

        asked = with_declared(strategy, {"timeframe": timeframe, **execution})
        instrument, length = self.instrument(symbol), parse_timeframe(asked.pop("timeframe") or "1h")
        rules = find_rules(self.lake, instrument, asked.pop("venue_rules", None))
        span = self._span(timerange, days, self._last_moment(instrument, length))
        return Scene(
            strategy=strategy.name,
            instrument=instrument,
            timeframe=length,
            parameters=strategy.parameters,
            range=before_seal(self.records, instrument, length, span),
            cash=self.settings.cash if cash is None else cash,
            rules=rules,
            filling=FillRules(asked.pop("participation", None), bool(asked.pop("touch_fills", False))),
            execution=self._execution(**asked),
        )

    def _execution(
        self, *, fee: float | None = None, slippage: float = 0, short: bool = False, **rest: Any
    ) -> Execution:
        rate = self.settings.fee if fee is None else fee
        known = {"maker_fee": rate, "taker_fee": rate, "slippage_bps": slippage, "allow_short": short}
        return execution_of({**known, **rest}, also=_IN_PLACE, said={k: v for k, v in _TYPED.items() if k not in rest})

    def backtest(self, scene: Scene, strategy: Strategy, *, check: bool = True, cache: bool = True) -> Result:
        """Give the stored result of this very scene, or compute and store it."""
        from tallow.flows.backtest import backtest

        self._open(scene, strategy)
        return backtest(scene, strategy, self.desk(check=check), cache=cache)

    def backtest_bars(self, scene: Scene, strategy: Strategy, bars: "Bars", *, check: bool = True) -> Result:
        """Compute a result on candles that the caller holds; it is not stored."""
        from tallow.flows.backtest import backtest_bars

        return backtest_bars(scene, strategy, bars, self.desk(check=check))

    def portfolio(self, book: "Book", *, check: bool = True, cache: bool = True, **asked: Any) -> "PortfolioResult":
        """Give the stored result of weights of several symbols, or compute it; the options are those of `scene`."""
        from tallow.flows.portfolio import portfolio

        scenes = [self.scene(book.weights, symbol=symbol, **asked) for symbol in book.symbols]
        return portfolio(book, scenes, self.desk(), self._open, check=check, cache=cache)

    def open_holdouts(self, book: "Book", *, check: bool = True, **asked: Any) -> "OpenedPortfolio":
        """Carry out weights once on the sealed part of all their symbols; the options are those of `scene`."""
        from tallow.flows.portfolio import open_holdouts

        scenes = [self.scene(book.weights, symbol=symbol, **asked) for symbol in book.symbols]
        return open_holdouts(book, scenes, self.desk(), self.build_candles, check=check)

    def studio(self, scene: Scene | None, code: Strategy | None = None, **how: Any) -> "Studio":
        """Give what the flows of many combinations need; no scene for candles that the caller holds.

        `workers` are processes; None is one a core, started only when the work is worth it. `check` certifies the best.
        """
        from tallow.flows.sweep import Studio
        from tallow.runners.crew import Recruiter

        if scene is not None:
            self._open(scene, code)
        return Studio(self.desk(check=how.get("check", True)), Recruiter(how.get("workers"), self.clock))

    def check(
        self, scene: Scene, strategy: Strategy, bars: "Bars | None" = None, *, horizon: str | int | None = None
    ) -> Certificate:
        """Certify a strategy on the bars of a scene, or on the caller's own; with a `horizon`, a label that has it."""
        from tallow.flows.backtest import pin, read_market

        if bars is not None:
            return self._certify(strategy, bars, scene, None, horizon)
        self._open(scene, strategy)
        market = read_market(self.lake, scene, pin(self.lake, scene))
        return self._certify(strategy, market.bars, scene, market.funding, horizon)

    def replay_finding(self, scene: Scene, strategy: Strategy, *, cut: int, future: str, row: int) -> Outputs:
        """Show one finding again: the output at `row` with the true future, and with the changed one."""
        from tallow.flows.backtest import pin, read_market
        from tallow.flows.check import replay_finding
        from tallow.runners.inline import conditions_of, probe, under

        self._open(scene, strategy)
        market = read_market(self.lake, scene, pin(self.lake, scene))
        subject = under(strategy, conditions_of(scene, market.funding))
        return replay_finding(probe(subject), market.bars, cut=cut, future=future, row=row)

    def stored(self, key: str) -> "Stored":
        """Find a stored result of any kind by the first digits of its key."""
        from tallow.flows.stored import find_stored

        return find_stored(self.desk(), key)

    def replay(self, key: str) -> "Replay":
        """Run a stored result of any kind again and compare every bit."""
        from tallow.flows.stored import Loaders, replay_stored
        from tallow.runners.texts import load_stored
        from tallow.runners.weights import load_stored_weights

        loaders = Loaders(load_stored, load_stored_weights, self.studio(None, check=False))
        return replay_stored(self.desk(), key, loaders)

    def replay_result(self, stored: Result, bars: "Bars | None" = None) -> "Replay":
        """Run a stored result again and compare every bit; `bars` when it was computed on the caller's own."""
        from tallow.flows.replay import replay
        from tallow.runners.texts import load_stored

        strategy = load_stored(stored.scene.strategy, stored.strategy_source, stored.scene.parameters)
        return replay(stored, strategy, self.desk(), bars)

    def describe(self, result: Result) -> dict[str, Any]:
        """Give a result as plain values, without its arrays."""
        from tallow.flows.report import describe

        return describe(result)

    def text(self, result: Result) -> str:
        """Write a result for a terminal."""
        from tallow.flows.report import text

        return text(result)

    def fragment(self, result: Result, bars: "Bars | None" = None) -> str:
        """Write a result for a notebook."""
        from tallow.flows.report import fragment

        return fragment(result, bars or self._market(result).bars)

    def write_report(self, result: Result, path: Path, bars: "Bars | None" = None) -> Path:
        """Write the HTML page of a result; give its path."""
        from tallow.flows.report import render

        rows = self._market(result).bars if bars is None else bars
        return self._write(path, render(result, rows, palette=self.settings.palette))

    def write_page(self, found: "Stored", path: Path) -> Path:
        """Write the HTML page of a stored result of any kind; give its path."""
        from tallow.flows.stored import render

        return self._write(path, render(found, self.desk(), self.settings.palette))

    def _write(self, path: Path, page: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
        self.progress("writing the report", 1, 1)
        return path

    def _market(self, result: Result) -> "Market":
        from tallow.flows.backtest import read_market

        return read_market(self.lake, result.scene, dict(result.table_versions))

    def desk(self, *, check: bool = False) -> "Desk":
        """Give what flows on single results need; with `check`, they are certified."""
        from tallow.flows.backtest import Desk

        run, certify = self._evaluate, self._certify if check else None
        return Desk(self.lake, self.records, self.clock, run, certify, self.progress, run)

    @staticmethod
    def _evaluate(
        strategy: Strategy, bars: "Bars", scene: Scene, funding: "FundingRates | None", first: int = 0
    ) -> "Decisions":
        from tallow.runners.inline import conditions_of, under

        return under(strategy, conditions_of(scene, funding, first)).targets(bars)

    def _certify(
        self,
        strategy: Strategy,
        bars: "Bars",
        scene: Scene,
        funding: "FundingRates | None",
        horizon: str | int | None = None,
    ) -> Certificate:
        from tallow.flows.check import Bench, check, check_command, check_label, horizon_of
        from tallow.runners.inline import clock_moved, conditions_of, is_event_driven, location, probe, under
        from tallow.runners.processes import Processes
        from tallow.runners.watch import watch

        conditions = conditions_of(scene, funding)
        subject = under(strategy, conditions)
        data = f"{scene.instrument} {scene.timeframe}, {len(bars):,} bars from {iso(int(bars.time[0]))}"
        if horizon is not None:
            bench = Bench(probe(subject), self.clock, clock_moved=clock_moved(subject), file=location(strategy))
            return check_label(strategy, bars, bench, horizon_of(horizon, scene.timeframe), data=data)
        with nullcontext(self._processes) if self._processes else Processes() as processes:
            tools = Bench(
                run=probe(subject),
                clock=self.clock,
                fresh=lambda these, cuts: processes.begin(strategy, conditions, these, cuts),
                trace=lambda these: watch(subject, these),
                clock_moved=clock_moved(subject),
                by_bar=is_event_driven(subject),
                file=location(strategy),
                command=check_command(location(strategy), scene),
            )
            return check(strategy, bars, tools, data=data, progress=self.progress)

    def _open(self, scene: Scene, code: Strategy | None = None) -> None:
        """Refuse sealed data; build candles of the scene's length from finer ones when the lake has none of it."""
        from tallow.flows.seals import refuse_sealed
        from tallow.runners.inline import typed

        refuse_sealed(self.records, scene, typed(code) if code is not None else "")
        self.build_candles(scene)

    def build_candles(self, scene: Scene) -> None:
        """Build candles of the scene's length from finer ones when the lake has none of it."""
        from tallow.flows.read import series
        from tallow.flows.refine import refine

        if self.lake.version(GOLD_CANDLES, series(scene.instrument, scene.timeframe)) is None:
            where = {"venue": scene.instrument.venue, "symbol": scene.instrument.symbol}
            refine(self.lake, where=where, timeframes=(scene.timeframe,), progress=self.progress)
