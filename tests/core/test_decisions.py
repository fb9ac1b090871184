import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.decisions import carry_out, decide_all, measure
from tallow.core.engine import prepare, run, run_path, summarize
from tallow.core.strategies import Outbox, Strategy, decider
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.errors import UserError
from tallow.domain.fill_rules import FillRules, Terms
from tallow.domain.orders import REASONS, STATES, Order, Side
from tallow.domain.scene import Execution
from tallow.domain.sent import Sent, sent_of
from tallow.domain.timeframes import HOUR
from tallow.domain.venue_rules import RuleBook, VenueRules

COSTS = Execution(maker_fee=0.0002, taker_fee=0.001, slippage_bps=2.0)


def walk(count, seed=3):
    draw = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.01, count)))
    opened = np.concatenate(([100.0], close[:-1]))
    high, low = np.maximum(opened, close) * 1.003, np.minimum(opened, close) * 0.997
    return Bars.of(np.arange(count) * HOUR, (opened, high, low, close, draw.uniform(1e3, 9e3, count)))


class Targets(Strategy):
    """Sets a target now and then."""

    every = 7

    def next(self):
        if len(self.bars) % self.every == 0:
            self.target = (len(self.bars) // self.every) % 3 / 2
        elif len(self.bars) % 31 == 0:
            self.target = self.target


class Late(Targets):
    """Does the same, and sends its first order late."""

    first = 60

    def next(self):
        if len(self.bars) < self.first:
            super().next()
        elif len(self.bars) == self.first:
            self.entry = self.submit(Order(Side.BUY, 0.5, "limit", price=self.bars.close[-1] * 0.99))
        elif len(self.bars) == self.first + 4:
            self.cancel(self.entry)


def decided(strategy, bars, execution=COSTS, **parameters):
    outbox = Outbox()
    asked = decider(strategy, parameters, bars, None, outbox), outbox
    return decide_all(bars, asked, execution, cash=1_000.0)


def test_without_orders_it_is_the_target_engine():
    bars = walk(200)
    found = decided(Targets, bars)
    assert isinstance(found, np.ndarray)
    expected = run_path(bars, decider(Targets, {}, bars), COSTS, cash=1_000.0)
    np.testing.assert_array_equal(found, expected.target)
    assert carry_out(bars, found, COSTS, cash=1_000.0).run.digest() == run(bars, found, COSTS, cash=1_000.0).digest()
    assert carry_out(bars, found, COSTS, cash=1_000.0).orders is None


@settings(max_examples=12, deadline=None)
@given(first=st.integers(1, 110), stop=st.sampled_from([None, 0.01]), seed=st.integers(0, 5))
def test_up_to_its_first_order_a_strategy_has_the_run_to_targets(first, stop, seed):
    bars, execution = walk(120, seed), Execution(taker_fee=0.001, stop_loss=stop)
    sent = decided(Late, bars, execution, first=first)
    assert isinstance(sent, Sent)
    plain = run_path(bars[:first], decider(Targets, {}, bars[:first]), execution, cash=1_000.0)
    done = carry_out(bars, sent, execution, cash=1_000.0)
    np.testing.assert_array_equal(done.run.equity[:first], plain.equity)
    np.testing.assert_array_equal(done.run.position[:first], plain.position)
    order = done.orders[int(np.flatnonzero(done.orders.row == first - 1)[0])]
    assert order.state in ("filled", "cancelled", "working", "rejected")


def test_targets_as_messages_are_the_same_run_and_the_same_summary():
    bars = walk(300)
    market, targets = prepare(bars, FundingRates(np.array([50 * HOUR]), np.array([1e-4]))), decided(Targets, bars)
    found = carry_out(market, sent_of(targets), COSTS, cash=1_000.0)
    assert found.run.digest() == run(market, targets, COSTS, cash=1_000.0).digest()
    scalars = measure(market, sent_of(targets), COSTS, cash=1_000.0, periods_per_year=365.0)
    expected = summarize(market, targets, COSTS, cash=1_000.0, periods_per_year=365.0)
    assert measure(market, targets, COSTS, cash=1_000.0, periods_per_year=365.0) == expected
    np.testing.assert_allclose(scalars, expected, rtol=1e-9)
    assert scalars[:6] == expected[:6]


def test_an_infinite_target_is_refused_and_begins_no_orders():
    class Endless(Strategy):
        def next(self):
            self.target = math.inf

    with pytest.raises(UserError) as caught:
        decided(Endless, walk(5))
    assert caught.value.code == "TARGET_TOO_LARGE"


def test_a_strategy_sees_its_orders_and_targets_stand_behind_them():
    seen = []

    class Watches(Strategy):
        def next(self):
            seen.append([order.id for order in self.orders()])
            if len(self.bars) == 2:
                self.target = 0.5
                self.submit(Order(Side.BUY, 1.0, "limit", price=1.0))

    sent = decided(Watches, walk(4))
    assert seen == [[], [], [1], [1]]
    assert sent.words(1) == "buy 1 limit 1; target 0.5"


def test_messages_belong_to_their_bars():
    with pytest.raises(UserError, match="messages for 5 bars, 4 bars"):
        carry_out(walk(4), sent_of(np.ones(5)), COSTS, cash=1_000.0)


RULES = RuleBook((VenueRules(0, lot_size=0.5), VenueRules(50 * HOUR, lot_size=2.0, tick_size=1.0)))


def test_rules_that_change_hold_when_deciding_and_when_carrying_out():
    bars, seen = walk(120), []

    class Watching(Targets):
        def next(self):
            seen.append(self.position)
            super().next()

    outbox = Outbox()
    asked = decider(Watching, {}, bars, None, outbox), outbox
    targets = decide_all(bars, asked, COSTS, cash=1_000.0, terms=Terms(RULES))
    done = carry_out(bars, targets, COSTS, cash=1_000.0, terms=Terms(RULES))
    assert done.orders is None
    assert done.run.digest() != run(bars, targets, COSTS, cash=1_000.0).digest()
    assert seen == done.run.position.tolist()


def test_orders_follow_rules_that_change_when_deciding_and_when_carrying_out():
    bars, outbox, terms = walk(80), Outbox(), Terms(RULES, FillRules(participation=0.5))
    asked = decider(Late, {}, bars, None, outbox), outbox
    sent = decide_all(bars, asked, COSTS, cash=1_000.0, terms=terms)
    assert isinstance(sent, Sent)
    done, log = carry_out(bars, sent, COSTS, cash=1_000.0, terms=terms)
    assert (log.reason[-1], log.state[-1]) == (REASONS.index("too_small"), STATES.index("rejected"))
    bought = done.fills.quantity[(done.fills.row > 50) & (done.fills.quantity > 0)]
    assert len(bought)
    assert (bought % 2.0).tolist() == [0.0] * len(bought)
    numbers = measure(prepare(bars), sent, COSTS, cash=1_000.0, periods_per_year=1.0, terms=terms)
    assert numbers.final_equity == done.equity[-1]
    assert numbers.final_equity != measure(prepare(bars), sent, COSTS, cash=1_000.0, periods_per_year=1.0).final_equity


def test_up_to_its_first_order_a_strategy_has_the_run_to_targets_under_the_rules():
    bars, outbox = walk(80), Outbox()
    asked = decider(Late, {}, bars, None, outbox), outbox
    sent = decide_all(bars, asked, COSTS, cash=1_000.0, terms=Terms(RULES))
    targets = np.full(80, np.nan)
    before = sent.row < 59
    targets[sent.row[before]] = sent.column("target")[before]
    plain = run(bars, targets, COSTS, cash=1_000.0, rules=RULES)
    done = carry_out(bars, sent, COSTS, cash=1_000.0, terms=Terms(RULES)).run
    assert done.equity[:60].tobytes() == plain.equity[:60].tobytes()
