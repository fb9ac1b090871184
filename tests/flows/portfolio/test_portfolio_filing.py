import json
from collections.abc import Callable

from tallow.core.portfolio import AccountRules, Drift
from tallow.domain.scene import Scene
from tallow.flows.backtest import Desk
from tallow.flows.portfolio import Book, portfolio
from tallow.flows.portfolio.filing import file_of, result_of, rules_of, scene_in, versions_in


def test_a_portfolio_is_plain_values_and_arrays(desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book]) -> None:
    done = portfolio(book(rebalance=Drift(0.1), margin="cross", leverage=0.8), pair, desk)
    found = file_of(done)
    assert (found.kind, found.verdict, found.instruments) == (
        "portfolio", "certified", ("binance:BTC/USDT", "binance:ETH/USDT"),
    )  # fmt: skip
    assert set(found.arrays) == {"time", "equity", "asked", "events"}
    assert json.loads(json.dumps(found.body, allow_nan=False)).keys() == found.body.keys()
    assert scene_in(found) == done.scene
    assert rules_of(done.scene) == AccountRules(Drift(0.1), "cross", 0.8)
    assert versions_in(found) == [dict(one.versions) for one in done.instruments]
    assert result_of(found, done.run.panel).digest == done.digest
