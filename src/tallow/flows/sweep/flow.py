"""Run a sweep: settle the search, evaluate what is not stored, find the best, certify it, count the trials."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import cast

import numpy as np

from tallow.core.engine import ENGINE_VERSION
from tallow.domain.columns import Bars, Floats, FundingRates
from tallow.domain.errors import UserError
from tallow.domain.results import Result
from tallow.domain.scene import Scene
from tallow.domain.sweep import Evaluated, Row, Search, SweepResult, goal_column
from tallow.domain.trials import dataset_of
from tallow.flows.backtest import Desk, Market, backtest, backtest_bars, notes, own_market, pin, read_market
from tallow.flows.backtest import strategy_hash as hash_of
from tallow.flows.seals import refuse_sealed, seal_notes
from tallow.flows.sweep.evaluation import Book, Series, Work, identities
from tallow.flows.sweep.plan import TRIALS, allowed, plan, settle
from tallow.flows.sweep.proposals import propose
from tallow.ports import Evaluator, Records, Strategy

Recruit = Callable[[Strategy, Bars, Scene, FundingRates | None], AbstractContextManager[Evaluator]]
"""Gives who evaluates combinations of a strategy on a market, and lets them go afterwards."""


@dataclass(frozen=True)
class Studio:
    """What a sweep needs: a desk for single backtests, and whoever evaluates the many.

    `gives_stored` says whether a walk forward that is stored is given as it is.
    """

    desk: Desk
    recruit: Recruit
    gives_stored: bool = True


def sweep(
    scene: Scene, strategy: Strategy, search: Search, studio: Studio, bars: Bars | None = None, *, cache: bool = True
) -> SweepResult:
    """Evaluate the combinations of a search; what is stored is not computed again.

    Args:
        scene: what to trade, with every parameter of the strategy; those swept are replaced.
        strategy: with the same parameters.
        search: which combinations, and what the best is.
        studio: ports.
        bars: candles that the caller holds, instead of the lake's; nothing is stored and counted then.
        cache: read what is stored, and store what is new; trials are counted in any case.

    Raises:
        UserError: NO_DATA, UNKNOWN_PARAMETER, BAD_PARAMETER, BAD_RANGE, BAD_CONSTRAINT, NO_COMBINATIONS,
            TOO_MANY_COMBINATIONS, MISSING_EXTRA; ALL_FAILED when every combination failed.
        TransientError: WORKER_LOST.
    """
    desk = studio.desk
    market = open_market(scene, desk, bars)
    series = series_of(scene, strategy, market)
    if bars is None:
        series = replace(series, records=desk.records, keeps=cache)
    with studio.recruit(strategy, market.bars, scene, market.funding) as evaluator:
        work = Work(evaluator, desk.clock, desk.progress)
        settled, found = search_through(search, scene, series, work)
        best, result = best_of(found, settled), None
        if best is not None:
            parameters = {**scene.parameters, **dict(zip(settled.names, found.rows[best], strict=True))}
            scene, chosen = replace(scene, parameters=parameters), evaluator.variant(parameters)
            if bars is None:
                result = backtest(scene, chosen, desk, cache=cache)
                void_leaky(result, found, series)
            else:
                result = backtest_bars(scene, chosen, bars, desk, counted(found, series))
    trials, sharpes = counted(found, series)
    return SweepResult(
        key=series.key,
        scene=scene,
        search=settled,
        found=found,
        best=best,
        result=result,
        computed=work.computed,
        seconds=work.seconds,
        bars=len(market.bars),
        trials=trials,
        sharpes=sharpes,
        notes=notes(scene, market) + (seal_notes(desk.records, scene) if bars is None else ()),
    )


def open_market(scene: Scene, desk: Desk, bars: Bars | None) -> Market:
    """Read what a scene trades on, or take the caller's own candles."""
    if bars is not None:
        return own_market(bars)
    refuse_sealed(desk.records, scene)
    desk.progress("reading bars", 0, 1)
    market = read_market(desk.lake, scene, pin(desk.lake, scene))
    desk.progress("reading bars", 1, 1)
    return market


def counted(found: Evaluated, series: Series) -> tuple[int, Floats]:
    """Give the trials that saw a dataset, with their Sharpe ratios a year; without records those of this sweep."""
    if series.records is not None:
        return series.records.trials(series.dataset)
    sharpes = np.delete(found.columns["bar_sharpe"], list(found.failed))
    return len(sharpes), sharpes * math.sqrt(series.dataset.per_year)


def void_leaky(result: Result, found: Evaluated, series: Series) -> None:
    """Take the ratios of all combinations out of the count when the best of them was found leaky."""
    if result.certificate is not None and result.certificate.verdict == "leaky":
        trials = identities(found, series)
        cast(Records, series.records).count_trials(series.dataset, trials, np.full(len(trials), np.nan))


def series_of(scene: Scene, strategy: Strategy, market: Market) -> Series:
    """Name the sweep and the dataset of a scene; the parameters, which change, are part of neither."""
    source = hash_of(strategy)
    content = replace(scene, parameters={}).key(market.versions, market.digest, source, ENGINE_VERSION)
    return Series(
        key=sha256(f"sweep {content}".encode()).hexdigest(),
        dataset=dataset_of([scene.instrument], scene.timeframe, market.bars.time),
        scene=scene,
        strategy_hash=source,
        bars=slice(0, len(market.bars)),
        length=len(market.bars),
    )


def search_through(search: Search, scene: Scene, series: Series, work: Work) -> tuple[Search, Evaluated]:
    """Settle a search and evaluate its combinations on a series."""
    settled = settle(search, work.evaluator)
    return settled, evaluated(settled, scene, series, work)


def evaluated(settled: Search, scene: Scene, series: Series, work: Work) -> Evaluated:
    """Evaluate the combinations of a settled search on a series; give every row in its order.

    Raises:
        UserError: ALL_FAILED when every combination failed.
    """
    book = Book(tuple(sorted({**scene.parameters, **dict.fromkeys(settled.names)})))
    if series.records is not None and series.keeps:
        for chunk in series.records.finished(series.key):
            book.add(chunk)
    fill = _filler(book.names, settled, scene)
    if settled.method == "optuna":
        work.whole = work.whole or settled.trials or TRIALS

        def score(some: Sequence[Row]) -> Floats:
            full = [fill(row) for row in some]
            work.complete(book, full, series)
            return goal_column(book.take(full), settled.goal)

        rows = propose(settled, allowed(settled, scene.parameters), score)
    else:
        rows = plan(settled, scene.parameters)
        work.complete(book, [fill(row) for row in rows], series)
    found = replace(book.take([fill(row) for row in rows]), names=settled.names, rows=tuple(rows))
    if len(found.failed) == len(found):
        raise _all_failed(found)
    return found


def _filler(names: tuple[str, ...], search: Search, scene: Scene) -> Callable[[Row], Row]:
    """Give what puts the parameters that are not swept into a row."""
    swept = {name: place for place, name in enumerate(search.names)}
    parts = [(swept.get(name, -1), scene.parameters.get(name, 0)) for name in names]
    return lambda row: tuple(row[place] if place >= 0 else fixed for place, fixed in parts)


def best_of(found: Evaluated, search: Search) -> int | None:
    """Give the first row with the largest number looked for; None when no row has it."""
    column = goal_column(found, search.goal)
    return None if np.isnan(column).all() else int(np.nanargmax(column))


def _all_failed(found: Evaluated) -> UserError:
    row, reason = next(iter(found.failed.items()))
    values = ", ".join(f"{name}={value}" for name, value in zip(found.names, found.rows[row], strict=True))
    return UserError(
        "ALL_FAILED",
        f"all {len(found):,} combinations failed" if len(found) > 1 else "the only combination failed",
        facts={"first": values, "because": reason},
        commands=["tallow explain " + reason.partition(":")[0]],
        exit="failed",
    )
