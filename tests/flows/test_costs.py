from dataclasses import dataclass

import numpy as np
import pytest

from tallow.domain.columns import Bars, Floats
from tallow.domain.scene import Execution, Scene
from tallow.flows.backtest import Desk, backtest, pin, read_market
from tallow.flows.costs import cost_ladder, scale_costs
from tallow.ports import Strategy


def test_costs_only_ever_lower_a_return(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    @dataclass(frozen=True)
    class Switch(hold):  # type: ignore[misc,valid-type]
        def targets(self, bars: Bars) -> Floats:
            return np.arange(len(bars)) // 10 % 2 * 1.0

    result = backtest(scene, Switch(), desk)
    market = read_market(desk.lake, scene, pin(desk.lake, scene))
    ladder = cost_ladder(result, market.bars, market.funding)
    returns = [value for _, value in ladder]
    assert [label for label, _ in ladder] == ["0x costs", "0.5x costs", "1x costs", "2x costs", "5x costs"]
    assert returns == sorted(returns, reverse=True)
    assert returns[2] == pytest.approx(result.metrics["return_pct"])


def test_scaled_costs_stay_inside_their_limits() -> None:
    scaled = scale_costs(Execution(taker_fee=0.2, slippage_bps=2_000.0, volume_impact=50.0), 5.0)
    assert (scaled.taker_fee, scaled.slippage_bps, scaled.volume_impact) == (0.5, 5_000.0, 100.0)
