"""Run a scene: pinned bars -> decisions -> engine -> metrics -> a result stored under its content key."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from hashlib import sha256
from typing import Protocol

import numpy as np

from tallow.core.decisions import carry_out
from tallow.core.engine import ENGINE_VERSION
from tallow.core.honesty import Startup
from tallow.core.metrics import growth, sharpe, summary
from tallow.core.strategies import DECIDE_ON
from tallow.domain.columns import Bars, Floats, FundingRates
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate, Incident, Rung
from tallow.domain.fill_rules import WHOLE_TAPE
from tallow.domain.market import Instrument
from tallow.domain.results import Result, Run
from tallow.domain.scene import Scene
from tallow.domain.sent import Decisions, Sent
from tallow.domain.tables import BRONZE_INSTRUMENTS, GOLD_CANDLES, SILVER_FUNDING, SILVER_TRADES
from tallow.domain.timeframes import SECOND
from tallow.domain.trials import dataset_of, trial_key
from tallow.flows.appraise import STARTUP_BARS, appraise, counted_trials, find_settling
from tallow.flows.costs import assumption_ladder
from tallow.flows.incidents import find_incidents
from tallow.flows.on_trades import series_of_trades, trades_rung
from tallow.flows.read import no_data, read_candles, read_funding, series
from tallow.flows.seals import refuse_sealed, seal_notes
from tallow.flows.venue_rules import rule_notes
from tallow.ports import Clock, Lake, Progress, Records, Strategy, silent


class Evaluate(Protocol):
    """Runs a strategy on bars, path-dependent ones through the engine, and gives its decisions.

    One that decides bar by bar is asked from the row `first` on; the bars before it are its past.
    """

    def __call__(
        self, strategy: Strategy, bars: Bars, scene: Scene, funding: FundingRates | None, first: int = 0, /
    ) -> Decisions:
        """Give the decisions."""
        ...


Certify = Callable[[Strategy, Bars, Scene, FundingRates | None], Certificate]
"""Checks a strategy for look-ahead on the very bars of the result."""


@dataclass(frozen=True)
class Desk:
    """The ports and the code that a backtest needs.

    `rerun` runs a strategy on parts of its bars, to find how it depends on the start of the data; None leaves that out.
    """

    lake: Lake
    records: Records
    clock: Clock
    evaluate: Evaluate
    certify: Certify | None = None
    progress: Progress = silent
    rerun: Evaluate | None = None


@dataclass(frozen=True)
class Market:
    """What a scene trades on: bars and funding at pinned versions."""

    bars: Bars
    bars_origin: str
    funding: FundingRates | None
    versions: dict[str, int]

    @cached_property
    def digest(self) -> str:
        """Give the sha256 of every number in it."""
        seen = sha256()
        columns = [getattr(self.bars, column.name) for column in fields(self.bars)]
        if self.funding is not None:
            columns += [self.funding.time, self.funding.rate]
        for column in columns:
            seen.update(np.ascontiguousarray(column).data)
        return seen.hexdigest()


def backtest(scene: Scene, strategy: Strategy, desk: Desk, *, cache: bool = True) -> Result:
    """Give the stored result of this very scene, data, code and engine, or compute and store it.

    Raises:
        UserError: NO_DATA when the lake has no candle of the scene; SEALED when it reaches into a sealed holdout.
    """
    refuse_sealed(desk.records, scene)
    return run_scene(scene, strategy, desk, cache=cache)


def run_scene(scene: Scene, strategy: Strategy, desk: Desk, *, cache: bool = True) -> Result:
    """Do the same on sealed data as well: the opening of a holdout is on record before it comes here."""
    desk.progress("reading bars", 0, 1)
    market = read_market(desk.lake, scene, pin(desk.lake, scene))
    desk.progress("reading bars", 1, 1)
    key = scene.key(market.versions, market.digest, strategy_hash(strategy), ENGINE_VERSION)
    # A stored result without certificate or score is kept, and only what it lacks is made up for.
    known = desk.records.load(key) if cache else None
    if known is not None and not is_sure(known.certificate):
        known = None
    if known is not None and known.score is not None and (known.certificate is not None or desk.certify is None):
        count_trial(known, desk.records)
        return known
    result = known or compute(scene, strategy, market, desk)
    if result.certificate is None:
        result = replace(result, key=key, certificate=_certificate(scene, strategy, market, desk))
    count_trial(result, desk.records)
    result = scored(result, strategy, market, desk, counted_trials(desk.records, scene, market.bars.time))
    desk.records.save(result)
    return result


def is_sure(certificate: Certificate | None) -> bool:
    """Say whether the numbers may be taken from the records: what reads a file may give others under the same key."""
    return certificate is None or certificate.verdict != "unknown"


def scored(
    result: Result, strategy: Strategy, market: Market, desk: Desk, trials: tuple[int, Floats] = (1, np.zeros(0))
) -> Result:
    """Add what tells how far a result can be trusted: its score among the trials on its data, and the ladder."""
    rerun, scene = desk.rerun, result.scene
    desk.progress("scoring", 0, 1)
    settling = None
    if rerun is not None:
        settling = find_settling(strategy, market.bars, lambda bars: rerun(strategy, bars, scene, market.funding))
    score = appraise(result, market.bars, trials, settling)
    ladder = whole_ladder(result, market, desk.lake)
    desk.progress("scoring", 1, 1)
    return replace(result, score=score, ladder=ladder)


def whole_ladder(result: Result, market: Market, lake: Lake) -> tuple[Rung, ...]:
    """Carry out the decisions of a result under other executions and costs, and on the trades that the lake holds."""
    scene, decisions = result.scene, result.decisions
    rungs = assumption_ladder(scene, decisions, market.bars, market.funding)
    version = market.versions.get(SILVER_TRADES.full_name)
    on_trades = trades_rung(scene, decisions, market.bars, market.funding, (lake, version))
    models = sum(rung.kind == "model" for rung in rungs)
    return (*rungs[:models], on_trades, *rungs[models:])


def settling(scene: Scene, strategy: Strategy, desk: Desk, bars: Bars | None = None) -> Startup | None:
    """Find how many bars must come first until a strategy's decisions stay the same; None when it cannot be tried.

    Args:
        scene: what it decides on.
        strategy: with the parameters of the scene.
        desk: ports.
        bars: candles that the caller holds, instead of the lake's.
    """
    market = own_market(bars) if bars is not None else read_market(desk.lake, scene, pin(desk.lake, scene))
    desk.progress("moving the start", 0, 1)
    found = find_settling(
        strategy, market.bars, lambda some: desk.evaluate(strategy, some, scene, market.funding), most=STARTUP_BARS
    )
    desk.progress("moving the start", 1, 1)
    return found


def count_trial(result: Result, records: Records) -> None:
    """Count a result as a trial on its data; one that was counted before is not counted again.

    What is leaky counts, but without a ratio: nobody can earn it, so it says nothing of what others show by chance.
    """
    scene = result.scene
    ratio = sharpe(growth(result.run.equity, scene.cash), per_year=1.0)
    void = ratio is None or (result.certificate is not None and result.certificate.verdict == "leaky")
    dataset = dataset_of([scene.instrument], scene.timeframe, result.run.time)
    trial = trial_key(result.strategy_hash, scene, scene.parameters, dataset)
    records.count_trials(dataset, [trial], np.array([np.nan if void else ratio]))


def backtest_bars(
    scene: Scene, strategy: Strategy, bars: Bars, desk: Desk, trials: tuple[int, Floats] = (1, np.zeros(0))
) -> Result:
    """Compute a result on candles that the caller holds; its key holds their digest, and it is not stored.

    Nobody counts trials on such candles: `trials` is how many the caller has made, and the Sharpe ratio a year of each.

    Raises:
        UserError: BAD_TIMEFRAME when the candles are not those of the scene's timeframe.
    """
    _check_length(scene, bars)
    market = own_market(bars)
    result = compute(scene, strategy, market, desk)
    key = scene.key(market.versions, market.digest, strategy_hash(strategy), ENGINE_VERSION)
    result = replace(result, key=key, certificate=_certificate(scene, strategy, market, desk))
    return scored(result, strategy, market, desk, trials)


def own_market(bars: Bars) -> Market:
    """Make a market of candles that are in no lake."""
    return Market(bars, "native", None, {})


def strategy_hash(strategy: Strategy) -> str:
    """Give the sha256 of the strategy's source text."""
    return sha256(strategy.source.encode()).hexdigest()


def pin(lake: Lake, scene: Scene) -> dict[str, int]:
    """Give the versions of the tables that a scene reads; an absent one is left out.

    Trades are among them for the rung of the ladder that is filled on them: with other trades it is another result.
    """
    candles = lake.version(GOLD_CANDLES, series(scene.instrument, scene.timeframe))
    if candles is None:
        raise no_data(lake, scene.instrument, scene.timeframe, scene.range)
    versions = {GOLD_CANDLES.full_name: candles}
    funding = lake.version(SILVER_FUNDING, _funding_series(scene.instrument)) if scene.instrument.is_perpetual else None
    if scene.rules is not None and scene.rules.version is not None:
        versions[BRONZE_INSTRUMENTS.full_name] = scene.rules.version
    trades = lake.version(SILVER_TRADES, series_of_trades(scene.instrument))
    known = {SILVER_FUNDING.full_name: funding, SILVER_TRADES.full_name: trades}
    return {**versions, **{name: version for name, version in known.items() if version is not None}}


def read_market(lake: Lake, scene: Scene, versions: dict[str, int]) -> Market:
    """Read what a scene trades on at the given table versions."""
    bars, origin = read_candles(
        lake, scene.instrument, scene.timeframe, scene.range, version=versions[GOLD_CANDLES.full_name]
    )
    pinned = versions.get(SILVER_FUNDING.full_name)
    funding = None if pinned is None else read_funding(lake, scene.instrument, scene.range, version=pinned)
    return Market(bars, origin, funding, versions)


def compute(scene: Scene, strategy: Strategy, market: Market, desk: Desk) -> Result:
    """Run strategy and engine on a market; the key is filled in by the caller."""
    bars = market.bars
    desk.progress("deciding", 0, len(bars))
    decisions = desk.evaluate(strategy, bars, scene, market.funding)
    desk.progress("deciding", len(bars), len(bars))
    desk.progress("simulating", 0, len(bars))
    done, orders = carry_out(
        bars, decisions, scene.execution, cash=scene.cash, funding=market.funding, terms=scene.terms
    )
    metrics = summary(done, bars, scene.timeframe, scene.execution, scene.cash)
    desk.progress("simulating", len(bars), len(bars))
    return Result(
        key="",
        digest=done.digest(),
        scene=scene,
        strategy_source=strategy.source,
        strategy_hash=strategy_hash(strategy),
        engine_version=ENGINE_VERSION,
        table_versions=market.versions,
        data_digest=market.digest,
        origin=scene.instrument.venue,
        bars_origin=market.bars_origin,
        metrics=metrics,
        run=done,
        incidents=_incidents(scene, market, done, desk),
        created=desk.clock.now(),
        notes=(
            *notes(scene, market),
            *filling_notes(scene, decisions),
            *overruled(scene, strategy),
            *seal_notes(desk.records, scene),
        ),
        sent=decisions if isinstance(decisions, Sent) else None,
        orders=orders,
    )


def _incidents(scene: Scene, market: Market, done: Run, desk: Desk) -> tuple[Incident, ...]:
    known = market.funding is not None
    return find_incidents(desk.lake, scene, market.bars, done, has_funding=known, funding=market.funding)


def notes(scene: Scene, market: Market) -> tuple[str, ...]:
    """Say what a reader must know before the numbers."""
    said = []
    if scene.instrument.venue == "simulated":
        said.append("SIMULATED market: the prices are made up by a seeded generator")
    if not any((scene.execution.maker_fee, scene.execution.taker_fee, scene.execution.slippage_bps)):
        said.append("NO COSTS: fees and slippage are 0")
    if scene.execution.fill == "close":
        said.append("OPTIMISTIC fills: orders fill at the close of the bar that decides")
    if DECIDE_ON in scene.parameters:
        said.append(f"decided on {scene.parameters[DECIDE_ON]} candles made of these, filled on {scene.timeframe}")
    if market.bars_origin != "native":
        said.append(f"candles are built from {market.bars_origin}, not the venue's own")
    if scene.instrument.is_perpetual and market.funding is None:
        said.append("no funding data in the lake: funding is not counted")
    return tuple(said) + rule_notes(scene, market.bars.time)


def filling_notes(scene: Scene, decisions: Decisions) -> tuple[str, ...]:
    """Say how much of the market orders were given where that is not the default, or that it changes nothing."""
    if scene.filling == WHOLE_TAPE:
        return ()
    share, touch = scene.filling.participation, scene.filling.touch_fills
    said = [] if share is None else [f"orders fill at most {100.0 * share:g} % of a bar's volume"]
    said += ["a limit order fills where its price is touched"] if touch else []
    if not isinstance(decisions, Sent):
        return (f"FILL RULES ({', '.join(said)}) change nothing here: targets fill whole",)
    return (f"FILL RULES {', '.join(said)}",)


def _check_length(scene: Scene, bars: Bars) -> None:
    # Everything by the year, and what counts as a hole, hangs on the length that the scene says.
    shortest = int(np.diff(bars.time).min()) if len(bars) > 1 else scene.timeframe.microseconds
    if scene.timeframe.is_fixed and shortest != scene.timeframe.microseconds:
        raise UserError(
            "BAD_TIMEFRAME",
            f"the candles are {shortest / SECOND:g} s apart, those of {scene.timeframe} would be "
            f"{scene.timeframe.microseconds / SECOND:g} s",
            facts={
                "received": f"timeframe {scene.timeframe}",
                "valid": "the length of the candles, as timeframe='15m'",
            },
        )


def overruled(scene: Scene, strategy: Strategy) -> tuple[str, ...]:
    """Say which of a strategy's own settings the run does not have."""
    held = {**asdict(scene.execution), "short": scene.execution.allow_short, "timeframe": str(scene.timeframe)}
    declared: Mapping[str, object] = getattr(strategy, "declares", {})
    return tuple(
        f"the strategy asks for {name} = {value}, this run has {held[name]}"
        for name, value in declared.items()
        if held[name] != value
    )


def _certificate(scene: Scene, strategy: Strategy, market: Market, desk: Desk) -> Certificate | None:
    if desk.certify is None:
        return None
    desk.progress("checking for look-ahead", 0, 1)
    certificate = desk.certify(strategy, market.bars, scene, market.funding)
    desk.progress("checking for look-ahead", 1, 1)
    return certificate


def _funding_series(instrument: Instrument) -> dict[str, str]:
    return {"venue": instrument.venue, "symbol": instrument.symbol}
