from dataclasses import dataclass

import numpy as np
import pytest

from tallow.core.indicators import sma
from tallow.core.strategies import Int, Strategy, decider
from tallow.domain.errors import UserError


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
    assert (answers[0], answers[4]) == (1.0, 1.0)


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
