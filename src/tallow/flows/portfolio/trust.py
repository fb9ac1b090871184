"""How far a portfolio can be trusted: its trials, its score, its warm-up, other executions, incidents."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tallow.core.honesty import (
    Evidence,
    PermutationTest,
    Startup,
    permutation_test,
    rotation_test,
    startup_sensitivity,
)
from tallow.core.metrics import growth, sharpe
from tallow.core.portfolio import PortfolioRun, account_run, close_table, run
from tallow.domain.columns import Bars, Floats, Times
from tallow.domain.errors import Error
from tallow.domain.evidence import Incident
from tallow.domain.results import Result
from tallow.domain.scene import Execution, Value
from tallow.domain.timeframes import Timeframe
from tallow.domain.trials import Dataset, dataset_of, trial_key
from tallow.flows.appraise import PERMUTATIONS, PERMUTED_ROWS, STARTUP_BARS, appraise_run
from tallow.flows.backtest import Desk
from tallow.flows.costs import climb
from tallow.flows.portfolio.values import PortfolioResult, Weights
from tallow.ports import Records


def count_trial(result: PortfolioResult, records: Records) -> None:
    """Count a result as a trial on its instruments; one that was counted before is not counted again.

    Source, parameters, range, exits, margin and the rule of rebalancing make a trial; costs do not. What is leaky
    counts without a ratio.
    """
    scene = result.scene
    ratio = sharpe(growth(result.run.equity, scene.cash), per_year=1.0)
    void = ratio is None or (result.certificate is not None and result.certificate.verdict == "leaky")
    # Names that no parameter of a function can have.
    account: dict[str, Value] = {
        "rebalance of": scene.rebalance,
        "margin of": scene.margin,
        "leverage of": scene.leverage or 0.0,
    }
    seen = dataset(result)
    trial = trial_key(result.strategy_hash, scene.scenes[0], {**result.parameters, **account}, seen)
    records.count_trials(seen, [trial], np.array([np.nan if void else ratio]))


def dataset(result: PortfolioResult) -> Dataset:
    """Say what the trials of a portfolio are counted on: each of its instruments, as their backtests are."""
    return dataset_of(result.scene.instruments, result.scene.timeframe, result.run.panel.time)


def scored(result: PortfolioResult, weights: Weights, bars: Mapping[str, Bars], desk: Desk) -> PortfolioResult:
    """Add what tells how far a result can be trusted: its score among the trials on its data, and the ladder."""
    scene, panel = result.scene, result.run.panel
    desk.progress("scoring", 0, 1)
    settling = find_settling(weights, bars, panel.time, scene.timeframe)
    evidence = Evidence(
        closed_trades=int(result.metrics.get("trades") or 0),
        permutation=random_times(result.run, scene.execution, settling),
        startup=settling,
        causality=result.certificate.verdict if result.certificate is not None else "unknown",
    )
    trials = desk.records.trials(dataset(result))
    score = appraise_run(account_run(result.run), scene.timeframe, scene.cash, evidence, trials)

    def earned(execution: Execution) -> float:
        done = run(panel, result.run.asked, execution, cash=scene.cash, rules=result.rules, books=scene.books)
        return float(done.equity[-1]) / scene.cash - 1.0

    ladder = climb(scene.execution, earned)
    desk.progress("scoring", 1, 1)
    return replace(result, score=score, ladder=ladder)


def random_times(done: PortfolioRun, execution: Execution, settling: Startup | None = None) -> PermutationTest:
    """Compare the timing of what was held with the same holdings at other times: equal exposure, equal costs.

    Several instruments are rotated together; one alone is rearranged, as in a backtest. Rows are taken from the warm-up
    on, at most the last `PERMUTED_ROWS`, as there.
    """
    held, close = held_weights(done), close_table(done.panel)
    warm_up = (settling.warm_up or 0) if settling is not None else 0
    first = max(warm_up if 2 * warm_up < len(held) else 0, len(held) - PERMUTED_ROWS)
    held, close = held[first:], close[first:]
    rate = max(0.0, execution.taker_fee + execution.slippage_bps / 10_000)  # a rebate is no cost
    fewest, most = PERMUTATIONS
    count = min(most, max(fewest, 10_000_000 // max(1, held.size)))
    if held.shape[1] == 1:
        return permutation_test(held[:, 0], close[:, 0], cost_rate=rate, permutations=count)
    return rotation_test(held, close, cost_rate=rate, permutations=count)


def held_weights(done: PortfolioRun) -> Floats:
    """Give the part of the equity that each position was at every close, as it was when the position last changed.

    What prices alone make of a weight is no decision, and costs nothing.
    """
    positions, weights = done.positions, np.nan_to_num(done.weights)
    changed = np.ones(positions.shape, np.bool_)
    changed[1:] = positions[1:] != positions[:-1]
    last = np.maximum.accumulate(np.where(changed, np.arange(len(positions))[:, None], 0), axis=0)
    return np.asarray(np.take_along_axis(weights, last, axis=0), np.float64)


def find_settling(weights: Weights, bars: Mapping[str, Bars], time: Times, timeframe: Timeframe) -> Startup | None:
    """Find how many rows must come first until the weights stay the same; None when that cannot be tried.

    Args:
        weights: run on the bars between two rows, again and again.
        bars: of every instrument.
        time: of every row.
        timeframe: candle length.
    """
    rows = time[max(0, len(time) - STARTUP_BARS) :]
    nothing = np.zeros(len(rows))

    def decide(axis: Bars) -> Floats:
        first, last = int(axis.time[0]), int(axis.time[-1])
        return weights.weigh({symbol: _between(own, first, last) for symbol, own in bars.items()}, timeframe)

    try:
        axis = Bars.of(rows, (nothing, nothing, nothing, nothing, nothing))
        return startup_sensitivity(decide, axis, rows=max(1, len(rows) // 4))
    except Error:  # too few rows, or code that fails on a part of them: then nothing can be said
        return None


def _between(bars: Bars, first: int, last: int) -> Bars:
    start, stop = np.searchsorted(bars.time, first), np.searchsorted(bars.time, last, side="right")
    return bars[int(start) : int(stop)]


def incidents(result: PortfolioResult) -> tuple[tuple[str, Incident], ...]:
    """Give (symbol, incident) of all instruments, in order of time."""
    found = [(one.symbol, incident) for one in result.instruments for incident in one.incidents]
    return tuple(sorted(found, key=lambda pair: (pair[1].start, pair[0], pair[1].kind)))


def account(result: PortfolioResult) -> Result:
    """Give the account as a whole as a result, for what only looks at equity, trades, score and evidence.

    Its scene is that of the first instrument; its run is `account_run`, its incidents those of all instruments.
    """
    venues = [instrument.venue for instrument in result.scene.instruments]
    made = [one.bars_origin for one in result.instruments if one.bars_origin != "native"]
    return Result(
        key=result.key,
        digest=result.digest,
        scene=result.scene.scenes[0],
        strategy_source=result.source,
        strategy_hash=result.strategy_hash,
        engine_version=result.engine_version,
        table_versions=result.instruments[0].versions,
        data_digest=result.data_digest,
        origin="simulated" if "simulated" in venues else venues[0],
        bars_origin=made[0] if made else "native",
        metrics=result.metrics,
        run=account_run(result.run),
        incidents=tuple(incident for _, incident in incidents(result)),
        certificate=result.certificate,
        created=result.created,
        notes=result.notes,
        score=result.score,
        ladder=result.ladder,
    )
