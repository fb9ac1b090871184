import math
from typing import Any

import numpy as np
import pytest

from tallow.core.search import axes_of
from tallow.domain.scene import Scene
from tallow.domain.sweep import Search
from tallow.flows.backtest import pin, read_market
from tallow.flows.sweep.evaluation import Work
from tallow.flows.sweep.flow import sweep
from tallow.flows.sweep.stretches import Stretches, numbers_of
from tallow.ports import Strategy

SEARCH = Search(axes_of({"fast": [2, 12], "slow": [7, 9]}))


@pytest.mark.parametrize(
    ("equity", "cash", "profits", "expected"),
    [
        (
            [110.0, 99.0, 121.0],
            100.0,
            [4.0, -5.0, 0.0],
            {"total_return": 0.21, "final_equity": 121.0, "max_drawdown": -0.1, "return_over_drawdown": 2.1,
             "trades": 3.0, "wins": 1.0},
        ),
        ([100.0, 100.0], 100.0, [], {"total_return": 0.0, "max_drawdown": 0.0, "trades": 0.0, "wins": 0.0}),
        ([0.0, 0.0], 0.0, [], {"total_return": 0.0, "final_equity": 0.0}),
    ],
)  # fmt: skip
def test_a_part_of_an_account_has_every_number(
    equity: list[float], cash: float, profits: list[float], expected: dict[str, float]
) -> None:
    found = numbers_of(np.array(equity), np.arange(len(equity)), cash, np.array(profits))
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    if expected["total_return"] == 0.0:
        assert math.isnan(found["bar_sharpe"])
        assert math.isnan(found["return_over_drawdown"])


def test_a_combination_is_one_trial_with_the_ratio_of_its_first_stretch(
    hall: Any, cross: Strategy, cross_scene: Scene
) -> None:
    studio = hall.studio()
    desk = studio.desk
    market = read_market(desk.lake, cross_scene, pin(desk.lake, cross_scene))
    with studio.recruit(cross, market.bars, cross_scene, None) as evaluator:
        work = Work(evaluator, desk.clock, desk.progress)
        tried = Stretches(
            scene=cross_scene, strategy=cross, search=SEARCH, market=market, studio=studio, work=work, is_stored=True
        )
        first = tried.try_on(range(100))
        ratios = dict(tried.tried)
        tried.try_on(range(50, 180))
    alone = sweep(cross_scene, cross, SEARCH, hall.studio(), market.bars[:100])
    assert first.columns["final_equity"].tobytes() == alone.found.columns["final_equity"].tobytes()
    # A fast average of 12 bars is not below 7 or 9: those two failed and are no trials.
    assert set(first.failed) == {2, 3}
    assert tried.tried == ratios
    assert sorted(ratios.values()) == sorted(first.columns["bar_sharpe"][:2].tolist())
    assert desk.records.trials(tried.dataset)[0] == 2
    assert tried.bare.parameters == {"short": False}
