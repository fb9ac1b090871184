from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.core.engine import run
from tallow.core.search import axes_of
from tallow.core.splits import Split
from tallow.core.strategies import sma_cross
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate
from tallow.domain.market import parse_symbol
from tallow.domain.scene import Execution, Scene, Value
from tallow.domain.sweep import Search, WalkForwardResult
from tallow.domain.timeframes import parse_timeframe
from tallow.domain.trials import dataset_of
from tallow.flows.backtest import pin, read_market
from tallow.flows.ingest import ingest
from tallow.flows.refine import refine
from tallow.flows.sweep import Studio, Walk, sweep, walk_forward
from tallow.flows.sweep.forward import held, rows_of
from tallow.ports import Strategy

HOUR = 3_600_000_000
SEARCH = Search(axes_of({"fast": [2, 3, 5], "slow": [7, 12]}))
FREE = Execution(maker_fee=0.0, taker_fee=0.0)


def prices(count: int = 260, seed: int = 4) -> Bars:
    """A wandering price, one bar an hour."""
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.01, count)))
    first = np.concatenate(([100.0], close[:-1]))
    top, bottom = np.maximum(first, close) * 1.001, np.minimum(first, close) * 0.999
    return Bars.of(np.arange(count, dtype=np.int64) * HOUR, (first, top, bottom, close, np.full(count, 5.0)))


def changed_after(bars: Bars, row: int) -> Bars:
    """The same bars up to `row`, others from there on."""
    other = prices(len(bars), seed=99)
    columns = [
        np.concatenate((getattr(bars, n)[:row], getattr(other, n)[row:])) for n in ("open", "high", "low", "close")
    ]
    columns[0][row] = columns[3][row - 1]
    columns[1] = np.maximum.reduce(columns)
    columns[2] = np.minimum.reduce(columns)
    return Bars.of(bars.time, (*columns, bars.volume))  # type: ignore[arg-type]


@pytest.fixture
def walked(hall: Any, cross: Strategy, cross_scene: Scene) -> Callable[..., WalkForwardResult]:
    """Walk over candles that the caller holds."""

    def build(bars: Bars, walk: Walk, search: Search = SEARCH, **changes: Any) -> WalkForwardResult:
        return walk_forward(replace(cross_scene, **changes), cross, search, walk, hall.studio(), bars)

    return build


@pytest.mark.parametrize(
    ("length", "timeframe", "expected"),
    [("2d", "4h", 12), (" 3h ", "1h", 3), ("90", "1h", 90), (7, "1d", 7), ("36h", "1d", 1), ("4w", "1d", 28)],
)
def test_lengths_are_counted_in_bars(length: str | int, timeframe: str, expected: int) -> None:
    assert rows_of("train", length, parse_timeframe(timeframe)) == expected


@pytest.mark.parametrize("length", ["30m", "0", 0, -3, "soon", "", "1.5d"])
def test_what_is_no_length_is_refused(length: str | int) -> None:
    with pytest.raises(UserError) as caught:
        rows_of("test", length, parse_timeframe("1h"))
    assert caught.value.code == "BAD_PARAMETER"
    assert caught.value.message == f"test = {length!r} is no stretch of 1h bars"


@pytest.mark.parametrize(
    ("walk", "expected"),
    [
        (Walk("4h", 3), [(range(4), range(4, 7)), (range(3, 7), range(7, 10)), (range(6, 10), range(10, 11))]),
        (Walk(4, "3h", anchored=True), [(range(4), range(4, 7)), (range(7), range(7, 10)), (range(10), range(10, 11))]),
    ],
)
def test_steps_follow_each_other_and_the_last_may_be_short(walk: Walk, expected: list[Any]) -> None:
    assert walk.split(np.arange(11) * HOUR, parse_timeframe("1h")) == tuple(
        Split((train,), (test,)) for train, test in expected
    )


def test_a_length_of_time_is_that_time_where_candles_are_missing() -> None:
    time = np.delete(np.arange(40), slice(6, 12)) * HOUR
    hour = parse_timeframe("1h")
    found = [(split.train[0], split.test[0]) for split in Walk("8h", "8h").split(time, hour)]
    # Hours 0-7 have six candles, 8-15 four.
    assert found == [(range(6), range(6, 10)), (range(6, 10), range(10, 18)), (range(10, 18), range(18, 26)),
                     (range(18, 26), range(26, 34))]  # fmt: skip
    by_count = Walk("8h", "8h").in_rows(hour)
    assert (by_count.train, by_count.test) == (8, 8)
    assert by_count.split(time, hour)[0].test[0] == range(8, 16)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([np.nan, 1.0, np.nan, 0.0], [0.0, 1.0, 1.0, 0.0]),
        ([0.5, np.nan, np.nan], [0.5, 0.5, 0.5]),
        ([True, False, True], [1.0, 0.0, 1.0]),
        ([np.nan, np.nan], [0.0, 0.0]),
    ],
)
def test_targets_are_held_where_none_is_given(targets: list[Any], expected: list[float]) -> None:
    assert held(np.array(targets)).tolist() == expected


def test_a_walk_of_one_step_is_a_sweep_and_then_a_backtest(
    hall: Any, walked: Callable[..., WalkForwardResult], cross: Strategy, cross_scene: Scene
) -> None:
    bars = prices()
    done = walked(bars, Walk(160, 100))
    swept = sweep(cross_scene, cross, SEARCH, hall.studio(), bars[:160])
    (fold,) = done.folds
    assert (fold.train, fold.test) == (range(160), range(160, 260))
    assert fold.parameters == swept.best_parameters
    assert swept.best is not None
    assert fold.trained == swept.found.columns["bar_sharpe"][swept.best]
    # By hand: the chosen rule over all bars, cut to the test, carried out from the starting balance.
    targets = sma_cross(bars, fast=fold.parameters["fast"], slow=fold.parameters["slow"])  # type: ignore[arg-type]
    alone = run(bars[160:], np.asarray(targets, np.float64)[160:], cross_scene.execution, cash=cross_scene.cash)
    assert done.result.run.equity.tobytes() == alone.equity.tobytes()
    assert done.result.digest == alone.digest()
    assert fold.test_return == alone.equity[-1] / cross_scene.cash - 1.0
    returns = np.diff(np.concatenate(([cross_scene.cash], alone.equity)))
    returns /= np.concatenate(([cross_scene.cash], alone.equity[:-1]))
    assert fold.tested == pytest.approx(returns.mean() / returns.std(ddof=1), rel=1e-12)
    assert (done.combinations, done.computed) == (6, 6)


@pytest.mark.parametrize("anchored", [False, True])
def test_the_joined_account_has_one_row_for_every_tested_bar(
    walked: Callable[..., WalkForwardResult], cross_scene: Scene, anchored: bool
) -> None:
    bars = prices()
    done = walked(bars, Walk(100, 45, anchored=anchored))
    assert [fold.test for fold in done.folds] == [range(100, 145), range(145, 190), range(190, 235), range(235, 260)]
    assert [fold.train.start for fold in done.folds] == ([0, 0, 0, 0] if anchored else [0, 45, 90, 135])
    assert done.result.run.time.tolist() == bars.time[100:].tolist()
    assert len(done.result.run.equity) == 160
    # The returns of the steps multiply to that of the joined account.
    growth = np.prod([1.0 + fold.test_return for fold in done.folds])
    assert growth == pytest.approx(done.result.run.equity[-1] / cross_scene.cash, rel=1e-12)
    assert done.result.metrics["final_equity"] == done.result.run.equity[-1]
    # By hand: the targets of every step, joined, through the engine.
    targets = [
        sma_cross(bars[fold.train.start : fold.test.stop], **fold.parameters)[fold.test.start - fold.train.start :]  # type: ignore[arg-type]
        for fold in done.folds
    ]
    joined = np.concatenate([np.asarray(one, np.float64) for one in targets])
    alone = run(bars[100:], joined, cross_scene.execution, cash=cross_scene.cash)
    assert done.result.digest == alone.digest()


@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize("step", [0, 1, 2])
def test_what_comes_after_a_training_stretch_does_not_change_its_choice(
    walked: Callable[..., WalkForwardResult], anchored: bool, step: int
) -> None:
    bars, walk = prices(), Walk(100, 45, anchored=anchored)
    before = walked(bars, walk)
    after = walked(changed_after(bars, before.folds[step].train.stop), walk)
    for one, other in zip(before.folds[: step + 1], after.folds, strict=False):
        assert (one.parameters, one.trained) == (other.parameters, other.trained)
    tested = 45 * step
    assert before.result.run.equity[:tested].tobytes() == after.result.run.equity[:tested].tobytes()
    assert before.folds[:step] == after.folds[:step]
    assert before.result.digest != after.result.digest


def test_a_change_of_parameters_trades_only_what_it_changes(walked: Callable[..., WalkForwardResult]) -> None:
    # In a steady rise every choice is long: the position is carried from test to test, one purchase in all.
    close = 100.0 * 1.01 ** np.arange(120)
    first = np.concatenate(([99.0], close[:-1]))
    bars = Bars.of(np.arange(120, dtype=np.int64) * HOUR, (first, close, first, close, np.ones(120)))
    done = walked(bars, Walk(40, 20), execution=FREE, cash=1_000.0)
    assert len(done.folds) == 4
    assert len(done.result.run.trades) == 1
    # Bought at the open after the first tested bar, which is its close: 79 of the 80 rises of 1 % are earned.
    assert done.result.run.equity[-1] == pytest.approx(1_000.0 * 1.01**79, rel=1e-9)
    assert done.folds[0].test_return == pytest.approx(1.01**19 - 1.0, rel=1e-9)
    assert [fold.test_return for fold in done.folds[1:]] == pytest.approx([1.01**20 - 1.0] * 3, rel=1e-9)


@pytest.mark.parametrize(
    "goal", ["total_return", "final_equity", "max_drawdown", "return_over_drawdown", "trades", "wins"]
)
def test_every_goal_is_measured_on_the_joined_account(walked: Callable[..., WalkForwardResult], goal: str) -> None:
    done = walked(prices(), Walk(160, 50), replace(SEARCH, goal=goal))
    log, equity = done.result.run.trades, done.result.run.equity
    for fold in done.folds:
        rows = slice(fold.test.start - 160, fold.test.stop - 160)
        cash = float(equity[rows.start - 1]) if rows.start else 10_000.0
        level = np.concatenate(([cash], equity[rows]))
        gain = float(level[-1] / cash - 1.0)
        depth = float((level / np.maximum.accumulate(level) - 1.0).min())
        # A trade that the end of the data leaves open has its last row there, and is not closed.
        ends = (log.exit_row >= rows.start) & (log.exit_row < rows.stop)
        expected = {
            "total_return": gain,
            "final_equity": level[-1],
            "max_drawdown": depth,
            "return_over_drawdown": gain / -depth,
            "trades": int(ends.sum()),
            "wins": int((ends & (log.profit > 0)).sum()),
        }
        assert fold.tested == pytest.approx(expected[goal], rel=1e-9)


def test_where_no_combination_has_the_number_the_test_is_flat(walked: Callable[..., WalkForwardResult]) -> None:
    # Averages over more bars than a training stretch has never trade there.
    done = walked(prices(), Walk(100, 80), Search(axes_of({"slow": [150]})))
    assert [dict(fold.parameters) for fold in done.folds] == [{}, {}]
    assert np.isnan([fold.trained for fold in done.folds]).all()
    assert [fold.test_return for fold in done.folds] == [0.0, 0.0]
    assert np.isnan(done.folds[0].tested)
    assert set(done.result.run.equity.tolist()) == {10_000.0}


def test_a_walk_is_cached_by_stretch_and_counted_once(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    walk = Walk(100, 48)
    first = walk_forward(cross_scene, cross, SEARCH, walk, hall.studio())
    second = walk_forward(cross_scene, cross, SEARCH, walk, hall.studio())
    assert (first.computed, second.computed, hall.asked) == (12, 0, 0)
    assert second.result.score == first.result.score
    assert (first.result.key, first.result.digest) == (second.result.key, second.result.digest)
    assert first.folds == second.folds
    desk = hall.studio().desk
    market = read_market(desk.lake, cross_scene, pin(desk.lake, cross_scene))
    # Six combinations, and the walk.
    whole = dataset_of([cross_scene.instrument], cross_scene.timeframe, market.bars.time)
    assert desk.records.trials(whole)[0] == 7
    assert [row["key"] for row in desk.records.list()] == [first.result.key]
    other = walk_forward(cross_scene, cross, SEARCH, Walk(100, 48, anchored=True), hall.studio())
    assert other.result.key != first.result.key
    # The first stretch of both walks is the same; the second is longer.
    assert other.computed == 6
    assert desk.records.trials(whole)[0] == 8


def test_the_result_says_how_it_was_made(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    asked: list[Mapping[str, Value]] = []

    def certify(strategy: Strategy, bars: Bars, scene: Scene, funding: Any) -> Certificate:
        asked.append(strategy.parameters)
        assert len(bars) == 196
        return Certificate("certified", "fine")

    studio = hall.studio()
    studio = Studio(replace(studio.desk, certify=certify), studio.recruit)
    done = walk_forward(cross_scene, cross, SEARCH, Walk(100, 48), studio)
    assert asked == [{**cross.parameters, **done.folds[-1].parameters}]
    assert done.result.certificate == Certificate("certified", "fine")
    assert done.result.scene.parameters == {"short": False}
    assert "parameters were chosen anew 2 times, each time on the past alone" in done.result.notes
    assert done.result.score is not None
    # The hole of the data, 100 to 104, lies between the last bar before the tests and the first of them.
    assert [incident.kind for incident in done.result.incidents] == []
    flat = walk_forward(cross_scene, cross, Search(axes_of({"slow": [150]})), Walk(100, 48), studio)
    assert (flat.result.certificate, len(asked)) == (None, 1)


def test_holes_of_the_data_inside_the_tests_are_incidents(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    done = walk_forward(cross_scene, cross, SEARCH, Walk(80, 58), hall.studio())
    assert [(incident.kind, incident.count) for incident in done.result.incidents] == [("MISSING", 4)]


def test_funding_is_paid_in_the_tests_and_missing_payments_are_incidents(
    hall: Any, lake: Any, candle_page: Any, funding_page: Any, cross: Strategy, cross_scene: Scene
) -> None:
    hours = [hour for hour in range(0, 200, 8) if hour != 152]
    ingest([candle_page(range(200), symbol="BTC/USDT:USDT"), funding_page(hours, 0.001)], lake)
    refine(lake)
    scene = replace(cross_scene, instrument=parse_symbol("BTC/USDT:USDT"))
    done = walk_forward(scene, cross, SEARCH, Walk(100, 50), hall.studio())
    market = read_market(lake, scene, pin(lake, scene))
    joined = np.concatenate([
        np.asarray(sma_cross(market.bars[fold.train.start : fold.test.stop], **fold.parameters), np.float64)[100:]  # type: ignore[arg-type]
        for fold in done.folds
    ])  # fmt: skip
    alone = run(market.bars[100:], joined, scene.execution, cash=scene.cash, funding=market.funding)
    assert done.result.digest == alone.digest()
    assert done.result.metrics["funding"] == pytest.approx(alone.trades.funding.sum())
    assert alone.trades.funding.sum() > 0.0
    found = [(one.kind, one.start, one.count) for one in done.result.incidents]
    assert found == [("FUNDING_MISSING", int(market.bars.time[152]), 1)]


def test_optuna_walks_too(walked: Callable[..., WalkForwardResult]) -> None:
    pytest.importorskip("optuna")
    search = Search(axes_of({"fast": "2..9", "slow": "10..30"}), "optuna", 6, 1)
    done = walked(prices(), Walk(160, 50), search)
    assert (done.combinations, done.computed) == (6, 12)
    assert all(2 <= int(fold.parameters["fast"]) <= 9 for fold in done.folds)
    assert walked(prices(), Walk(160, 50), search).folds == done.folds


def test_too_few_bars_are_told(walked: Callable[..., WalkForwardResult]) -> None:
    with pytest.raises(UserError, match="TOO_FEW_BARS"):
        walked(prices(50), Walk(50, 10))


def test_a_stretch_on_which_everything_fails_ends_the_walk(walked: Callable[..., WalkForwardResult]) -> None:
    with pytest.raises(UserError) as caught:
        walked(prices(), Walk(160, 50), Search(axes_of({"fast": [20, 30], "slow": [10]})))
    assert caught.value.code == "ALL_FAILED"


def test_every_combination_over_own_candles_is_a_trial(walked: Callable[..., WalkForwardResult]) -> None:
    done = walked(prices(), Walk(100, 45))
    # Six distinct combinations, each on four stretches, and the walk itself.
    assert (done.result.score or {})["trials"] == 7.0
    one = walked(prices(), Walk(100, 45), Search(axes_of({"fast": [2], "slow": [7]})))
    assert (one.result.score or {})["trials"] == 2.0


def test_a_walk_that_was_stopped_goes_on_from_what_is_stored(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    def stop(phase: str, done: float, total: float) -> None:
        if done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk_forward(cross_scene, cross, SEARCH, Walk(100, 48), hall.studio(progress=stop))
    records = hall.studio().desk.records
    assert records.list() == []
    resumed = walk_forward(cross_scene, cross, SEARCH, Walk(100, 48), hall.studio())
    assert 0 < resumed.computed < 12
    assert [row["kind"] for row in records.list()] == ["walk-forward"]
    assert records.remove(resumed.result.key) == 1
    again = walk_forward(cross_scene, cross, SEARCH, Walk(100, 48), hall.studio())
    assert (again.computed, again.result.digest) == (0, resumed.result.digest)


def test_a_certificate_is_added_to_a_stored_walk(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    first = walk_forward(cross_scene, cross, SEARCH, Walk(100, 48), hall.studio())
    studio = hall.studio()
    studio = Studio(replace(studio.desk, certify=lambda *given: Certificate("certified", "fine")), studio.recruit)
    proven = walk_forward(cross_scene, cross, SEARCH, Walk(100, 48), studio)
    assert proven.result.certificate == Certificate("certified", "fine")
    assert (proven.result.key, proven.result.digest) == (first.result.key, first.result.digest)
    assert hall.studio().desk.records.filed(first.result.key).verdict == "certified"
    unread = Studio(studio.desk, studio.recruit, gives_stored=False)
    assert walk_forward(cross_scene, cross, SEARCH, Walk(100, 48), unread).result.digest == first.result.digest
