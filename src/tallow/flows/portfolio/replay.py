"""Run a stored portfolio again and compare every bit."""

from collections.abc import Callable, Mapping

from tallow.domain.results import Filed
from tallow.domain.scene import Value
from tallow.flows.backtest import Desk
from tallow.flows.portfolio.filing import result_of, rules_of, scene_in, versions_in
from tallow.flows.portfolio.flow import compute, panel_of, read_markets
from tallow.flows.portfolio.values import Book, PortfolioResult, Weights
from tallow.flows.replay import Replay, differences

Load = Callable[[str, str, Mapping[str, Value]], Weights]
"""Makes weights of their name, source text and parameters."""


def open_portfolio(found: Filed, desk: Desk) -> PortfolioResult:
    """Read a stored portfolio back, with the candles of its pinned versions."""
    scene = scene_in(found)
    return result_of(found, panel_of(scene, read_markets(scene, versions_in(found), desk)))


def replay_portfolio(found: Filed, load: Load, desk: Desk) -> Replay:
    """Read the pinned versions, run the stored source, compare digests and metrics."""
    scene, body = scene_in(found), found.body
    weights = load(scene.strategy, body["strategy_source"], scene.parameters)
    markets = read_markets(scene, versions_in(found), desk)
    book = Book([str(instrument) for instrument in scene.instruments], weights, rules_of(scene))
    again = compute(book, scene, markets, panel_of(scene, markets), desk)
    stored_data = [one["data_digest"] for one in body["instruments"]]
    different = differences(body["metrics"], again.metrics)
    different += [
        f"data of {symbol}: stored {stored[:16]}, now {now[:16]}"
        for symbol, stored, now in zip(scene.symbols, stored_data, again.data_digests, strict=True)
        if stored != now
    ]
    if body["engine_version"] != again.engine_version:
        different.append(f"engine: stored version {body['engine_version']}, now {again.engine_version}")
    return Replay(found.key, found.digest, again.digest, tuple(different))
