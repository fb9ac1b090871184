"""Run a portfolio: pinned bars of several symbols -> weights -> one account -> metrics, certificate, incidents."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Protocol, TypeVar, get_args

import numpy as np

from tallow.core.causality import Effort, Subject
from tallow.core.metrics.trades import OPEN
from tallow.core.portfolio import (
    AccountRules,
    Calendar,
    Drift,
    EveryBars,
    OnChange,
    PortfolioRun,
    Rebalance,
    align,
    certify_weights,
    portfolio_summary,
    run,
)
from tallow.core.portfolio.causality import joint_run
from tallow.core.portfolio.rules import Period, decision_rows
from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate, Incident
from tallow.domain.ranges import TimeRange, iso
from tallow.domain.scene import Scene, Value
from tallow.domain.timeframes import Timeframe
from tallow.flows.backtest import Desk, Market, notes, pin, read_market
from tallow.flows.incidents import find_incidents
from tallow.flows.seals import refuse_sealed, seal_notes

_EXTRA, _LIMIT = 0.2, 600.0  # seconds for the look-ahead check: beyond what it needs, and in all


class Weights(Protocol):
    """Code that maps the bars of several symbols to weights; imported anew for every call."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def source(self) -> str:
        """Text that decides its output."""
        ...

    @property
    def file(self) -> str:
        """Path that findings name."""
        ...

    @property
    def parameters(self) -> Mapping[str, Value]:
        """Every parameter with its value."""
        ...

    def weigh(self, bars: Mapping[str, Bars], timeframe: Timeframe) -> Floats:
        """Give one row a time of the union of all times, one column a symbol; NaN keeps the last weight."""
        ...

    def with_clock_moved(self) -> "Sequence[Weights]":
        """Give the same with every reading of the wall clock moved; none where there is none."""
        ...


@dataclass(frozen=True)
class Book:
    """A portfolio: symbols in the order of the columns of weights, what decides, and the rules of the account."""

    symbols: Sequence[str]
    weights: Weights
    rules: AccountRules = field(default_factory=AccountRules)


@dataclass(frozen=True)
class Instrument:
    """What one instrument of a portfolio did.

    Attributes:
        versions: table -> version that was read.
        profit: what it added to the account, quote units, fees and funding included.
        trades: closed round trips.
        exposure_pct: rows at whose close it was held, percent.
        stale_marks: rows at which it was held and had no bar.
    """

    symbol: str
    scene: Scene
    versions: Mapping[str, int]
    bars: int
    profit: float
    trades: int
    open_trades: int
    fees: float
    exposure_pct: float
    stale_marks: int
    incidents: tuple[Incident, ...]


@dataclass(frozen=True)
class PortfolioResult:
    """A portfolio as it was carried out; it is not stored.

    Attributes:
        digest: sha256 of every number of the run.
        data_digest: sha256 of every number it was run on.
        certificate: of the weights; None means unproven.
    """

    name: str
    parameters: Mapping[str, Value]
    digest: str
    data_digest: str
    strategy_hash: str
    timeframe: Timeframe
    rules: AccountRules
    metrics: Mapping[str, float | int | None]
    instruments: tuple[Instrument, ...]
    run: PortfolioRun
    certificate: Certificate | None
    notes: tuple[str, ...]


def portfolio(
    book: Book,
    scenes: Sequence[Scene],
    desk: Desk,
    opened: Callable[[Scene], None] | None = None,
    *,
    check: bool = True,
) -> PortfolioResult:
    """Carry out weights on the candles of several scenes in one account.

    The scenes, one a symbol, differ in instrument and range alone. All get one range: it begins with the first to begin
    and ends with the first to end, where a sealed part may begin. `opened` makes sure of the candles of each.

    Raises:
        UserError: NO_INSTRUMENTS, BAD_PARAMETER (a symbol twice), NO_DATA, SEALED, and what the run raises.
    """
    weights, rules, named = book.weights, book.rules, _named(one_range(scenes))
    for scene in named.values():
        _refuse_sealed(scene, desk)
        if opened is not None:
            opened(scene)
    desk.progress("reading bars", 0, len(named))
    markets = {symbol: read_market(desk.lake, scene, pin(desk.lake, scene)) for symbol, scene in named.items()}
    desk.progress("reading bars", len(named), len(named))
    bars = {symbol: market.bars for symbol, market in markets.items()}
    funding = {symbol: market.funding for symbol, market in markets.items() if market.funding is not None}
    length, first = scenes[0].timeframe, scenes[0]
    panel = align(bars, funding=funding, timeframe=length)
    desk.progress("deciding", 0, len(panel))
    table = weights.weigh(bars, length)
    desk.progress("simulating", 0, len(panel))
    done = run(panel, table, first.execution, cash=first.cash, rules=rules)
    desk.progress("simulating", len(panel), len(panel))
    columns = enumerate(named.items())
    return PortfolioResult(
        name=weights.name,
        parameters=weights.parameters,
        digest=done.digest(),
        data_digest=sha256(
            "".join(f"{name} {market.digest} " for name, market in markets.items()).encode()
        ).hexdigest(),
        strategy_hash=sha256(weights.source.encode()).hexdigest(),
        timeframe=length,
        rules=rules,
        metrics=portfolio_summary(done, length, first.execution),
        instruments=tuple(_instrument(done, i, scene, markets[symbol], desk) for i, (symbol, scene) in columns),
        run=done,
        certificate=_certified(book, bars, length, desk) if check else None,
        notes=_notes(named, markets, desk),
    )


def one_range(scenes: Sequence[Scene]) -> tuple[Scene, ...]:
    """Give all scenes the range that ends with the first to end and begins with the first to begin."""
    if not scenes:
        return ()
    span = TimeRange(min(scene.range.start for scene in scenes), min(scene.range.end for scene in scenes))
    return tuple(replace(scene, range=span) for scene in scenes)


def parse_rebalance(text: str) -> Rebalance:
    """Read a rebalancing rule: change, daily, weekly, monthly, every:24 or drift:0.05.

    Raises:
        UserError: BAD_SETTING.
    """
    word, colon, number = text.strip().lower().partition(":")
    if not colon and word == "change":
        return OnChange()
    for period in get_args(Period):
        if not colon and word == period:
            return Calendar(period)
    found = _number(int, number) if word == "every" else _number(float, number) if word == "drift" else None
    if found is None:
        valid = "change, daily, weekly, monthly, every:24 (bars), drift:0.05 (of the equity)"
        raise UserError("BAD_SETTING", f"rebalance = {text!r} is no rule", facts={"valid": valid})
    return EveryBars(int(found)) if word == "every" else Drift(found)


_Number = TypeVar("_Number", int, float)


def _number(kind: Callable[[str], _Number], text: str) -> _Number | None:
    try:
        return kind(text)
    except ValueError:
        return None


def _named(scenes: Sequence[Scene]) -> dict[str, Scene]:
    # Symbols as people write them; with the venue where one symbol is there from two.
    if not scenes:
        raise UserError(
            "NO_INSTRUMENTS",
            "a portfolio needs at least one symbol",
            facts={"received": "none"},
            commands=["tallow portfolio equal_weight -s BTC/USDT -s ETH/USDT", "tallow explain NO_INSTRUMENTS"],
        )
    plain = [scene.instrument.symbol for scene in scenes]
    full = [str(scene.instrument) for scene in scenes]
    twice = sorted({name for name in full if full.count(name) > 1})
    if twice:
        raise UserError(
            "BAD_PARAMETER", f"{', '.join(twice)} is there more than once", facts={"valid": "each symbol once"}
        )
    return dict(zip(plain if len(set(plain)) == len(plain) else full, scenes, strict=True))


def _refuse_sealed(scene: Scene, desk: Desk) -> None:
    # An opening is a single strategy's: what leads on here is the part that is free.
    try:
        refuse_sealed(desk.records, scene)
    except UserError as problem:
        free = f"tallow portfolio {scene.strategy} -s {scene.instrument} --timerange {problem.facts['free']}"
        raise UserError(
            problem.code, problem.message, facts=problem.facts, commands=[free], exit="refused for safety"
        ) from None


def _instrument(done: PortfolioRun, column: int, scene: Scene, market: Market, desk: Desk) -> Instrument:
    alone, held = done.instrument_run(column), done.positions[:, column] != 0.0
    known, closed = market.funding is not None, done.trades[column].reason != OPEN
    return Instrument(
        symbol=done.symbols[column],
        scene=scene,
        versions=market.versions,
        bars=len(market.bars),
        profit=float(alone.equity[-1]) - done.start_cash,
        trades=int(np.count_nonzero(closed)),
        open_trades=int(np.count_nonzero(~closed)),
        fees=float(alone.fills.fee.sum()),
        exposure_pct=100.0 * float(held.mean()),
        stale_marks=done.stale_marks[column],
        incidents=find_incidents(desk.lake, scene, market.bars, alone, has_funding=known, funding=market.funding),
    )


def _certified(book: Book, bars: Mapping[str, Bars], length: Timeframe, desk: Desk) -> Certificate:
    desk.progress("checking for look-ahead", 0, 1)
    began = desk.clock.monotonic()
    first = min(int(own.time[0]) for own in bars.values())
    counted = f"{sum(map(len, bars.values())):,} bars from {iso(first)}"
    subject = Subject(source=book.weights.source, file=book.weights.file, data=f"{', '.join(bars)} {length}, {counted}")
    effort = Effort(
        extra_left=lambda: began + _EXTRA - desk.clock.monotonic(),
        limit_left=lambda: began + _LIMIT - desk.clock.monotonic(),
    )
    moved = [replace(book, weights=weights) for weights in book.weights.with_clock_moved()]
    if moved:
        base = in_force(book, length, bars)
        subject = replace(
            subject, clock_moved=[joint_run(partial(in_force, other, length), bars, base) for other in moved]
        )
    found = certify_weights(partial(in_force, book, length), bars, subject=subject, effort=effort)
    desk.progress("checking for look-ahead", 1, 1)
    return found


def in_force(book: Book, timeframe: Timeframe, bars: Mapping[str, Bars]) -> Floats:
    """Give the weights that are carried out: where a rule decides at certain rows alone, those of its last decision.

    A weight that is there between two decisions only is never traded; to change the future at each of its changes as
    well would take hours.
    """
    table, rule = book.weights.weigh(bars, timeframe), book.rules.rebalance
    if not isinstance(rule, EveryBars | Calendar):
        return table
    panel, rows = align(bars, timeframe=timeframe), np.arange(len(table))
    kept = np.where(np.isnan(table), -1, rows[:, None])
    last = np.maximum.accumulate(kept, axis=0)
    known = np.where(last >= 0, np.take_along_axis(table, np.maximum(last, 0), axis=0), 0.0)
    decided = decision_rows(rule, table, panel.time, panel.length)
    found: Floats = known[decided[np.searchsorted(decided, rows, side="right") - 1]]
    return found


def _notes(named: Mapping[str, Scene], markets: Mapping[str, Market], desk: Desk) -> tuple[str, ...]:
    # What holds for every instrument is said once.
    said: dict[str, list[str]] = {}
    for symbol, scene in named.items():
        for note in notes(scene, markets[symbol]) + seal_notes(desk.records, scene):
            said.setdefault(note, []).append(symbol)
    return tuple(note if len(whose) == len(named) else f"{', '.join(whose)}: {note}" for note, whose in said.items())
