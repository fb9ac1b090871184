"""Stored results of every kind behind one door: find, show, replay, write the page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tallow.domain.results import Filed, Result
from tallow.domain.scene import Value
from tallow.domain.sweep import WalkForwardResult
from tallow.flows import report
from tallow.flows.appraise import counted_trials
from tallow.flows.backtest import Desk, read_market, whole_ladder
from tallow.flows.portfolio import PortfolioResult, open_portfolio, replay_portfolio
from tallow.flows.portfolio import page as portfolio_page
from tallow.flows.portfolio import plain as portfolio_plain
from tallow.flows.portfolio.trust import dataset
from tallow.flows.portfolio.values import Weights
from tallow.flows.replay import Replay, find_result, replay
from tallow.flows.sweep import Studio, cross_page, cross_plain, forward_page
from tallow.flows.sweep.cross import replay_cross
from tallow.flows.sweep.cross_filing import cross_of
from tallow.flows.sweep.cross_values import CrossValidationResult
from tallow.flows.sweep.filing import walk_of
from tallow.flows.sweep.forward import replay_walk
from tallow.ports import Strategy

Stored = Result | PortfolioResult | WalkForwardResult | CrossValidationResult


@dataclass(frozen=True)
class Loaders:
    """What makes code of the name, the source text and the parameters that are stored with a result."""

    strategy: Callable[[str, str, Mapping[str, Value]], Strategy]
    weights: Callable[[str, str, Mapping[str, Value]], Weights]
    studio: Studio


def find_filed(desk: Desk, key: str) -> Filed | None:
    """Find what is stored under the first digits of a key, if it is no backtest."""
    return desk.records.filed(key)


def find_backtest(desk: Desk, key: str) -> Result:
    """Find a stored backtest by the first digits of its key.

    Raises:
        UserError: UNKNOWN_RESULT when there is none, NOT_A_BACKTEST when it is of another kind.
    """
    found = find_result(desk, key)
    if found.ladder:
        return found
    # Results of earlier versions were stored without one.
    market = read_market(desk.lake, found.scene, dict(found.table_versions))
    return replace(found, ladder=whole_ladder(found, market, desk.lake))


def find_stored(desk: Desk, key: str) -> Stored:
    """Find a stored result of any kind by the first digits of its key.

    Raises:
        UserError: UNKNOWN_RESULT when there is none.
    """
    found = find_filed(desk, key)
    if found is None:
        return find_backtest(desk, key)
    if found.kind == "portfolio":
        return open_portfolio(found, desk)
    return cross_of(found) if found.kind == "cross-validation" else walk_of(found)


def replay_stored(desk: Desk, key: str, loaders: Loaders) -> Replay:
    """Run a stored result of any kind again on its pinned data and compare every bit.

    Raises:
        UserError: UNKNOWN_RESULT; STRATEGY_CHANGED when it was made by a built-in rule that is another one today.
    """
    found = find_filed(desk, key)
    if found is not None and found.kind == "portfolio":
        return replay_portfolio(found, loaders.weights, desk)
    if found is not None:
        source = found.body["strategy_source"]
        again = replay_cross if found.kind == "cross-validation" else replay_walk
        return again(found, loaders.strategy(found.strategy, source, found.scene["parameters"]), loaders.studio)
    result = find_result(desk, key)
    strategy = loaders.strategy(result.scene.strategy, result.strategy_source, result.scene.parameters)
    return replay(result, strategy, desk)


def describe(found: Stored) -> dict[str, Any]:
    """Give a result as plain values, without its arrays."""
    if isinstance(found, WalkForwardResult):
        return forward_page.describe(found)
    if isinstance(found, CrossValidationResult):
        return cross_plain.describe(found)
    return report.describe(found) if isinstance(found, Result) else portfolio_plain.describe(found)


def text(found: Stored) -> str:
    """Write a result for a terminal."""
    if isinstance(found, WalkForwardResult):
        return forward_page.text(found)
    if isinstance(found, CrossValidationResult):
        return cross_plain.text(found)
    return report.text(found) if isinstance(found, Result) else portfolio_plain.text(found)


def key_of(found: Stored) -> str:
    """Give the key under which a result is stored."""
    return found.result.key if isinstance(found, WalkForwardResult | CrossValidationResult) else found.key


def trials_by_now(found: Stored, desk: Desk) -> int:
    """Count the trials on the data of a result as they are today."""
    if isinstance(found, PortfolioResult):
        return desk.records.trials(dataset(found))[0]
    result = found.result if isinstance(found, WalkForwardResult | CrossValidationResult) else found
    return counted_trials(desk.records, result.scene, result.run.time)[0]


def render(found: Stored, desk: Desk, colours: str) -> str:
    """Write the page of a result."""
    if isinstance(found, PortfolioResult):
        return portfolio_page.render(found, colours=colours)
    result = found.result if isinstance(found, WalkForwardResult | CrossValidationResult) else found
    bars = read_market(desk.lake, result.scene, dict(result.table_versions)).bars
    if isinstance(found, WalkForwardResult):
        return forward_page.render(found, bars, colours=colours)
    if isinstance(found, CrossValidationResult):
        return cross_page.render(found, bars, colours=colours)
    return report.render(result, bars, palette=colours)
