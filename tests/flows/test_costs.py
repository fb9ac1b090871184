from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.domain.columns import Bars, Floats
from tallow.domain.market import parse_symbol
from tallow.domain.scene import Execution, Scene
from tallow.domain.timeframes import HOUR, parse_timeframe
from tallow.flows.backtest import Desk, backtest, pin, read_market
from tallow.flows.costs import SPREAD_BPS, VOLUME_IMPACT, assumption_ladder, scale_costs, worsened
from tallow.flows.on_trades import trades_rung
from tallow.ports import Strategy

LABELS = [
    "close (optimistic)", "next open", "next open, spread and volume", "the same, doubled",
    "0x costs", "0.5x costs", "1x costs", "2x costs", "5x costs",
]  # fmt: skip


def drawn_bars(seed: int, count: int = 120, volume: float = 1_000.0) -> Bars:
    draw = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(draw.normal(0.0, 0.01, count)))
    opened = np.concatenate(([100.0], close[:-1])) * np.exp(draw.normal(0.0, 0.002, count))
    high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    return Bars.of(np.arange(count) * HOUR, (opened, high, low, close, np.full(count, volume)))


def drawn_scene(**execution: float) -> Scene:
    known = Execution(**execution)  # type: ignore[arg-type]
    return Scene("drawn", parse_symbol("BTC/USDT"), parse_timeframe("1h"), execution=known)


def test_a_stored_result_has_the_ladder_of_its_targets(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    @dataclass(frozen=True)
    class Switch(hold):  # type: ignore[misc,valid-type]
        def targets(self, bars: Bars) -> Floats:
            return np.arange(len(bars)) // 10 % 2 * 1.0

    result = backtest(scene, Switch(), desk)
    market = read_market(desk.lake, scene, pin(desk.lake, scene))
    rungs = assumption_ladder(scene, result.run.target, market.bars, market.funding)
    assert result.ladder == (
        *rungs[:4],
        trades_rung(scene, result.run.target, market.bars, None, (desk.lake, None)),
        *rungs[4:],
    )
    found = {rung.label: rung.return_pct for rung in rungs}
    assert list(found) == LABELS
    own = pytest.approx(result.metrics["return_pct"], rel=1e-12)
    assert found["next open"] == own
    assert found["1x costs"] == own


def test_models_at_prices_known_beforehand() -> None:
    price = np.array([100.0, 110.0, 121.0, 121.0])
    opened = np.array([100.0, 105.0, 120.0, 121.0])
    bars = Bars.of(np.arange(4) * HOUR, (opened, np.maximum(price, opened), opened, price, np.full(4, 1e12)))
    rungs = assumption_ladder(drawn_scene(taker_fee=0.0, maker_fee=0.0), np.array([1.0, 1.0, 0.0, 0.0]), bars)
    found = {rung.label: rung.return_pct for rung in rungs}
    assert found["close (optimistic)"] == pytest.approx(21.0)
    assert found["next open"] == pytest.approx(100.0 * (121.0 / 105.0 - 1.0))
    half = SPREAD_BPS / 2 / 10_000
    crossed = 121.0 * (1.0 - half) / (105.0 * (1.0 + half)) - 1.0
    assert found["next open, spread and volume"] == pytest.approx(100.0 * crossed)
    assert all(rung.assumption for rung in rungs)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 20), min_size=1, max_size=12), st.floats(0.0, 0.01))
def test_more_cost_never_raises_the_return_of_all_in_or_flat(seed: int, lengths: list[int], fee: float) -> None:
    bars = drawn_bars(seed)
    targets = np.resize(np.repeat(np.arange(len(lengths)) % 2 * 1.0, lengths), len(bars))
    rungs = assumption_ladder(drawn_scene(taker_fee=fee, maker_fee=fee, slippage_bps=1.0), targets, bars)
    found = [rung.return_pct for rung in rungs]
    for falling in (found[1:4], found[4:]):
        assert all(low <= high + 1e-9 for high, low in pairwise(falling))


def test_impact_larger_than_the_market_need_not_be_monotone_but_stays_bounded() -> None:
    bars = drawn_bars(3, volume=1.0)  # an order is a hundred times what was traded
    targets = np.resize([0.0, 1.0, 1.0, 0.0], len(bars))
    found = [rung.return_pct for rung in assumption_ladder(drawn_scene(), targets, bars)]
    assert all(value >= -100.0 for value in found)
    assert found[2] < found[1]


def test_scaled_costs_stay_inside_their_limits() -> None:
    assert scale_costs(Execution(taker_fee=-0.005, maker_fee=-0.01), 5.0).taker_fee == -0.01
    scaled = scale_costs(Execution(taker_fee=0.2, slippage_bps=2_000.0, volume_impact=50.0), 5.0)
    assert (scaled.taker_fee, scaled.slippage_bps, scaled.volume_impact) == (0.5, 5_000.0, 100.0)


def test_worse_execution_keeps_the_rest_and_stays_inside_its_limits() -> None:
    own = Execution(fill="close", taker_fee=0.002, slippage_bps=3.0, volume_impact=0.5)
    worse = worsened(own, 2.0)
    added = {"fill": "next_open", "slippage_bps": 3.0 + SPREAD_BPS, "volume_impact": 0.5 + 2 * VOLUME_IMPACT}
    assert worse == replace(own, **added)  # type: ignore[arg-type]
    assert worsened(replace(own, slippage_bps=5_000.0, volume_impact=100.0), 1.0).slippage_bps == 5_000.0
