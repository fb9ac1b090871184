from dataclasses import dataclass

import numpy as np
import pytest

from tallow.core.engine import run, run_path
from tallow.core.indicators import sma
from tallow.core.strategies import Int, Strategy, decider, sma_cross
from tallow.domain.errors import UserError
from tallow.domain.scene import Execution


@dataclass(frozen=True)
class Wallet:
    position: float = 0.0
    equity: float = 100.0
    cash: float = 100.0
    entry_price: float = 0.0


class Script(Strategy):
    """Does what its actions say, one a bar."""

    actions = ()

    def next(self):
        action = self.actions[len(self.bars) - 1]
        if action is not None:
            action(self)


def play(walk, actions, wallets):
    """The answers of a scripted strategy for a given account at every bar."""
    script = type("Script", (Script,), {"actions": tuple(actions)})
    decide = decider(script, {}, walk(len(wallets)))
    return [decide(row, wallet) for row, wallet in enumerate(wallets)]


def buy(strategy):
    strategy.buy()


FLAT, LONG = Wallet(), Wallet(2.0, 110.0, 0.0, 50.0)
STOPPED = Wallet(cash=90.0)


def test_a_bar_that_sets_no_target_keeps_the_last(walk):
    half = [None, lambda s: s.buy(0.5), None, lambda s: s.sell(0.25), lambda s: s.close_position()]
    answers = play(walk, half, [FLAT, FLAT, LONG, LONG, LONG])
    np.testing.assert_array_equal(answers, [np.nan, 0.5, np.nan, -0.25, 0.0])


def test_the_account_and_the_past_are_in_view(walk):
    seen = []
    bars = walk(3)

    class Watch(Strategy):
        window = Int(2, 1, 5)

        def init(self):
            self.line = self.indicator(sma, self.bars.close, self.window)

        def next(self):
            seen.append((self.position, self.equity, self.cash, self.entry_price, self.target, self.line[-1]))
            self.target = 1

    decide = decider(Watch, {"window": "1"}, bars)
    assert [decide(row, LONG) for row in range(3)] == [1.0, 1.0, 1.0]
    assert seen == [(2.0, 110.0, 0.0, 50.0, float(row > 0), bars.close[row]) for row in range(3)]


@pytest.mark.parametrize("stopped", [[LONG, STOPPED], [FLAT, STOPPED]])
def test_after_a_protective_exit_the_target_is_flat_and_can_be_set_again(walk, stopped):
    # The second case is entered and stopped inside one bar: the position was never seen.
    seen = []
    actions = [buy, None, lambda s: seen.append(s.target), None, buy]
    answers = play(walk, actions, [FLAT, *stopped, STOPPED, STOPPED])
    np.testing.assert_array_equal(answers, [1.0, np.nan, 0.0, np.nan, 1.0])
    assert seen == [0.0]


def test_the_same_target_in_the_bar_of_the_exit_is_a_new_order(walk):
    answers = play(walk, [buy, None, buy, None, buy], [FLAT, LONG, STOPPED, LONG, LONG])
    assert answers[2] == np.nextafter(1.0, 0.0)
    assert answers[0] == 1.0
    assert answers[4] == answers[2]  # the same wish again is no new order


def test_another_target_in_the_bar_of_the_exit_is_taken_as_it_is(walk):
    answers = play(walk, [buy, None, lambda s: s.sell(0.5)], [FLAT, LONG, STOPPED])
    assert answers[2] == -0.5


def test_an_order_that_waits_is_not_an_exit(walk):
    answers = play(walk, [buy, None, None], [FLAT, FLAT, FLAT])
    np.testing.assert_array_equal(answers, [1.0, np.nan, np.nan])


def test_an_exit_that_was_asked_for_needs_no_second_order(walk):
    answers = play(walk, [buy, lambda s: s.close_position(), None], [FLAT, LONG, STOPPED])
    np.testing.assert_array_equal(answers, [1.0, 0.0, np.nan])


def test_two_deciders_share_nothing(walk):
    class Count(Strategy):
        def init(self):
            self.seen = 0

        def next(self):
            self.seen += 1
            self.target = self.seen / 10

    first, second = (decider(Count, {}, walk(3)) for _ in range(2))
    assert [first(0, FLAT), first(1, FLAT), second(0, FLAT)] == [0.1, 0.2, 0.1]


def test_the_account_cannot_be_written(walk):
    def cheat(strategy):
        strategy.position = 5

    with pytest.raises(AttributeError):
        play(walk, [cheat], [FLAT])


def test_an_indicator_in_next_is_refused(walk):
    with pytest.raises(UserError, match="declared in next") as caught:
        play(walk, [lambda s: s.indicator(sma, s.bars.close, 2)], [FLAT])
    assert caught.value.code == "BAD_STRATEGY"


@pytest.mark.parametrize("name", ["target", "position", "bars", "buy", "indicator"])
def test_a_parameter_may_not_hide_an_attribute(walk, name):
    with pytest.raises(UserError, match=f"attribute of Strategy: {name}") as caught:
        decider(type("Bad", (Strategy,), {name: 1}), {}, walk(1))
    assert caught.value.code == "BAD_PARAMETER"


def test_unknown_parameters_are_refused(walk):
    with pytest.raises(UserError) as caught:
        decider(Script, {"window": 3}, walk(1))
    assert caught.value.code == "UNKNOWN_PARAMETER"


def test_next_must_be_written(walk):
    with pytest.raises(NotImplementedError, match="Empty has no method next"):
        decider(type("Empty", (Strategy,), {}), {}, walk(1))(0, FLAT)


class Cross(Strategy):
    fast, slow = 5, 20

    def init(self):
        self.quick = self.indicator(sma, self.bars.close, self.fast)
        self.calm = self.indicator(sma, self.bars.close, self.slow)

    def next(self):
        self.target = float(self.quick[-1] > self.calm[-1])


def test_the_engine_gives_a_rule_in_both_forms_the_same_run(walk):
    bars, execution = walk(500, 3), Execution(slippage_bps=5)
    stepped = run_path(bars, decider(Cross, {"fast": 8}, bars), execution, cash=1_000.0)
    whole = run(bars, sma_cross(bars, fast=8, slow=20), execution, cash=1_000.0)
    assert len(whole.trades) > 5
    assert stepped.digest() == whole.digest()


def test_a_stopped_position_is_entered_again_when_the_rule_asks_again(walk):
    class Dip(Strategy):
        def next(self):
            if self.position == 0:
                self.buy()

    bars = walk(300, 4)
    execution = Execution(stop_loss=0.02)
    done = run_path(bars, decider(Dip, {}, bars), execution, cash=1_000.0)
    assert len(done.trades) > 5
    # Each entry is at the open after the bar in which the stop was hit.
    assert (done.trades.entry_row[1:] == done.trades.exit_row[:-1] + 1).all()
    assert run(bars, done.target, execution, cash=1_000.0).digest() == done.digest()
