import math

import numpy as np
import pytest

from tallow.core.engine import Engine, LiveBar, live_bars, prepare, run, run_path
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.errors import DataError, UserError
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE

FREE = Execution(maker_fee=0.0, taker_fee=0.0, take_profit=0.1)


def bar(row, price, high=None):
    return LiveBar(row * MINUTE, price, high or price, price, price, 5.0)


def make_bars(*prices):
    column = np.array(prices, float)
    return Bars.of(np.arange(len(prices)) * MINUTE, (column, column, column, column, np.ones(len(prices))))


def test_an_engine_tells_its_account_and_its_fills():
    engine = Engine(FREE, 1_000.0)
    assert engine.step(bar(0, 100.0), 1.0) == []
    assert (engine.equity, engine.cash, engine.position, engine.target) == (1_000, 1_000, 0, 1)
    (fill,) = engine.step(bar(1, 100.0))
    assert (fill.time, fill.quantity, fill.price, fill.reason) == (MINUTE, 10, 100, "target")
    (fill,) = engine.step(bar(2, 100.0, high=111.0))
    assert (fill.quantity, fill.price, fill.reason) == (-10, pytest.approx(110), "take_profit")
    assert engine.account == (0, pytest.approx(1_100), pytest.approx(1_100), 0, "take_profit")
    assert engine.state.totals.trades == 1


def test_advance_and_decide_are_a_step_in_two():
    whole, halves = Engine(Execution(fill="close"), 1_000.0), Engine(Execution(fill="close"), 1_000.0)
    for row, (price, target) in enumerate([(100.0, 1.0), (105.0, math.nan), (95.0, 0.0)]):
        fills = whole.step(bar(row, price), target)
        assert halves.advance(bar(row, price)) + halves.decide(target) == fills
        assert halves.account == whole.account
    assert whole.account.exit_reason == "target"


def test_funding_is_paid_live():
    engine = Engine(FREE, 1_000.0)
    engine.step(bar(0, 100.0), 1.0)
    engine.step(LiveBar(MINUTE, 100.0, 100.0, 100.0, 100.0, 1.0, funding_open=0.5, funding_inside=0.01))
    assert engine.equity == pytest.approx(990)


@pytest.mark.parametrize(
    "bad",
    [
        LiveBar(1, math.nan, 1, 1, 1, 1),
        LiveBar(1, 1, math.inf, 1, 1, 1),
        LiveBar(1, 1, 1, 0, 1, 1),
        LiveBar(1, 1, 1, 1, -1, 1),
        LiveBar(0, 1, 1, 1, 1, 1),
    ],
)
def test_a_bad_bar_is_refused_and_leaves_the_engine_as_it_was(bad):
    engine = Engine(FREE, 1_000.0)
    engine.step(LiveBar(0, 1.0, 1.0, 1.0, 1.0, 1.0), 1.0)
    before = engine.state
    with pytest.raises(DataError, match="bar 1 at") as caught:
        engine.step(bad)
    assert (caught.value.code, engine.state) == ("BAD_BARS", before)


def test_a_refused_target_is_not_taken_and_the_engine_goes_on():
    engine = Engine(FREE, 1_000.0)
    with pytest.raises(UserError) as caught:
        engine.step(bar(0, 100.0), 2.0)
    assert (caught.value.code, engine.target) == ("TARGET_TOO_LARGE", 0)
    engine.decide(0.5)
    assert engine.step(bar(1, 100.0))[0].quantity == 5


def test_cash_must_be_positive():
    with pytest.raises(UserError, match="cash"):
        Engine(FREE, 0.0)


def test_a_path_dependent_strategy_sees_its_account_at_every_close():
    seen = []

    def decide(row, account):
        seen.append((row, account.position, account.equity, account.cash, account.entry_price, account.exit_reason))
        return 1.0 if row == 0 else 0.0 if account.equity > 1_050 else math.nan

    done = run_path(make_bars(100, 100, 108, 104), decide, FREE, cash=1_000)
    assert seen == [
        (0, 0, 1_000, 1_000, 0, ""),
        (1, 10, 1_000, 0, 100, ""),
        (2, 10, 1_080, 0, 100, ""),
        (3, 0, 1_040, 1_040, 0, "target"),
    ]
    assert done.target.tolist() == [1, 1, 0, 0]
    assert done.digest() == run(make_bars(100, 100, 108, 104), done.target, FREE, cash=1_000).digest()


def test_the_account_cannot_be_written():
    account = Engine(FREE, 1.0).account
    with pytest.raises(AttributeError):
        account.equity = 5.0


def test_a_path_without_bars_is_empty():
    assert len(run_path(make_bars(), lambda row, account: 0.0, FREE, cash=1).equity) == 0


def test_live_bars_carry_the_funding_of_their_bar():
    bars = make_bars(1, 2, 3)
    funding = FundingRates(np.array([MINUTE, MINUTE + 30_000_000]), np.array([0.1, 0.2]))
    assert [row[6:] for row in live_bars(prepare(bars, funding))] == [(0, 0), (0.1, 0.2), (0, 0)]


def test_a_refused_target_of_a_path_names_its_bar():
    with pytest.raises(UserError) as caught:
        run_path(make_bars(1, 2, 3), lambda row, account: -1.0 if row == 1 else 0.5, FREE, cash=1)
    assert (caught.value.code, caught.value.facts["row"]) == ("SHORT_NOT_ALLOWED", "1")


def test_an_order_at_the_close_waits_for_a_bar_with_volume_when_asked_bar_by_bar():
    prices = np.full(4, 100.0)
    bars = Bars.of(np.arange(4) * MINUTE, (prices, prices, prices, prices, np.array([1.0, 0.0, 0.0, 2.0])))
    targets = np.array([np.nan, 1.0, np.nan, np.nan])
    execution = Execution(fill="close", taker_fee=0.0)
    done = run_path(bars, lambda row, account: targets[row], execution, cash=1_000.0)
    assert done.fills.row.tolist() == [3]
    assert done.digest() == run(bars, targets, execution, cash=1_000.0).digest()


def test_more_events_than_the_log_holds_are_kept():
    rows = 5_000
    prices = 100.0 + np.arange(rows) % 7
    bars = Bars.of(np.arange(rows) * MINUTE, (prices, prices, prices, prices, np.ones(rows)))
    done = run_path(bars, lambda row, account: float(row % 2), FREE, cash=1_000.0)
    assert len(done.fills) > 4_096
    assert done.digest() == run(bars, (np.arange(rows) % 2).astype(float), FREE, cash=1_000.0).digest()
