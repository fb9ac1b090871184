"""Run a portfolio: pinned bars of several symbols -> weights -> one account -> a result stored under its key."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np

from tallow.core.engine import ENGINE_VERSION
from tallow.core.metrics.trades import OPEN
from tallow.core.portfolio import Panel, PortfolioRun, align, portfolio_summary, run
from tallow.domain.errors import UserError
from tallow.domain.fill_rules import WHOLE_TAPE
from tallow.domain.portfolio import PortfolioScene
from tallow.domain.ranges import TimeRange
from tallow.domain.scene import Scene
from tallow.flows.backtest import Desk, Market, is_sure, notes, pin, read_market
from tallow.flows.incidents import find_incidents
from tallow.flows.portfolio.certify import certified
from tallow.flows.portfolio.filing import file_of, result_of
from tallow.flows.portfolio.rules import write_rebalance
from tallow.flows.portfolio.trust import count_trial, scored
from tallow.flows.portfolio.values import Book, Instrument, PortfolioResult
from tallow.flows.seals import refuse_sealed, seal_notes

_WRITTEN = "tallow-weights-"  # in the path of code that a program handed over: nothing that could be typed


def portfolio(
    book: Book,
    scenes: Sequence[Scene],
    desk: Desk,
    opened: Callable[[Scene], None] | None = None,
    *,
    check: bool = True,
    cache: bool = True,
) -> PortfolioResult:
    """Give the stored result of these very weights, rules, scenes, data and engine, or compute and store it.

    The scenes, one a symbol, differ in instrument and range alone. All get one range: it begins with the first to begin
    and ends with the first to end, where a sealed part may begin. `opened` makes sure of the candles of each.

    Raises:
        UserError: NO_INSTRUMENTS, BAD_PARAMETER (a symbol twice), NO_DATA, SEALED, and what the run raises.
    """
    check_each_once(scenes)
    for one in scenes:
        _refuse_filling(one)
    scene = scene_of(book, one_range(scenes))
    _refuse_sealed(book, scene, desk)
    if opened is not None:
        for one in scene.scenes:
            opened(one)
    return run_portfolio(book, scene, desk, check=check, cache=cache)


def run_portfolio(
    book: Book, scene: PortfolioScene, desk: Desk, *, check: bool = True, cache: bool = True
) -> PortfolioResult:
    """Do the same on sealed data as well: the opening of a holdout is on record before it comes here."""
    markets = read_markets(scene, [pin(desk.lake, one) for one in scene.scenes], desk)
    panel = panel_of(scene, markets)
    digests = [market.digest for market in markets]
    key = scene.key([market.versions for market in markets], digests, hash_of(book), ENGINE_VERSION)
    # A stored result without certificate is kept, and only what it lacks is made up for.
    known = _known(key, panel, desk) if cache else None
    if known is not None and known.score is not None and (known.certificate is not None or not check):
        count_trial(known, desk.records)
        return known
    result = known or compute(book, scene, markets, panel, desk)
    bars = {symbol: market.bars for symbol, market in zip(scene.symbols, markets, strict=True)}
    if check and result.certificate is None:
        result = replace(result, certificate=certified(book, bars, scene.timeframe, desk))
    result = replace(result, key=key)
    count_trial(result, desk.records)
    result = scored(result, book.weights, bars, desk)
    desk.records.file(file_of(result))
    return result


def _known(key: str, panel: Panel, desk: Desk) -> PortfolioResult | None:
    found = desk.records.filed(key)
    known = None if found is None else result_of(found, panel)
    return known if known is not None and is_sure(known.certificate) else None


def _refuse_filling(scene: Scene) -> None:
    if scene.filling != WHOLE_TAPE:
        raise UserError(
            "BAD_SETTING",
            "participation and touch_fills are rules of orders, and a portfolio sends none",
            facts={"valid": "neither of them: weights are filled whole"},
        )


def compute(book: Book, scene: PortfolioScene, markets: Sequence[Market], panel: Panel, desk: Desk) -> PortfolioResult:
    """Run weights and account on a panel; key, certificate and score are filled in by the caller."""
    bars = {symbol: market.bars for symbol, market in zip(scene.symbols, markets, strict=True)}
    desk.progress("deciding", 0, len(panel))
    table = book.weights.weigh(bars, scene.timeframe)
    desk.progress("simulating", 0, len(panel))
    done = run(panel, table, scene.execution, cash=scene.cash, rules=book.rules, books=scene.books)
    desk.progress("simulating", len(panel), len(panel))
    held = enumerate(zip(scene.scenes, markets, strict=True))
    return PortfolioResult(
        key="",
        digest=done.digest(),
        scene=scene,
        rules=book.rules,
        source=book.weights.source,
        strategy_hash=hash_of(book),
        engine_version=ENGINE_VERSION,
        metrics=portfolio_summary(done, scene.timeframe, scene.execution),
        instruments=tuple(_instrument(done, place, one, market, desk) for place, (one, market) in held),
        run=done,
        created=desk.clock.now(),
        notes=_notes(scene, markets, desk),
    )


def scene_of(book: Book, scenes: Sequence[Scene]) -> PortfolioScene:
    """Say a portfolio, of scenes that differ in instrument alone."""
    first, rules = scenes[0], book.rules
    return PortfolioScene(
        strategy=book.weights.name,
        instruments=tuple(one.instrument for one in scenes),
        timeframe=first.timeframe,
        parameters=dict(book.weights.parameters),
        range=first.range,
        cash=first.cash,
        execution=first.execution,
        rebalance=write_rebalance(rules.rebalance),
        margin=rules.margin,
        leverage=rules.leverage,
        venue_rules=tuple(one.rules for one in scenes),
    )


def read_markets(scene: PortfolioScene, versions: Sequence[Mapping[str, int]], desk: Desk) -> list[Market]:
    """Read what each instrument trades on, at the given table versions."""
    desk.progress("reading bars", 0, len(versions))
    pairs = zip(scene.scenes, versions, strict=True)
    found = [read_market(desk.lake, one, dict(pinned)) for one, pinned in pairs]
    desk.progress("reading bars", len(found), len(found))
    return found


def panel_of(scene: PortfolioScene, markets: Sequence[Market]) -> Panel:
    """Lay the bars of all instruments on the union of their times."""
    named = dict(zip(scene.symbols, markets, strict=True))
    funding = {symbol: market.funding for symbol, market in named.items() if market.funding is not None}
    bars = {symbol: market.bars for symbol, market in named.items()}
    return align(bars, funding=funding, timeframe=scene.timeframe)


def hash_of(book: Book) -> str:
    """Give the sha256 of the source of the weights."""
    return sha256(book.weights.source.encode()).hexdigest()


def one_range(scenes: Sequence[Scene]) -> tuple[Scene, ...]:
    """Give all scenes the range that ends with the first to end and begins with the first to begin."""
    if not scenes:
        return ()
    span = TimeRange(min(scene.range.start for scene in scenes), min(scene.range.end for scene in scenes))
    return tuple(replace(scene, range=span) for scene in scenes)


def check_each_once(scenes: Sequence[Scene]) -> None:
    """Refuse no symbols, and a symbol twice.

    Raises:
        UserError: NO_INSTRUMENTS, BAD_PARAMETER.
    """
    if not scenes:
        raise UserError(
            "NO_INSTRUMENTS",
            "a portfolio needs at least one symbol",
            facts={"received": "none"},
            commands=["tallow portfolio equal_weight -s BTC/USDT -s ETH/USDT", "tallow explain NO_INSTRUMENTS"],
        )
    full = [str(scene.instrument) for scene in scenes]
    twice = sorted({name for name in full if full.count(name) > 1})
    if twice:
        raise UserError(
            "BAD_PARAMETER", f"{', '.join(twice)} is there more than once", facts={"valid": "each symbol once"}
        )


def _refuse_sealed(book: Book, scene: PortfolioScene, desk: Desk) -> None:
    found = []
    for one in scene.scenes:
        try:
            refuse_sealed(desk.records, one)
        except UserError as problem:
            found.append(problem)
    if not found:
        return
    # What leads on here is the part that is free of all, and the opening of all.
    first = min(found, key=lambda problem: problem.facts["free"])
    code = scene.strategy if _WRITTEN in book.weights.file else book.weights.file
    what = " ".join([code, *(f"-s {instrument}" for instrument in scene.instruments), f"-t {scene.timeframe}"])
    free = f"tallow portfolio {what} --timerange {first.facts['free']}"
    commands = [free, f"tallow holdout open-portfolio {what}"]
    raise UserError(first.code, first.message, facts=first.facts, commands=commands, exit="refused for safety")


def _instrument(done: PortfolioRun, column: int, scene: Scene, market: Market, desk: Desk) -> Instrument:
    alone, held = done.instrument_run(column), done.positions[:, column] != 0.0
    known, closed = market.funding is not None, done.trades[column].reason != OPEN
    return Instrument(
        symbol=done.symbols[column],
        scene=scene,
        versions=market.versions,
        data_digest=market.digest,
        bars_origin=market.bars_origin,
        bars=len(market.bars),
        profit=float(alone.equity[-1]) - done.start_cash,
        trades=int(np.count_nonzero(closed)),
        open_trades=int(np.count_nonzero(~closed)),
        fees=float(alone.fills.fee.sum()),
        exposure_pct=100.0 * float(held.mean()),
        stale_marks=done.stale_marks[column],
        incidents=find_incidents(desk.lake, scene, market.bars, alone, has_funding=known, funding=market.funding),
    )


def _notes(scene: PortfolioScene, markets: Sequence[Market], desk: Desk) -> tuple[str, ...]:
    # What holds for every instrument is said once.
    said: dict[str, list[str]] = {}
    for symbol, one, market in zip(scene.symbols, scene.scenes, markets, strict=True):
        for note in notes(one, market) + seal_notes(desk.records, one):
            said.setdefault(note, []).append(symbol)
    count = len(scene.symbols)
    return tuple(note if len(whose) == count else f"{', '.join(whose)}: {note}" for note, whose in said.items())
