import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.core.engine import run
from tallow.core.search import axes_of
from tallow.core.strategies import sma_cross
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate
from tallow.domain.holdout import Seal
from tallow.domain.scene import Execution, Scene
from tallow.domain.sent import Sent
from tallow.domain.sweep import Evaluated, Search
from tallow.domain.timeframes import parse_timeframe
from tallow.domain.trials import dataset_of
from tallow.domain.venue_rules import RuleBook, VenueRules
from tallow.flows.backtest import pin, read_market
from tallow.flows.sweep import Folding, Studio, cross_validate, sweep
from tallow.flows.sweep.cross import most_chosen, pooled, replay_cross
from tallow.flows.sweep.cross_values import CrossValidationResult
from tallow.ports import Strategy

HOUR = 3_600_000_000
SEARCH = Search(axes_of({"fast": [2, 3, 5], "slow": [7, 12]}))
FOLDING = Folding(4, 2, purge=3, embargo=2)


def prices(count: int = 240, seed: int = 4) -> Bars:
    """A wandering price, one bar an hour."""
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.01, count)))
    first = np.concatenate(([100.0], close[:-1]))
    top, bottom = np.maximum(first, close) * 1.001, np.minimum(first, close) * 0.999
    return Bars.of(np.arange(count, dtype=np.int64) * HOUR, (first, top, bottom, close, np.full(count, 5.0)))


def changed(bars: Bars, rows: range) -> Bars:
    """The same bars, others in some rows; they end at another price."""
    scale = np.ones(len(bars))
    scale[rows.start : rows.stop] = 1.0 + 0.2 * np.sin(np.arange(len(rows)))
    columns = [getattr(bars, name) * scale for name in ("open", "high", "low", "close")]
    return Bars.of(bars.time, (*columns, bars.volume))  # type: ignore[arg-type]


@pytest.fixture
def crossed(hall: Any, cross: Strategy, cross_scene: Scene) -> Callable[..., CrossValidationResult]:
    """Cross-validate on candles that the caller holds."""

    def build(bars: Bars, folding: Folding = FOLDING, search: Search = SEARCH, **changes: Any) -> CrossValidationResult:
        return cross_validate(replace(cross_scene, **changes), cross, search, folding, hall.studio(), bars)

    return build


@pytest.mark.parametrize(
    ("folding", "purge", "embargo"),
    [
        (Folding(), 0, 5),  # one per cent of 500, rounded up
        (Folding(purge="12h", embargo=0), 12, 0),
        (Folding(purge="90m", embargo="61m"), 2, 2),
        (Folding(purge=" 0 ", embargo="1d"), 0, 24),
    ],
)
def test_lengths_become_rows(folding: Folding, purge: int, embargo: int) -> None:
    made = folding.plan(500, parse_timeframe("1h"))
    assert (made.groups, made.test_groups, made.purge, made.embargo) == (6, 2, purge, embargo)


@pytest.mark.parametrize("name", ["purge", "embargo"])
def test_what_is_no_length_is_refused(name: str) -> None:
    with pytest.raises(UserError) as caught:
        replace(FOLDING, **{name: "soon"}).plan(500, parse_timeframe("1h"))
    assert (caught.value.code, caught.value.message) == ("BAD_PARAMETER", f"{name} = 'soon' is no stretch of 1h bars")


def test_more_paths_than_fit_into_memory_are_refused() -> None:
    with pytest.raises(UserError, match="6,435 paths over 10,000 bars") as caught:
        Folding(16, 8).plan(10_000, parse_timeframe("1h"))
    assert caught.value.code == "BAD_PARAMETER"


@pytest.mark.parametrize("rules", [None, RuleBook((VenueRules(0, lot_size=3.0), VenueRules(99 * HOUR, lot_size=2.0)))])
def test_every_path_is_the_choices_of_its_splits_joined(
    crossed: Callable[..., CrossValidationResult], cross_scene: Scene, rules: RuleBook | None
) -> None:
    bars = prices()
    done = crossed(bars, rules=rules)
    assert [split.groups for split in done.splits] == list(itertools.combinations(range(4), 2))
    assert [path.splits for path in done.paths] == [(0, 0, 1, 2), (1, 3, 3, 4), (2, 4, 5, 5)]
    accounts = []
    for path in done.paths:
        # By hand: every group with the rule that its split chose, over all bars, in one account.
        line = np.empty(240)
        for group, number in enumerate(path.splits):
            values = {**cross_scene.parameters, **done.splits[number].parameters}
            line[60 * group : 60 * group + 60] = sma_cross(bars, **values)[60 * group : 60 * group + 60]  # type: ignore[arg-type]
        alone = run(bars, line, cross_scene.execution, cash=cross_scene.cash, rules=rules)
        accounts.append(alone)
        assert path.digest == alone.digest()
        assert path.equity.tobytes() == alone.equity.tobytes()
        assert path.metrics["final_equity"] == alone.equity[-1]
        change = np.diff(alone.equity, prepend=cross_scene.cash) / np.r_[cross_scene.cash, alone.equity[:-1]]
        assert path.bar_sharpe == pytest.approx(change.mean() / change.std(ddof=1), rel=1e-12)
    ratios = [path.bar_sharpe for path in done.paths]
    assert sorted(ratios)[1] == ratios[done.middle]
    assert done.result.run.equity.tobytes() == accounts[done.middle].equity.tobytes()
    assert done.result.metrics == done.paths[done.middle].metrics


def test_of_an_even_number_of_paths_the_lower_of_the_middle_ones_is_shown(
    crossed: Callable[..., CrossValidationResult],
) -> None:
    done = crossed(prices(), Folding(3, 2, purge=3, embargo=2))
    ratios = [path.bar_sharpe for path in done.paths]
    assert len(ratios) == 2
    assert ratios[0] != ratios[1]
    assert ratios[done.middle] == min(ratios)


def test_a_choice_is_the_best_of_its_training_pieces(
    crossed: Callable[..., CrossValidationResult], hall: Any, cross: Strategy, cross_scene: Scene
) -> None:
    bars = prices()
    done = crossed(bars)
    for split in done.splits:
        parts = [
            sweep(cross_scene, cross, SEARCH, hall.studio(), bars[piece.start : piece.stop]).found
            for piece in split.train
        ]
        # By hand: the mean ratio of the pieces by their rows.
        rows = np.array([len(piece) for piece in split.train])
        ratio = np.average([part.columns["bar_sharpe"] for part in parts], axis=0, weights=rows)
        best = int(np.argmax(ratio))
        assert tuple(split.parameters.values()) == parts[0].rows[best]
        assert split.trained == pytest.approx(ratio[best], rel=1e-12)


def test_what_is_held_out_does_not_change_a_choice(crossed: Callable[..., CrossValidationResult]) -> None:
    bars = prices()
    before = crossed(bars)
    for group in range(4):
        after = crossed(changed(bars, range(60 * group, 60 * group + 60)))
        assert before.result.digest != after.result.digest
        for one, other in zip(before.splits, after.splits, strict=True):
            same = (dict(one.parameters), one.trained) == (dict(other.parameters), other.trained)
            assert same or group not in one.groups


def test_purge_and_embargo_keep_rows_from_the_choice(crossed: Callable[..., CrossValidationResult]) -> None:
    bars = prices()
    first = crossed(bars).splits[0]
    # Groups 0 and 1 are held out: three rows of purge and two of embargo follow.
    assert (first.groups, first.train, first.test) == ((0, 1), (range(125, 240),), (range(60), range(60, 120)))
    again = crossed(changed(bars, range(100, 125))).splits[0]
    assert (dict(again.parameters), again.trained) == (dict(first.parameters), first.trained)
    other = crossed(changed(bars, range(100, 130))).splits[0]
    assert other.trained != first.trained


@pytest.mark.parametrize(
    "goal", ["bar_sharpe", "total_return", "final_equity", "max_drawdown", "return_over_drawdown", "trades", "wins"]
)
def test_a_split_is_measured_on_its_groups_one_after_the_other(
    crossed: Callable[..., CrossValidationResult], cross_scene: Scene, goal: str
) -> None:
    bars = prices()
    done = crossed(bars, search=replace(SEARCH, goal=goal))
    split = done.splits[1]  # groups 0 and 2
    values = {**cross_scene.parameters, **split.parameters}
    growth, closed, won = [], 0, 0
    for group in split.groups:
        path = next(path for path in done.paths if path.splits[group] == 1)
        line = np.concatenate([
            sma_cross(bars, **{**values, **done.splits[number].parameters})[60 * at : 60 * at + 60]  # type: ignore[arg-type]
            for at, number in enumerate(path.splits)
        ])  # fmt: skip
        alone = run(bars, np.asarray(line, np.float64), cross_scene.execution, cash=10_000.0)
        level = np.concatenate(([10_000.0], alone.equity))
        growth.append((level[1:] / level[:-1])[60 * group : 60 * group + 60])
        ends = (alone.trades.exit_row >= 60 * group) & (alone.trades.exit_row < 60 * group + 60)
        closed, won = closed + int(ends.sum()), won + int((ends & (alone.trades.profit > 0)).sum())
    change = np.concatenate(growth)
    level = np.concatenate(([1.0], np.cumprod(change)))
    depth = float((level / np.maximum.accumulate(level) - 1.0).min())
    expected = {
        "bar_sharpe": (change - 1.0).mean() / change.std(ddof=1),
        "total_return": level[-1] - 1.0,
        "final_equity": 10_000.0 * level[-1],
        "max_drawdown": depth,
        "return_over_drawdown": (level[-1] - 1.0) / -depth,
        "trades": closed,
        "wins": won,
    }
    assert split.tested == pytest.approx(expected[goal], rel=1e-9)
    assert split.test_return == pytest.approx(level[-1] - 1.0, rel=1e-9)


def test_where_no_combination_has_the_number_the_groups_are_flat(
    crossed: Callable[..., CrossValidationResult],
) -> None:
    # Averages over more bars than any piece has never trade there.
    done = crossed(prices(), search=Search(axes_of({"slow": [150]})))
    assert [dict(split.parameters) for split in done.splits] == [{}] * 6
    assert np.isnan([split.trained for split in done.splits]).all()
    assert np.isnan([path.bar_sharpe for path in done.paths]).all()
    assert {float(value) for path in done.paths for value in path.equity} == {10_000.0}
    assert most_chosen(done) == {}
    assert np.isnan(done.numbers("sharpe")).all()


def test_an_account_that_is_lost_leaves_nothing_to_measure(crossed: Callable[..., CrossValidationResult]) -> None:
    # A price that falls to nothing, held with all of the account, from the first group on.
    close = np.concatenate((np.full(60, 100.0), np.full(180, 1e-12)))
    first = np.concatenate(([100.0], close[:-1]))
    bars = Bars.of(np.arange(240, dtype=np.int64) * HOUR, (first, np.maximum(first, close), close, close, np.ones(240)))
    done = crossed(bars, search=Search(axes_of({"fast": [2], "slow": [3]})), execution=Execution(taker_fee=0.0))
    assert all(-1.0 <= split.test_return <= 0.0 for split in done.splits)


def test_optuna_is_refused(crossed: Callable[..., CrossValidationResult]) -> None:
    with pytest.raises(UserError, match="proposes others") as caught:
        crossed(prices(), search=replace(SEARCH, method="optuna"))
    assert caught.value.code == "BAD_SEARCH"


def test_too_few_bars_are_told(crossed: Callable[..., CrossValidationResult]) -> None:
    with pytest.raises(UserError) as caught:
        crossed(prices(24))
    assert caught.value.code == "TOO_FEW_BARS"


def test_orders_are_refused_before_anything_is_counted(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    studio = hall.studio()
    sent = Sent.__new__(Sent)
    studio = Studio(replace(studio.desk, evaluate=lambda *_: sent), studio.recruit)
    with pytest.raises(UserError) as caught:
        cross_validate(cross_scene, cross, SEARCH, FOLDING, studio)
    assert caught.value.code == "ORDERS_NOT_JOINED"
    assert hall.asked == 0


def test_what_fails_in_the_first_combination_is_no_reason_to_stop(
    hall: Any, cross: Strategy, cross_scene: Scene
) -> None:
    search = Search(axes_of({"fast": [9, 2], "slow": [7]}))  # 9 is not below 7: refused by the strategy
    done = cross_validate(cross_scene, cross, search, FOLDING, hall.studio(), prices())
    assert {split.parameters["fast"] for split in done.splits} == {2}


def test_sealed_data_are_refused(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    studio = hall.studio()
    studio.desk.records.seal(Seal(str(cross_scene.instrument), "1h", 0, 0))
    with pytest.raises(UserError) as caught:
        cross_validate(cross_scene, cross, SEARCH, FOLDING, studio)
    assert caught.value.code == "SEALED"


def test_it_is_stored_and_counted_once(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    first = cross_validate(cross_scene, cross, SEARCH, FOLDING, hall.studio())
    second = cross_validate(cross_scene, cross, SEARCH, FOLDING, hall.studio())
    pieces = {piece for split in first.splits for piece in split.train}
    assert (first.computed, second.computed, hall.asked) == (6 * len(pieces), 0, 0)
    assert (first.result.key, first.result.digest) == (second.result.key, second.result.digest)
    assert first.splits == second.splits
    desk = hall.studio().desk
    market = read_market(desk.lake, cross_scene, pin(desk.lake, cross_scene))
    whole = dataset_of([cross_scene.instrument], cross_scene.timeframe, market.bars.time)
    # Six combinations, and the procedure.
    assert desk.records.trials(whole)[0] == 7
    assert (first.result.score or {})["trials"] == 7.0
    assert [(row["key"], row["kind"]) for row in desk.records.list()] == [(first.result.key, "cross-validation")]
    other = cross_validate(cross_scene, cross, SEARCH, replace(FOLDING, embargo=4), hall.studio())
    assert other.result.key != first.result.key
    assert desk.records.trials(whole)[0] == 8


def test_one_that_was_stopped_goes_on_with_the_same_bits(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    def stop(phase: str, done: float, total: float) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cross_validate(cross_scene, cross, SEARCH, FOLDING, hall.studio(progress=stop))
    records = hall.studio().desk.records
    assert records.list() == []
    resumed = cross_validate(cross_scene, cross, SEARCH, FOLDING, hall.studio())
    pieces = {piece for split in resumed.splits for piece in split.train}
    assert 0 < resumed.computed < 6 * len(pieces)
    assert records.remove(resumed.result.key) == 1
    again = cross_validate(cross_scene, cross, SEARCH, FOLDING, hall.studio())
    assert (again.computed, again.result.digest) == (0, resumed.result.digest)


def test_what_was_chosen_most_often_is_certified(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    asked = []

    def certify(strategy: Strategy, bars: Bars, scene: Scene, funding: Any) -> Certificate:
        asked.append(strategy.parameters)
        assert len(bars) == 196
        return Certificate("certified", "fine")

    bare = cross_validate(cross_scene, cross, SEARCH, FOLDING, hall.studio())
    studio = hall.studio()
    studio = Studio(replace(studio.desk, certify=certify), studio.recruit)
    done = cross_validate(cross_scene, cross, SEARCH, FOLDING, studio)
    # The stored one lacked it: computed anew, under the same key and digest.
    assert (done.result.key, done.result.digest) == (bare.result.key, bare.result.digest)
    assert asked == [{**cross.parameters, **most_chosen(done)}]
    assert done.result.certificate == Certificate("certified", "fine")
    assert cross_validate(cross_scene, cross, SEARCH, FOLDING, studio).result.certificate is not None
    assert len(asked) == 1
    text = "parameters were chosen 6 times, each time without the groups they then traded"
    assert text in done.result.notes


def test_a_leaky_strategy_counts_without_ratios(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    studio = hall.studio()
    leaky = Certificate("leaky", "it looks ahead")
    studio = Studio(replace(studio.desk, certify=lambda *_: leaky), studio.recruit)
    done = cross_validate(cross_scene, cross, SEARCH, FOLDING, studio)
    assert (done.result.score or {})["verdict"] == "not meaningful"
    seen = dataset_of([cross_scene.instrument], cross_scene.timeframe, done.result.run.time)
    count, ratios = studio.desk.records.trials(seen)
    assert count == 7
    assert np.isnan(ratios).all()


def test_a_replay_chooses_anew_and_gives_every_bit(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    done = cross_validate(cross_scene, cross, SEARCH, FOLDING, hall.studio())
    studio = hall.studio()
    found = studio.desk.records.filed(done.result.key)
    same = replay_cross(found, cross, studio)
    assert (same.equal, same.differences) == (True, ())
    assert hall.asked > 0
    splits = [{**split, "parameters": {"fast": 3, "slow": 99}} for split in found.body["splits"]]
    bent = {**found.body, "splits": splits, "engine_version": "0", "data_digest": "00", "metrics": {"trades": -1}}
    told = replay_cross(replace(found, body=bent), cross, studio).differences
    assert told[0].startswith("trades: stored -1, now ")
    assert told[1] == "split 1: chosen differently"
    assert told[-2].startswith("data digest: stored 00, now ")
    assert told[-1].startswith("engine version: stored 0, now ")


def test_numbers_of_pieces_are_put_together() -> None:
    names, rows = ("k",), ((1,), (2,))
    nan = np.nan

    def part(**columns: list[float]) -> dict[str, Any]:
        return {name: np.array(values) for name, values in columns.items()}

    one = Evaluated(names, rows, part(
        total_return=[0.1, 0.0], final_equity=[110.0, 100.0], max_drawdown=[-0.3, 0.0], bar_sharpe=[0.4, nan],
        trades=[3.0, 0.0], exposure=[0.5, 0.0],
    ))  # fmt: skip
    two = Evaluated(names, rows, part(
        total_return=[-0.5, nan], final_equity=[50.0, nan], max_drawdown=[-0.6, nan], bar_sharpe=[-0.2, nan],
        trades=[2.0, nan], exposure=[1.0, nan],
    ), {1: "BAD_PARAMETER: no"})  # fmt: skip
    found = pooled([one, two], [30, 10], 100.0)
    first = {name: round(float(column[0]), 12) for name, column in found.columns.items()}
    assert first == {
        "total_return": -0.45, "final_equity": 55.0, "max_drawdown": -0.6, "bar_sharpe": 0.25, "trades": 5.0,
        "exposure": 0.625,
    }  # fmt: skip
    assert all(np.isnan(column[1]) for column in found.columns.values())
    assert found.failed == {1: "BAD_PARAMETER: no"}
    assert pooled([one], [30], 100.0) is one
