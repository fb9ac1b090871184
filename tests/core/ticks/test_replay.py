import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.orders.session import amend_message, message_of
from tallow.core.ticks import prepare_ticks, run_ticks
from tallow.core.ticks.replay import run_sent_ticks
from tallow.domain.columns import FundingRates, Ticks
from tallow.domain.errors import UserError
from tallow.domain.orders import Amendment, Latency, Order, Side, Target, TickRules
from tallow.domain.results import EXIT_REASONS
from tallow.domain.scene import Execution
from tallow.domain.sent import Sent
from tallow.domain.venue_rules import RuleBook, VenueRules

FREE = Execution(maker_fee=0.0, taker_fee=0.0, allow_short=True)


def tape_of(prices, quantity=100.0, funding=None):
    time = 10 * np.arange(1, len(prices) + 1)
    price = np.array(prices, float)
    ticks = Ticks(time, time, time, price, np.full(len(price), quantity), price > 0)
    return prepare_ticks(ticks, funding=funding)


def sent_of(count, *messages):
    def plain(one):
        if isinstance(one, Amendment):
            return amend_message(one)
        return [float(one), *[0.0] * 12] if isinstance(one, int) else message_of(one)

    rows = np.array([plain(one) for _, one in messages]).reshape(-1, 13)
    return Sent(np.array([row for row, _ in messages], np.int64), rows, count)


KINDS = [
    Order(Side.BUY, 2.0), Order(Side.BUY, 3.0, "limit", price=99.5), Order(Side.SELL, 1.0, "stop", trigger=99.0),
    Target(0.5), Target(0.0), Amendment(1, price=100.5), Amendment(2, quantity=1.0), 1, 2,
]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([99.0, 99.5, 100.0, 100.5, 101.0]), min_size=5, max_size=30),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(KINDS)), max_size=10),
    st.sampled_from([0, 7, 25]),
)
def test_what_was_sent_runs_as_a_strategy_that_sends_it(prices, sent, late):
    sent = sorted(sent, key=lambda one: one[0])
    tape = tape_of(prices, 2.0, FundingRates(np.array([25, 60]), np.array([0.01, -0.02])))
    moments, how = np.array([5, 20, 45, 45, 90, 400]), TickRules(Latency(order=late))

    def decide(place, desk):
        for row, one in sent:
            if row != place:
                continue
            if isinstance(one, Amendment):
                desk.amend(one.id, quantity=one.quantity, price=one.price, trigger=one.trigger)
            elif isinstance(one, int):
                desk.cancel(one)
            else:
                desk.submit(one)

    asked = run_ticks(tape, decide, FREE, cash=1_000.0, at=moments, rules=how)
    again = run_sent_ticks(tape, (sent_of(6, *sent), moments), FREE, cash=1_000.0, rules=how)
    assert again.run.digest() == asked.run.digest()
    assert again.orders.state.tobytes() == asked.orders.state.tobytes()


def test_orders_follow_the_rules_of_the_venue():
    book = RuleBook((VenueRules(0, lot_size=2.0), VenueRules(35, lot_size=3.0)))
    sent = sent_of(3, (0, Order(Side.BUY, 5.0)), (1, Order(Side.BUY, 5.0)), (2, Order(Side.BUY, 5.0)))
    done = run_sent_ticks(tape_of([100] * 6), (sent, np.array([10, 30, 40])), FREE, cash=10_000.0, book=book)
    # The second is sent under lots of 2 and put under those of 3, which begin before the trade it meets.
    assert done.run.fills.time.tolist() == [20, 40, 50]
    assert done.run.fills.quantity.tolist() == [4.0, 3.0, 3.0]
    same = RuleBook((VenueRules(0), VenueRules(20), VenueRules(35)))
    plain, ruled = (
        run_sent_ticks(tape_of([100] * 6), (sent, np.array([10, 30, 40])), FREE, cash=10_000.0, book=one)
        for one in (None, same)
    )
    assert plain.run.digest() == ruled.run.digest()


def test_a_higher_maintenance_margin_liquidates():
    leveraged = Execution(maker_fee=0.0, taker_fee=0.0, leverage=5.0, liquidation_fee=0.0)
    book = RuleBook((VenueRules(0), VenueRules(35, maintenance_margin=0.15)))
    sent = sent_of(1, (0, Order(Side.BUY, 50.0)))
    tape = tape_of([100, 100, 94, 94, 94])
    done = run_sent_ticks(tape, (sent, np.array([10])), leveraged, cash=1_000.0, book=book)
    assert done.run.fills.time.tolist() == [20, 40]
    assert EXIT_REASONS[done.run.fills.reason[1]] == "liquidation"


def test_every_row_has_its_moment():
    with pytest.raises(UserError, match="moments for 1 rows"):
        run_sent_ticks(tape_of([1.0]), (sent_of(2), np.array([1])), FREE, cash=1.0)
    assert len(run_sent_ticks(tape_of([1.0]), (sent_of(1), np.array([1])), FREE, cash=1.0).run.fills) == 0
