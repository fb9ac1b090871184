from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.core.honesty import deflated_sharpe, expected_maximum_sharpe, sharpe_sample
from tallow.core.search import axes_of
from tallow.domain.results import Result
from tallow.domain.scene import Scene
from tallow.domain.sweep import Search
from tallow.flows.backtest import backtest
from tallow.flows.sweep import sweep
from tallow.flows.sweep.luck import luck_of
from tallow.ports import Strategy
from tallow.runners.inline import load


@pytest.fixture
def result(hall: Any, cross: Strategy, cross_scene: Scene) -> Result:
    found = sweep(cross_scene, cross, Search(axes_of({"fast": [2, 3], "slow": [9]})), hall.studio()).result
    assert found is not None
    return found


def test_the_best_is_deflated_for_the_trials_that_are_known(result: Result) -> None:
    year = (365 * 24) ** 0.5
    found = luck_of(result, 40, year * np.array([0.1, np.nan, -0.1, 0.3, 0.3]))
    assert found is not None
    # 0.1, -0.1, 0.3 have the mean 0.1 and the sample variance 0.08 / 2; the clone of the last counts once.
    assert found.deviation == pytest.approx(0.2, rel=1e-4)
    assert found.trials == 40
    assert found.expected == expected_maximum_sharpe(40, found.deviation)
    levels = np.concatenate(([result.scene.cash], result.run.equity))
    returns = np.diff(levels) / levels[:-1]
    assert found.observed == pytest.approx(returns.mean() / returns.std(ddof=1))
    sample = sharpe_sample(returns)
    assert sample is not None
    assert found.deflated == pytest.approx(deflated_sharpe(sample, 40, found.deviation))
    more = luck_of(result, 4_000, year * np.array([0.1, -0.1, 0.3]))
    assert more is not None
    assert (more.expected > found.expected, more.deflated < found.deflated) == (True, True)


def test_nothing_is_said_without_result_or_trials_or_spread(hall: Any, cross_scene: Scene, result: Result) -> None:
    some = np.array([0.1, 0.2])
    assert luck_of(None, 2, some) is None
    assert luck_of(result, 2, np.array([0.1, np.nan])) is None
    # An average over more bars than there are never trades: the equity does not vary.
    idle = load("sma_cross", {"fast": 3, "slow": 500})
    flat = backtest(replace(cross_scene, parameters=idle.parameters), idle, hall.studio().desk)
    assert luck_of(flat, 2, some) is None
