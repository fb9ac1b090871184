from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.core.honesty import permutation_test
from tallow.core.portfolio import Calendar, OnChange, run
from tallow.core.strategies import buy_and_hold
from tallow.domain.columns import Bars, Floats
from tallow.domain.scene import Execution, Scene
from tallow.domain.timeframes import HOUR, parse_timeframe
from tallow.flows.backtest import Desk, backtest
from tallow.flows.portfolio import Book, portfolio
from tallow.flows.portfolio.trust import account, dataset, find_settling, held_weights, incidents, random_times
from tallow.flows.report.honesty import score_of

LENGTH = parse_timeframe("1h")


def test_every_variant_is_a_trial_on_the_set_of_instruments_and_costs_are_none(
    desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book], rising: Any
) -> None:
    first = portfolio(book(), pair, desk, check=False)
    assert (first.score or {})["trials"] == 1.0
    dear = tuple(replace(one, execution=Execution(taker_fee=0.01)) for one in pair)
    assert (portfolio(book(), dear, desk, check=False).score or {})["trials"] == 1.0
    assert (portfolio(book(), pair[::-1], desk, check=False).score or {})["trials"] == 1.0
    daily = portfolio(book(rebalance=Calendar("daily")), pair, desk, check=False)
    assert (daily.score or {})["trials"] == 2.0
    other = portfolio(book(rising(parameters={"window": 9})), pair, desk, check=False)
    assert (other.score or {})["trials"] == 3.0
    assert desk.records.trials(dataset(first))[0] == 3
    # One of the two alone has been seen by the three.
    alone = portfolio(Book(["BTC/USDT"], rising()), pair[:1], desk, check=False)
    assert (alone.score or {})["trials"] == 4.0


def test_one_instrument_shares_its_trials_and_its_ladder_with_backtests(
    desk: Desk, scene: Scene, hold: type, rising: Any
) -> None:
    class Whole(rising):  # type: ignore[misc]
        def weigh(self, bars: Any, timeframe: Any) -> Floats:
            (own,) = bars.values()
            return np.asarray(buy_and_hold(own), np.float64)[:, None]

    single = backtest(scene, hold(), desk)
    done = portfolio(Book(["BTC/USDT"], Whole()), [scene], desk, check=False)
    # Weights have no rung on recorded trades.
    assert done.ladder == (*single.ladder[:4], *single.ladder[5:])
    assert (done.score or {})["trials"] == 2.0
    assert account(done).run.equity.tobytes() == single.run.equity.tobytes()
    assert done.metrics["break_even_cost_bps"] == single.metrics["break_even_cost_bps"]


def test_the_score_holds_the_test_against_other_times(
    desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book]
) -> None:
    done = portfolio(book(), pair, desk, check=False)
    found = score_of(account(done))
    assert found is not None
    test, startup = found.evidence.permutation, found.evidence.startup
    assert startup is not None
    assert startup.warm_up == 6
    assert test == random_times(done.run, Execution(), startup)
    assert test is not None
    # 200 rows less the warm-up: every other place once.
    assert (test.method, test.permutations) == ("rotated weights", 193)
    assert found.checks["permutation"] == (test.p_value is not None and test.p_value <= 0.05)
    assert {rung.kind for rung in done.ladder} == {"model", "costs"}


def test_one_instrument_is_rearranged_as_in_a_backtest(desk: Desk, scene: Scene, rising: Any) -> None:
    done = portfolio(Book(["BTC/USDT"], rising()), [scene], desk, check=False)
    found = random_times(done.run, Execution())
    alone = permutation_test(
        held_weights(done.run)[:, 0], np.asarray(done.run.panel.closes(0)), cost_rate=0.001, permutations=1_000
    )
    assert (found, found.method) == (alone, "random entries")


def test_what_prices_make_of_a_weight_is_no_change(rising: Any) -> None:
    price = np.array([[100.0, 100.0, 200.0, 200.0, 200.0], [100.0, 100.0, 100.0, 100.0, 50.0]])
    bars = {name: Bars.of(np.arange(5) * HOUR, (row,) * 5) for name, row in zip(("A/B", "C/B"), price, strict=True)}
    asked = np.array([[0.5, 0.25], [0.5, 0.25], [0.5, 0.25], [0.5, 0.0], [0.5, 0.0]])
    done = run(bars, asked, Execution(taker_fee=0.0), cash=100.0)
    # Bought at the second open; the third row doubles the first price, the fifth sells the second.
    assert held_weights(done)[:, 0].tolist() == [0.0, 0.5, 0.5, 0.5, 0.5]
    assert held_weights(done)[:, 1].tolist() == [0.0, 0.25, 0.25, 0.25, 0.0]
    assert random_times(done, Execution()).exposure == 0.8


def test_higher_costs_never_pay(desk: Desk, pair: tuple[Scene, ...], rising: Any) -> None:
    class Still(rising):  # type: ignore[misc]
        def weigh(self, bars: Any, timeframe: Any) -> Floats:
            return np.full((len(set().union(*(own.time.tolist() for own in bars.values()))), 2), 0.4)

    done = portfolio(Book(["BTC/USDT", "ETH/USDT"], Still()), pair, desk, check=False)
    returns = [rung.return_pct for rung in done.ladder]
    assert returns[1:4] == sorted(returns[1:4], reverse=True)
    assert returns[4:] == sorted(returns[4:], reverse=True)
    assert len(set(returns)) > 5


def test_incidents_of_all_instruments_are_one_list(
    desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book]
) -> None:
    done = portfolio(book(rebalance=OnChange()), pair, desk, check=False)
    assert [(symbol, one.kind, one.count) for symbol, one in incidents(done)] == [("BTC/USDT", "MISSING", 4)]
    assert account(done).incidents == tuple(one for _, one in incidents(done))


def test_what_never_settles_and_what_cannot_be_tried(rising: Any, noise: Callable[[int], Floats]) -> None:
    class Counting(rising):  # type: ignore[misc]
        def weigh(self, bars: Any, timeframe: Any) -> Floats:
            rows = len(next(iter(bars.values())))
            return np.column_stack((np.zeros(rows), np.arange(rows) % 7 / 10.0))

    time = np.arange(400) * HOUR
    bars = {name: Bars.of(time, (noise(seed),) * 5) for seed, name in enumerate(("A/USDT", "B/USDT"))}
    never = find_settling(Counting(), bars, time, LENGTH)
    assert never is not None
    assert never.verdict == "never"
    assert find_settling(Counting(), {name: own[:2] for name, own in bars.items()}, time[:2], LENGTH) is None


@pytest.mark.parametrize("venue", ["simulated", "binance"])
def test_one_simulated_instrument_makes_it_simulated(
    desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book], venue: str
) -> None:
    done = portfolio(book(), pair, desk, check=False)
    held = (pair[0].instrument, replace(pair[1].instrument, venue=venue))
    assert account(replace(done, scene=replace(done.scene, instruments=held))).origin == venue
