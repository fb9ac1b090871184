"""Score a result: how much of it is left once trials, chance and the start of the data are taken into account."""

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

import numpy as np

from tallow.core.honesty import (
    Evidence,
    PermutationTest,
    Resampling,
    Startup,
    permutation_test,
    score,
    startup_sensitivity,
)
from tallow.core.metrics import ratio_returns
from tallow.domain.columns import Bars, Floats, Times
from tallow.domain.errors import Error
from tallow.domain.results import Result, Run
from tallow.domain.scene import Execution, Scene
from tallow.domain.sent import Decisions
from tallow.domain.timeframes import Timeframe
from tallow.domain.trials import dataset_of
from tallow.ports import Records, Strategy

Decide = Callable[[Bars], Decisions]
"""Runs the strategy of a result on some of its bars, under the same scene."""

RESAMPLES = (1_000, 500)  # of the returns: up to `MANY_RETURNS` of them, and beyond
MANY_RETURNS = 1_000
PERMUTATIONS = (200, 1_000)  # fewest and most random arrangements
PERMUTED_ROWS = 100_000  # last bars that are rearranged; ten million rows in all, as far as the fewest allow
STARTUP_BARS, STARTUP_BARS_BY_EVENT = 10_000, 2_000  # last bars on which the start of the data is moved


def appraise(
    result: Result, bars: Bars, trials: tuple[int, Floats] = (1, np.zeros(0)), settling: Startup | None = None
) -> dict[str, Any]:
    """Give the plain values of the score of a result.

    Args:
        result: computed on `bars`.
        bars: market data.
        trials: how many strategies and parameters have seen any of this data, this one included, and the Sharpe
            ratio a bar of each; annualised here by the number of bars a year.
        settling: how its decisions depend on the start of the data; None when that was not looked at.
    """
    scene = result.scene
    evidence = Evidence(
        closed_trades=int(result.metrics.get("trades") or 0),
        permutation=random_entries(result.run, bars, scene.execution, settling, by_orders=result.sent is not None),
        startup=settling,
        causality=result.certificate.verdict if result.certificate is not None else "unknown",
    )
    return appraise_run(result.run, scene.timeframe, scene.cash, evidence, trials)


def appraise_run(
    run: Run, timeframe: Timeframe, cash: float, evidence: Evidence, trials: tuple[int, Floats]
) -> dict[str, Any]:
    """Give the plain values of the score of an account, whatever it held."""
    returns, per_year = ratio_returns(run, timeframe, cash)
    count, ratios = trials
    found = score(
        returns,
        trials=max(1, count),
        trial_sharpes=np.asarray(ratios),
        per_year=per_year,
        evidence=evidence,
        resampling=Resampling(resamples=RESAMPLES[len(returns) > MANY_RETURNS]),
    )
    return {name: _plain(value) for name, value in found.to_dict().items()}


def _plain(value: Any) -> Any:
    """Give what JSON can hold and gives back as it was: lists for tuples, None for what has no finite value."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def counted_trials(records: Records, scene: Scene, time: Times) -> tuple[int, Floats]:
    """Give the trials that have seen any of the bars at these times."""
    return records.trials(dataset_of([scene.instrument], scene.timeframe, time))


def random_entries(
    run: Run, bars: Bars, execution: Execution, settling: Startup | None = None, *, by_orders: bool = False
) -> PermutationTest:
    """Compare a run's timing with random entries of equal exposure; the plain test, for every kind of strategy.

    Rows are taken from the warm-up on, at most the last `PERMUTED_ROWS`: rows in which nothing could be held are not
    random.
    """
    line = held_fractions(run, bars) if by_orders else held_targets(run, execution)
    warm_up = (settling.warm_up or 0) if settling is not None else 0
    first = max(warm_up if 2 * warm_up < len(line) else 0, len(line) - PERMUTED_ROWS)
    fewest, most = PERMUTATIONS
    return permutation_test(
        line[first:],
        bars.close[first:],
        cost_rate=max(0.0, execution.taker_fee + execution.slippage_bps / 10_000),  # a rebate is no cost
        permutations=min(most, max(fewest, 10_000_000 // max(1, len(line) - first))),
    )


def held_targets(run: Run, execution: Execution) -> Floats:
    """Give the target at every close, 0 where none of it was held until the next one: after a stop, before a fill.

    Example:
        >>> from tallow.core.engine import run
        >>> flat = np.full(4, 100.0)
        >>> bars = Bars.of(np.arange(4), (flat, flat, flat, flat, flat))
        >>> done = run(bars, np.array([0.0, 1.0, 1.0, 0.0]), Execution(), cash=100.0)
        >>> held_targets(done, Execution()).tolist()
        [0.0, 1.0, 1.0, 0.0]
    """
    held = run.position != 0
    if execution.fill == "next_open":
        # What is decided at this close trades during the next bar; a bar that was stopped out was held as well.
        touched = held.copy()
        touched[run.fills.row] = True
        held[:-1] |= touched[1:]
    return np.where(held, run.target, 0.0)


def held_fractions(run: Run, bars: Bars) -> Floats:
    """Give the part of the equity that the position was at every close, as it was when the position last changed.

    Example:
        >>> from tallow.core.engine import run
        >>> price = np.array([100.0, 100.0, 200.0, 200.0])
        >>> bars = Bars.of(np.arange(4), (price, price, price, price, price))
        >>> done = run(bars, np.array([0.5, 0.5, 0.0, 0.0]), Execution(taker_fee=0.0), cash=100.0)
        >>> held_fractions(done, bars).tolist()
        [0.0, 0.5, 0.5, 0.0]
    """
    worth = run.position * bars.close
    part = np.divide(worth, run.equity, out=np.zeros(len(worth)), where=run.equity > 0.0)
    changed = np.append(True, run.position[1:] != run.position[:-1])[: len(part)]
    return cast(Floats, part[np.maximum.accumulate(np.where(changed, np.arange(len(part)), 0))])


def find_settling(strategy: Strategy, bars: Bars, decide: Decide, *, most: int | None = None) -> Startup | None:
    """Find how many bars must come first until the decisions stay the same; None when that cannot be tried.

    Args:
        strategy: decides for all bars at once, or bar by bar, which costs more and is tried on fewer bars.
        bars: market data.
        decide: runs it.
        most: last bars to work on; by default `STARTUP_BARS`, or `STARTUP_BARS_BY_EVENT`.
    """
    by_event = bool(getattr(strategy, "event_driven", False))
    limit = most or (STARTUP_BARS_BY_EVENT if by_event else STARTUP_BARS)
    some = bars[max(0, len(bars) - limit) :]
    try:
        # The more rows are watched, the rarer a branch that none of them takes.
        return startup_sensitivity(decide, some, rows=max(1, len(some) // 4))
    except Error:  # too few bars, or code that fails on a part of them: then nothing can be said
        return None


def settling_values(found: Startup | None) -> dict[str, Any] | None:
    """Give plain values, for JSON."""
    return None if found is None else {**asdict(found), "warm_up": found.warm_up, "words": found.words}
