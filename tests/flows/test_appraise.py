import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from tallow.core.engine import run
from tallow.core.honesty import HonestScore
from tallow.core.metrics import ratio_returns, sharpe
from tallow.domain.columns import Bars, Floats
from tallow.domain.scene import Execution, Scene
from tallow.domain.timeframes import HOUR
from tallow.flows.appraise import appraise, counted_trials, find_settling, held_targets, random_entries, settling_values
from tallow.flows.backtest import Desk, backtest, backtest_bars, pin, read_market
from tallow.ports import Strategy
from tallow.stores.records import SqlRecords


def score_of(values: object) -> HonestScore:
    assert isinstance(values, dict)
    return HonestScore.from_dict(values)


@pytest.fixture
def switch(hold: type[Strategy]) -> Callable[[int], Strategy]:
    """A strategy that is in and out of the market in turns of the given length."""

    @dataclass(frozen=True)
    class Switch(hold):  # type: ignore[misc,valid-type]
        length: int = 10

        def targets(self, bars: Bars) -> Floats:
            return np.arange(len(bars)) // self.length % 2 * 1.0

    return lambda length: Switch(length=length, parameters={"length": length})


def test_the_score_has_the_ratio_of_the_metrics(desk: Desk, scene: Scene, switch: Callable[[int], Strategy]) -> None:
    result = backtest(scene, switch(10), desk)
    found = score_of(result.score)
    assert found.value == result.metrics["sharpe"]
    returns, per_year = ratio_returns(result.run, scene.timeframe, scene.cash)
    assert (found.returns, found.per_year) == (len(returns), per_year)
    assert sharpe(returns, per_year) == found.value
    assert found.evidence.closed_trades == result.metrics["trades"]
    assert found.evidence.startup is None  # nobody was given who could run it again


def test_every_result_counts_itself_and_those_before(
    desk: Desk, scene: Scene, switch: Callable[[int], Strategy]
) -> None:
    lengths = (10, 7, 5)
    results = [backtest(replace(scene, parameters={"length": length}), switch(length), desk) for length in lengths]
    assert [score_of(result.score).trials for result in results] == [1.0, 2.0, 3.0]
    again = backtest(replace(scene, parameters={"length": 10}), switch(10), desk)
    assert score_of(again.score).trials == 1.0  # what is stored says with how many it was made
    count, ratios = counted_trials(desk.records, scene, results[0].run.time)
    assert count == 3
    assert np.isfinite(ratios).all()


def test_plain_values_survive_json_and_records(
    desk: Desk, scene: Scene, switch: Callable[[int], Strategy], tmp_path: Path
) -> None:
    result = backtest(scene, switch(10), replace(desk, rerun=desk.evaluate))
    assert json.loads(json.dumps(result.score, allow_nan=False)) == result.score
    records = SqlRecords(str(tmp_path / "results"))
    records.save(result)
    loaded = records.load(result.key)
    assert loaded is not None
    assert (loaded.score, loaded.ladder) == (result.score, result.ladder)


def test_a_result_from_before_scores_is_made_up_for(
    desk: Desk, scene: Scene, switch: Callable[[int], Strategy], tmp_path: Path
) -> None:
    records = SqlRecords(str(tmp_path / "results"))
    desk = replace(desk, records=records)
    scored = backtest(scene, switch(10), desk)
    records.remove(scored.key)
    records.save(replace(scored, score=None, ladder=()))
    old = records.load(scored.key)
    assert old is not None
    assert (old.score, old.ladder) == (None, ())
    assert backtest(scene, switch(10), desk).score == scored.score
    assert desk.evaluate.calls == 1  # type: ignore[attr-defined]
    stored = records.load(scored.key)
    assert stored is not None
    assert stored.score == scored.score


def test_own_candles_are_scored_with_the_trials_that_the_caller_says(
    desk: Desk, scene: Scene, switch: Callable[[int], Strategy]
) -> None:
    bars = read_market(desk.lake, scene, pin(desk.lake, scene)).bars
    assert score_of(backtest_bars(scene, switch(10), bars, desk).score).trials == 1.0
    many = backtest_bars(scene, switch(10), bars, desk, (40, np.linspace(-9.0, 9.0, 40)))
    found = score_of(many.score)
    assert found.trials == 40.0
    assert found.trial_deviation == pytest.approx(np.std(np.linspace(-9.0, 9.0, 40), ddof=1), rel=1e-3)


def test_what_is_asked_for_but_not_held_is_no_timing() -> None:
    close = np.array([100.0, 100.0, 80.0, 80.0, 80.0, 80.0])
    opened = np.array([100.0, 100.0, 100.0, 80.0, 80.0, 80.0])
    bars = Bars.of(np.arange(6) * HOUR, (opened, opened, np.minimum(opened, close), close, np.ones(6) * 1e6))
    execution = Execution(stop_loss=0.1)
    done = run(bars, np.ones(6), execution, cash=100.0)
    # Bought at the second open, stopped out in the third bar, which counts; afterwards nothing is held.
    assert held_targets(done, execution).tolist() == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    at_close = Execution(fill="close", stop_loss=0.1)
    assert held_targets(run(bars, np.ones(6), at_close, cash=100.0), at_close).tolist() == [
        1.0,
        1.0,
        0.0,
        0.0,
        0.0,
        0.0,
    ]


def test_warm_up_is_left_out_of_the_random_arrangements() -> None:
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.01, 600)))
    bars = Bars.of(np.arange(600) * HOUR, (close, close, close, close, np.ones(600) * 1e9))
    targets = np.where(np.arange(600) < 200, 0.0, np.arange(600) // 10 % 2)
    done = run(bars, targets, Execution(), cash=100.0)
    settling = find_settling(Late(), bars, Late().targets)
    assert settling is not None
    assert settling.warm_up == 200
    whole, late = (random_entries(done, bars, Execution(), known) for known in (None, settling))
    assert whole.exposure < late.exposure
    assert (whole.permutations, whole.method) == (1_000, "random entries")


@dataclass(frozen=True)
class Late:
    """Decides by the bar 199 bars ago."""

    name: str = "late"
    source: str = ""
    event_driven: bool = False

    @property
    def parameters(self) -> dict[str, int]:
        return {}

    def targets(self, bars: Bars) -> Floats:
        old = np.concatenate((np.zeros(199), bars.close[:-199])) if len(bars) > 199 else np.zeros(len(bars))
        return np.where(old > 0.0, old / 1_000.0, 0.0)


def test_strategies_that_decide_bar_by_bar_are_tried_on_fewer_bars() -> None:
    close = np.linspace(1.0, 2.0, 3_000)
    bars = Bars.of(np.arange(3_000) * HOUR, (close, close, close, close, close))
    seen: list[int] = []

    def decide(these: Bars) -> Floats:
        seen.append(len(these))
        return np.ones(len(these))

    found = find_settling(Late(event_driven=True), bars, decide)
    assert max(seen) == 2_000
    assert found is not None
    values = settling_values(found)
    assert values is not None
    assert (values["verdict"], values["warm_up"]) == ("none", 0)
    find_settling(Late(), bars, decide)
    assert max(seen) == 3_000


def test_too_few_bars_say_nothing_about_the_start() -> None:
    close = np.ones(2)
    bars = Bars.of(np.arange(2) * HOUR, (close, close, close, close, close))
    assert find_settling(Late(), bars, Late().targets) is None
    assert settling_values(None) is None


def test_an_account_that_lost_everything_has_plain_values(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    close = np.array([100.0, 100.0, 300.0, 300.0])
    bars = Bars.of(np.arange(4) * HOUR, (close, close, close, close, np.full(4, 1e9)))
    execution = Execution(allow_short=True, maintenance_margin=0.0, liquidation_fee=0.0)

    @dataclass(frozen=True)
    class Short(hold):  # type: ignore[misc,valid-type]
        def targets(self, bars: Bars) -> Floats:
            return -np.ones(len(bars))

    result = backtest_bars(replace(scene, execution=execution), Short(), bars, desk)
    assert json.dumps(result.score, allow_nan=False)
    assert score_of(appraise(result, bars)).verdict == "not meaningful"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_short_results_are_scored_as_well(desk: Desk, scene: Scene, hold: type[Strategy], count: int) -> None:
    close = np.linspace(100.0, 101.0, count)
    bars = Bars.of(np.arange(count) * HOUR, (close, close, close, close, np.full(count, 1e9)))
    result = backtest_bars(scene, hold(), bars, replace(desk, rerun=desk.evaluate))
    assert score_of(result.score).verdict == "not meaningful"
    assert len(result.ladder) == 10
