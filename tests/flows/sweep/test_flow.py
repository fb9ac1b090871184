from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.core.engine import run
from tallow.core.search import axes_of
from tallow.core.strategies import sma_cross
from tallow.domain.errors import UserError
from tallow.domain.holdout import Seal
from tallow.domain.ranges import TimeRange
from tallow.domain.scene import Execution, Scene
from tallow.domain.sweep import Axis, Search, SweepResult
from tallow.domain.timeframes import HOUR
from tallow.domain.trials import dataset_of
from tallow.domain.venue_rules import RuleBook, VenueRules
from tallow.flows.backtest import backtest, pin, read_market
from tallow.flows.sweep import Walk, sweep, walk_forward
from tallow.flows.sweep.filing import walk_of
from tallow.flows.sweep.forward import replay_walk
from tallow.ports import Strategy

GRID = Search(axes_of({"fast": "2..6", "slow": [5, 9, 14]}), constraints=("fast < slow",))


def numbers(done: SweepResult) -> tuple[Any, ...]:
    return done.found.rows, {name: column.tobytes() for name, column in done.found.columns.items()}, done.found.failed


def test_every_row_is_what_a_single_backtest_gives(
    hall: Any, cross: Strategy, cross_scene: Scene, alone: Callable[..., float]
) -> None:
    done = sweep(cross_scene, cross, GRID, hall.studio())
    assert len(done.found) == 13
    assert done.found.names == ("fast", "slow")
    assert done.found.columns["final_equity"].tolist() == [alone(fast, slow) for fast, slow in done.found.rows]
    assert done.best is not None
    assert done.best == int(np.nanargmax(done.found.columns["bar_sharpe"]))
    assert done.result is not None
    assert done.result.scene.parameters == {"fast": 2, "slow": 5, "short": False} | done.best_parameters
    assert done.result.metrics["final_equity"] == done.found.columns["final_equity"][done.best]


def test_the_same_sweep_again_computes_nothing(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    first = sweep(cross_scene, cross, GRID, hall.studio())
    second = sweep(cross_scene, cross, GRID, hall.studio())
    assert (first.computed, second.computed, hall.asked) == (13, 0, 0)
    assert numbers(first) == numbers(second)
    assert first.result is not None
    assert second.result is not None
    assert second.result.key == first.result.key


def test_a_wider_grid_computes_only_what_is_new(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    sweep(cross_scene, cross, GRID, hall.studio())
    wider = replace(GRID, axes=axes_of({"slow": [5, 9, 14, 20], "fast": "2..6"}))
    done = sweep(cross_scene, cross, wider, hall.studio())
    assert (len(done.found), hall.asked) == (18, 5)
    sobol = sweep(cross_scene, cross, replace(wider, method="random", trials=6), hall.studio())
    assert (len(sobol.found), hall.asked) == (6, 0)


@pytest.mark.parametrize("limit", [0, 1, 2, 3])
def test_an_interrupted_sweep_goes_on_and_ends_with_the_same_bits(
    hall: Any, cross: Strategy, cross_scene: Scene, limit: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        sweep(cross_scene, cross, GRID, hall.studio(limit))
    finished = hall.asked
    done = sweep(cross_scene, cross, GRID, hall.studio())
    assert hall.asked == 13 - finished
    whole = sweep(cross_scene, cross, GRID, hall.studio(), cache=False)
    assert hall.asked == 13
    assert numbers(done) == numbers(whole)


@pytest.mark.parametrize(
    "change",
    [
        {"execution": Execution(taker_fee=0.002)},
        {"cash": 5_000.0},
    ],
)
def test_another_scene_is_another_cache(hall: Any, cross: Strategy, cross_scene: Scene, change: dict[str, Any]) -> None:
    sweep(cross_scene, cross, GRID, hall.studio())
    done = sweep(replace(cross_scene, **change), cross, GRID, hall.studio())
    assert done.computed == 13
    # The same combinations under other costs are no new trials.
    assert done.trials == 13


def test_trials_are_counted_once_by_sweep_and_backtest(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    desk = hall.studio().desk
    backtest(cross_scene, cross, desk)
    again = backtest(cross_scene, cross, desk)
    dataset = dataset_of([cross_scene.instrument], cross_scene.timeframe, again.run.time)
    assert desk.records.trials(dataset)[0] == 1
    done = sweep(cross_scene, cross, GRID, hall.studio())
    assert done.trials == 13
    other = replace(GRID, axes=axes_of({"fast": [2, 7], "slow": [9]}))
    assert sweep(cross_scene, cross, other, hall.studio()).trials == 14
    count, sharpes = desk.records.trials(dataset)
    assert (count, len(sharpes)) == (14, 14)
    extra = sweep(cross_scene, cross, replace(other, axes=axes_of({"fast": [7], "slow": [9]})), hall.studio())
    mine = [*done.found.columns["bar_sharpe"].tolist(), *extra.found.columns["bar_sharpe"].tolist()]
    yearly = np.array(sorted(mine)) * (365 * 24) ** 0.5
    assert sorted(sharpes.tolist()) == pytest.approx(yearly.tolist(), abs=1e-10)


def test_a_sweep_without_cache_stores_nothing_and_still_counts(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    assert sweep(cross_scene, cross, GRID, hall.studio(), cache=False).trials == 13
    assert sweep(cross_scene, cross, GRID, hall.studio()).computed == 13


def test_combinations_that_fail_are_named_and_remembered(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    search = replace(GRID, constraints=())
    done = sweep(cross_scene, cross, search, hall.studio())
    assert len(done.found.failed) == 2
    assert all(reason.startswith("BAD_PARAMETER: fast = ") for reason in done.found.failed.values())
    assert np.isnan(done.found.columns["final_equity"][list(done.found.failed)]).all()
    assert done.trials == 13
    assert sweep(cross_scene, cross, search, hall.studio()).found.failed == done.found.failed
    assert hall.asked == 0


def test_when_everything_fails_the_reason_is_given(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    with pytest.raises(UserError) as caught:
        sweep(cross_scene, cross, Search((Axis("fast", (20, 30)),)), hall.studio())
    assert caught.value.code == "ALL_FAILED"
    assert "fast = 20" in caught.value.facts["because"]


def test_a_goal_that_no_row_has_gives_no_best(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    never = Search((Axis("slow", (500, 600)),))
    done = sweep(cross_scene, cross, never, hall.studio())
    assert (done.best, done.result, done.best_parameters) == (None, None, {})


def test_optuna_is_led_by_results_and_repeats_itself(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    pytest.importorskip("optuna")
    search = Search(axes_of({"fast": "2..40", "slow": "41..90"}), "optuna", 40, 3)
    first = sweep(cross_scene, cross, search, hall.studio())
    assert len(first.found) == 40
    assert first.computed == 40
    second = sweep(cross_scene, cross, search, hall.studio())
    assert second.computed == 0
    assert numbers(second) == numbers(first)
    fresh = sweep(cross_scene, cross, search, hall.studio(), cache=False)
    assert numbers(fresh) == numbers(first)


def test_own_candles_are_swept_and_not_stored(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    desk = hall.studio().desk
    from tallow.flows.backtest import pin, read_market

    bars = read_market(desk.lake, cross_scene, pin(desk.lake, cross_scene)).bars
    done = sweep(cross_scene, cross, GRID, hall.studio(), bars)
    assert (done.computed, done.trials) == (13, 13)
    assert done.result is not None
    assert desk.records.list() == []
    assert numbers(done) == numbers(sweep(cross_scene, cross, GRID, hall.studio()))
    assert hall.asked == 13


def test_progress_says_how_fast_and_how_long(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    seen: list[tuple[str, float, float]] = []
    sweep(cross_scene, cross, GRID, hall.studio(progress=lambda *call: seen.append(call)))
    told = [call for call in seen if call[0].startswith("sweeping")]
    assert told[0] == ("sweeping", 0, 13)
    assert told[-1][1:] == (13, 13)
    assert "combinations/s" in told[-1][0]
    assert "left" in told[-1][0]


@pytest.mark.parametrize("is_walk", [False, True])
def test_what_is_sealed_is_neither_swept_nor_walked_over(
    hall: Any, cross: Strategy, cross_scene: Scene, is_walk: bool
) -> None:
    def go(scene: Scene) -> int:
        studio = hall.studio()
        if is_walk:
            return walk_forward(scene, cross, GRID, Walk(40, 40), studio).computed
        return sweep(scene, cross, GRID, studio).computed

    start = 1_704_067_200_000_000
    cut = start + 90 * HOUR
    hall.studio().desk.records.seal(Seal("binance:BTC/USDT", "1h", cut, start))
    with pytest.raises(UserError) as caught:
        go(cross_scene)
    assert caught.value.code == "SEALED"
    assert hall.handed == []
    # The first 90 bars are free: one sweep over them, or training on 40 of them twice.
    assert go(replace(cross_scene, range=TimeRange(start, cut))) == (26 if is_walk else 13)


def _ruled(scene: Scene, lot: float = 3.0) -> Scene:
    """The same scene in a book whose lots change in the middle of the data."""
    rules = (VenueRules(0, lot_size=0.5), VenueRules(1_704_067_200_000_000 + 60 * HOUR, lot_size=lot, tick_size=1.0))
    return replace(scene, rules=RuleBook(rules))


def test_every_combination_trades_under_the_rules_in_force(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    ruled, studio = _ruled(cross_scene), hall.studio()
    plain, done = sweep(cross_scene, cross, GRID, studio), sweep(ruled, cross, GRID, studio)
    assert done.key != plain.key
    assert (done.computed, sweep(ruled, cross, GRID, studio).computed) == (13, 0)
    assert sweep(_ruled(cross_scene, 4.0), cross, GRID, studio).computed == 13
    market = read_market(studio.desk.lake, ruled, pin(studio.desk.lake, ruled))
    for place, (fast, slow) in enumerate(done.found.rows):
        targets = sma_cross(market.bars, fast=int(fast), slow=int(slow))
        alone = run(market.bars, targets, ruled.execution, cash=ruled.cash, rules=ruled.rules)
        assert done.found.columns["final_equity"][place] == alone.equity[-1]
    assert done.result is not None
    assert done.result.metrics["final_equity"] == done.found.columns["final_equity"][done.best]
    assert any(note.startswith("VENUE RULES 2 of 2 versions used") for note in done.notes)
    assert not np.array_equal(done.found.columns["final_equity"], plain.found.columns["final_equity"])


def test_a_walk_follows_the_rules_and_is_replayed_with_them(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    ruled, studio = _ruled(cross_scene), hall.studio()
    done = walk_forward(ruled, cross, GRID, Walk(40, 40), studio)
    plain = walk_forward(cross_scene, cross, GRID, Walk(40, 40), studio)
    assert done.result.key != plain.result.key
    assert done.result.digest != plain.result.digest
    assert {float(one) % 0.5 for one in done.result.run.fills.quantity} == {0.0}
    found = studio.desk.records.filed(done.result.key)
    assert found is not None
    assert walk_of(found).result.scene.rules == ruled.rules
    assert replay_walk(found, cross, studio).equal
