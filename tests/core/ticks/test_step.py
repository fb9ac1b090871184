"""The rules of orders on trades, each with numbers that can be checked by hand. docs/orders.md names every test."""

import numpy as np
import pytest

from tallow.core.ticks import prepare_ticks, run_ticks
from tallow.domain.columns import FundingRates, Ticks
from tallow.domain.orders import Latency, Order, Quotes, Side, Target, TickRules
from tallow.domain.results import EXIT_REASONS
from tallow.domain.scene import Execution

BUY, SELL = Side.BUY, Side.SELL
FIRST = 10  # every strategy here decides when the first trade, at 10, has reached it


def make_ticks(rows):
    """Rows of (time, price, quantity, whether the taker sold)."""
    time = np.array([row[0] for row in rows])
    price, quantity = (np.array([row[i] for row in rows], float) for i in (1, 2))
    return Ticks(time, time, time, price, quantity, np.array([row[3] for row in rows]))


def play(rows, sent, *, quotes=None, rules=None, at=(FIRST,), funding=None, **settings):
    """Run what is sent at each moment: orders, numbers to cancel, dicts to amend, or brackets (entry, stop, limit)."""

    def decide(place, desk):
        for message in sent[place]:
            if isinstance(message, int):
                desk.cancel(message)
            elif isinstance(message, dict):
                desk.amend(**message)
            elif isinstance(message, tuple):
                desk.bracket(*message)
            else:
                desk.submit(message)

    execution = Execution(**{"maker_fee": 0.0, "taker_fee": 0.0, "allow_short": True, **settings})
    tape = prepare_ticks(
        make_ticks([(FIRST, 100, 1, True), *rows]), quotes and Quotes(*map(np.array, quotes)), funding=funding
    )
    return run_ticks(tape, decide, execution, cash=10_000.0, at=np.array(at), rules=rules or TickRules())


def fills(done):
    log = done.run.fills
    columns = (done.fill_order, log.time, log.quantity, log.price)
    return [tuple(round(float(value), 9) for value in row) for row in zip(*columns, strict=True)]


def told(done, number):
    status = done.orders[number - 1]
    return status.state, status.reason


# Latency


def test_messages_take_their_time():
    rows = [(20, 101, 5, False), (30, 102, 5, False), (40, 103, 5, False)]
    assert fills(play(rows, [[Order(BUY, 1)]], rules=TickRules(Latency(order=20)))) == [(1, 30, 1, 102)]
    # The first trade reaches the strategy at 15: it decides then, and its order arrives at 35.
    slow = TickRules(Latency(order=20, data=5))
    assert fills(play(rows, [[Order(BUY, 1)]], rules=slow, at=(15,))) == [(1, 40, 1, 103)]


def test_a_strategy_sees_only_what_has_reached_it():
    seen = []

    def decide(place, desk):
        seen.append((desk.time, desk.row, desk.price, desk.position))

    tape = prepare_ticks(make_ticks([(10, 100, 1, True), (20, 101, 1, True), (30, 102, 1, True)]))
    rules = TickRules(Latency(data=5))
    run_ticks(tape, decide, Execution(), cash=1.0, at=np.array([12, 15, 34, 90]), rules=rules)
    assert seen[1:] == [(15, 0, 100, 0), (34, 1, 101, 0), (90, 2, 102, 0)]
    assert (seen[0][:2], np.isnan(seen[0][2])) == ((12, -1), True)


def test_an_order_may_fill_while_its_cancellation_travels():
    rows = [(20, 99.5, 1, True), (30, 98, 1, True), (60, 98, 1, True)]
    order = Order(BUY, 1, "limit", price=99.0)
    slow = TickRules(Latency(order=9))
    filled = play(rows, [[order], [1]], rules=slow, at=(FIRST, 22))
    assert (fills(filled), told(filled, 1)) == ([(1, 30, 1, 99)], ("filled", ""))
    in_time = play(rows, [[order], [1]], rules=slow, at=(FIRST, 21))
    assert (fills(in_time), told(in_time, 1)) == ([], ("cancelled", "asked"))


# Market


def test_a_market_order_fills_at_the_next_trades_up_to_their_quantity():
    rows = [(20, 101, 2, False), (30, 102, 0.5, True), (40, 103, 9, True)]
    done = play(rows, [[Order(BUY, 4)]], rules=TickRules(half_spread=0.5), taker_fee=0.01)
    assert fills(done) == [(1, 20, 2, 101.5), (1, 30, 0.5, 102.5), (1, 40, 1.5, 103.5)]
    assert done.run.fills.fee.sum() == pytest.approx(0.01 * (203 + 51.25 + 155.25))
    assert done.orders[0].average_price == pytest.approx(409.5 / 4)


def test_what_is_left_of_a_limit_that_takes_takes_on_while_the_market_is_there():
    rows = [(20, 100, 1, False), (30, 100, 1, True), (40, 111, 1, False), (50, 109, 5, True)]
    done = play(rows, [[Order(BUY, 4, "limit", price=110.0)]], taker_fee=0.01)
    # Twice as a taker; then the market has left its price, so it rests there and is a maker.
    assert fills(done) == [(1, 20, 1, 100), (1, 30, 1, 100), (1, 50, 2, 110)]
    assert done.run.fills.fee.tolist() == pytest.approx([1.0, 1.0, 0.0])


def test_participation_limits_and_none_lifts_the_limit():
    rows = [(20, 101, 2, False), (30, 102, 4, False)]
    half = play(rows, [[Order(BUY, 3)]], rules=TickRules(participation=0.5))
    assert fills(half) == [(1, 20, 1, 101), (1, 30, 2, 102)]
    assert fills(play(rows, [[Order(BUY, 3)]], rules=TickRules(participation=None))) == [(1, 20, 3, 101)]


def test_with_quotes_a_market_order_pays_the_ask_and_gets_the_bid():
    quotes = ([15, 25], [100.5, 101.5], [101.5, 102.5], [1.0, 1.0], [1.0, 1.0])
    rows = [(20, 101, 9, False), (30, 102, 9, False)]
    done = play(rows, [[Order(BUY, 1)], [Order(SELL, 2)]], quotes=quotes, at=(FIRST, 20), slippage_bps=100)
    assert fills(done) == [(1, 20, 1, 102.515), (2, 30, -1, 100.485), (2, 30, -1, 100.485)]


def test_before_the_first_quote_the_trade_and_half_a_spread_count():
    quotes = ([500], [1.0], [2.0], [1.0], [1.0])
    done = play([(20, 101, 9, False)], [[Order(BUY, 1)]], quotes=quotes, rules=TickRules(half_spread=0.25))
    assert fills(done) == [(1, 20, 1, 101.25)]


def test_a_target_is_sized_at_the_trade_it_meets():
    rows = [(20, 125, 1, False), (30, 125, 1, False)]
    done = play(rows, [[Target(0.5)], [Target(-0.1)]], at=(FIRST, 20), rules=TickRules(half_spread=5.0))
    assert fills(done)[0] == (1, 20, round(5_000 / 130, 9), 130)
    assert [row[3] for row in fills(done)[1:]] == [120, 120]


def test_immediate_and_whole_orders_end_at_their_first_trade():
    rows = [(20, 101, 2, False), (30, 101, 9, False)]
    sent = [[Order(BUY, 3, validity="fok"), Order(BUY, 3, validity="ioc")]]
    done = play(rows, sent)
    assert fills(done) == [(2, 20, 2, 101)]
    assert [told(done, n) for n in (1, 2)] == [("cancelled", "not_filled_at_once")] * 2


# Limit


def test_a_resting_limit_fills_at_its_price_when_a_trade_goes_through_it():
    rows = [(20, 100, 1, True), (30, 99, 5, True), (40, 98.5, 2, True), (50, 98, 9, False)]
    done = play(rows, [[Order(BUY, 3, "limit", price=99.0)]], maker_fee=0.01, taker_fee=0.5)
    assert fills(done) == [(1, 40, 2, 99), (1, 50, 1, 99)]
    assert done.run.fills.fee.sum() == pytest.approx(0.01 * 3 * 99)


def test_a_limit_that_meets_the_market_takes():
    order = Order(BUY, 1, "limit", price=99.0)
    without = play([(20, 98, 5, True)], [[order]], taker_fee=0.01, rules=TickRules(half_spread=0.5))
    assert fills(without) == [(1, 20, 1, 98.5)]
    assert without.run.fills.fee.tolist() == pytest.approx([0.985])
    quotes = ([15], [98.0], [99.0], [1.0], [1.0])
    assert fills(play([(20, 98, 5, True)], [[order]], quotes=quotes)) == [(1, 20, 1, 99)]
    capped = play([(20, 98.9, 5, True)], [[order]], rules=TickRules(half_spread=0.5))
    assert fills(capped) == [(1, 20, 1, 99)]


def test_a_limit_that_must_fill_at_once_ends_where_the_market_is_away():
    done = play([(20, 100, 5, True)], [[Order(BUY, 1, "limit", price=99.0, validity="ioc")]])
    assert told(done, 1) == ("cancelled", "not_filled_at_once")


def test_post_only_is_rejected_when_the_quote_meets_it():
    order = Order(BUY, 1, "limit", price=99.0, validity="post_only")
    quotes = ([15], [98.0], [99.0], [1.0], [1.0])
    assert told(play([(20, 98.5, 5, True)], [[order]], quotes=quotes), 1) == ("rejected", "would_take")
    assert told(play([(20, 99, 5, True)], [[order]]), 1) == ("rejected", "would_take")
    assert told(play([(20, 99.5, 5, True)], [[order]]), 1) == ("working", "")


@pytest.mark.parametrize(
    ("queue", "price", "expected"),
    [
        (None, 99.0, [(1, 70, 3, 99)]),  # only through
        (0.0, 99.0, [(1, 30, 2, 99), (1, 50, 1, 99)]),
        (1.0, 99.0, [(1, 50, 2, 99), (1, 60, 1, 99)]),  # 4 ahead: 2 at 30, 2 of the 4 at 50
        (0.5, 99.0, [(1, 50, 3, 99)]),  # 2 ahead, gone at 30
        (1.0, 99.5, [(1, 30, 2, 99.5), (1, 40, 1, 99.5)]),  # betters the best bid: first in the line
        (1.0, 98.5, []),  # behind it: what stands there is not known
    ],
)
def test_the_queue_ahead_trades_first(queue, price, expected):
    quotes = ([15], [99.0], [100.0], [4.0], [4.0])
    rows = [(20, 100, 9, False), (30, 99, 2, True), (40, 99, 9, False), (50, 99, 4, True), (60, 99, 1, True)]
    done = play([*rows, (70, 98.5, 9, True)], [[Order(BUY, 3, "limit", price=price)]], quotes=quotes,
                rules=TickRules(queue=queue))  # fmt: skip
    assert fills(done) == expected


def test_the_first_of_every_queue_needs_no_quotes():
    rows = [(20, 100, 9, False), (30, 99, 2, True), (40, 99, 9, True)]
    done = play(rows, [[Order(BUY, 3, "limit", price=99.0)]], rules=TickRules(queue=0.0))
    assert fills(done) == [(1, 30, 2, 99), (1, 40, 1, 99)]


def test_an_order_that_arrived_before_a_trade_meets_it():
    quotes = ([15], [98.0], [101.0], [4.0], [4.0])
    done = play([(20, 98, 9, True)], [[Order(BUY, 3, "limit", price=99.0)]], quotes=quotes)
    assert fills(done) == [(1, 20, 3, 99)]


def test_where_nothing_is_shown_a_queue_needs_a_trade_through_the_price():
    rows = [(20, 100, 9, False), (30, 99, 9, True), (40, 98, 9, True)]
    done = play(rows, [[Order(BUY, 3, "limit", price=99.0)]], rules=TickRules(queue=1.0))
    assert fills(done) == [(1, 40, 3, 99)]


def test_without_a_limit_of_volume_the_whole_order_fills_behind_its_queue():
    quotes = ([15], [99.0], [100.0], [4.0], [4.0])
    rows = [(20, 100, 9, False), (30, 99, 4, True), (40, 99, 1, True)]
    rules = TickRules(queue=1.0, participation=None)
    done = play([*rows, (50, 99, 1, True)], [[Order(BUY, 3, "limit", price=99.0)]], quotes=quotes, rules=rules)
    assert fills(done) == [(1, 40, 3, 99)]


# Stops


def test_a_stop_is_triggered_by_a_trade_and_fills_at_the_next():
    rows = [(20, 95, 9, True), (30, 94, 9, True), (40, 93, 9, True)]
    assert fills(play(rows, [[Order(SELL, 1, "stop", trigger=95.0)]])) == [(1, 30, -1, 94)]
    assert fills(play(rows, [[Order(BUY, 1, "take_profit", trigger=94.0)]])) == [(1, 40, 1, 93)]
    stop_limit = Order(SELL, 1, "stop_limit", price=94.5, trigger=95.0)
    assert fills(play([*rows, (50, 94.6, 9, False)], [[stop_limit]])) == [(1, 50, -1, 94.5)]


def test_a_trailing_stop_follows_trades():
    rows = [(20, 110, 9, True), (30, 100, 9, True), (40, 98.9, 9, True), (50, 97, 9, True)]
    assert fills(play(rows, [[Order(SELL, 1, "trailing_stop", trail=0.1)]])) == [(1, 50, -1, 97)]
    falling = [(20, 90, 9, True), (30, 95, 9, True), (40, 99.1, 9, True), (50, 100, 9, True)]
    assert fills(play(falling, [[Order(BUY, 1, "trailing_stop", trail=0.1)]])) == [(1, 50, 1, 100)]


def test_a_trailing_stop_sent_before_the_first_trade_starts_with_it():
    done = play([(20, 90, 9, True), (30, 89, 9, True)], [[Order(SELL, 1, "trailing_stop", trail=0.1)]], at=(5,))
    assert fills(done) == [(1, 30, -1, 89)]


def test_a_bracket_on_trades():
    rows = [(20, 98, 9, True), (30, 104, 9, False), (40, 106, 9, False)]
    done = play(rows, [[(Order(BUY, 1, "limit", price=99.0), 95.0, 105.0)]])
    assert fills(done) == [(1, 20, 1, 98), (3, 40, -1, 105)]
    assert told(done, 2) == ("cancelled", "other_filled")


def test_expiry_and_exits_of_the_execution():
    rows = [(20, 100, 9, True), (30, 94, 9, True), (40, 90, 9, True)]
    sent = [[Order(BUY, 1), Order(BUY, 1, "limit", price=93.0, good_till=40)]]
    done = play(rows, sent, stop_loss=0.05)
    assert fills(done) == [(1, 20, 1, 100), (0, 30, -1, 94)]
    assert told(done, 2) == ("expired", "good_till")


def test_trades_without_quantity_fill_nothing():
    done = play([(20, 90, 0, True), (30, 91, 1, True)], [[Order(BUY, 1)]])
    assert fills(done) == [(1, 30, 1, 91)]


# Marks


def test_marks_are_made_at_a_fixed_spacing():
    rows = [(130, 101, 9, True), (140, 102, 9, True), (350, 104, 9, True)]
    done = play(rows, [[Order(BUY, 1)]], rules=TickRules(mark_every=100))
    assert done.run.time.tolist() == [0, 100, 200, 300]
    assert done.run.equity.tolist() == [10_000, 10_001, 10_001, 10_003]
    assert done.run.position.tolist() == [0, 1, 1, 1]
    assert (done.run.fills.row.tolist(), done.run.fills.time.tolist()) == ([1], [130])
    trades = done.run.trades
    assert (trades.entry_row.tolist(), trades.exit_row.tolist()) == ([1], [3])
    assert (trades.entry_time.tolist(), trades.exit_time.tolist()) == ([130], [350])


# Amendments


def test_an_amendment_travels_and_the_order_may_fill_under_its_old_terms():
    rows = [(20, 100, 5, True), (25, 98, 1, True), (40, 97, 5, True), (50, 95, 5, True)]
    late, bid = TickRules(Latency(order=10)), Order(BUY, 3, "limit", price=99.0)
    sent = [[bid], [{"number": 1, "price": 96.0}]]
    assert fills(play(rows, sent, rules=late, at=(FIRST, 20))) == [(1, 25, 1, 99), (1, 50, 2, 96)]
    # Two on their way: each counts from its own arrival on. The second finds the market through it, and takes.
    sent = [[bid], [{"number": 1, "price": 90.0}], [{"number": 1, "price": 97.5}]]
    assert fills(play(rows, sent, rules=late, at=(FIRST, 12, 25))) == [(1, 40, 3, 97)]


def test_a_new_price_begins_a_new_queue_and_a_smaller_quantity_keeps_the_place_in_it():
    book = ([0], [99.0], [101.0], [4.0], [4.0])  # four are shown at 99
    rows = [(20, 99, 3, True), (30, 99, 3, True), (40, 99, 3, True)]
    queue, bid = TickRules(queue=1.0), Order(BUY, 2, "limit", price=99.0)
    # Four trade first: three at 20, one at 30; then two are filled.
    assert fills(play(rows, [[bid]], quotes=book, rules=queue)) == [(1, 30, 2, 99)]
    less = [[bid], [{"number": 1, "quantity": 1.0}]]
    assert fills(play(rows, less, quotes=book, rules=queue, at=(FIRST, 20))) == [(1, 30, 1, 99)]
    more = [[bid], [{"number": 1, "quantity": 2.5}]]
    assert fills(play(rows, more, quotes=book, rules=queue, at=(FIRST, 20))) == [(1, 40, 2, 99)]


def test_an_order_with_a_new_price_may_take():
    rows = [(20, 100, 5, True), (30, 100, 5, True)]
    sent = [[Order(BUY, 2, "limit", price=95.0)], [{"number": 1, "price": 101.0}]]
    done = play(rows, sent, at=(FIRST, 20), taker_fee=0.01)
    assert fills(done) == [(1, 30, 2, 100)]
    assert done.run.fills.fee.tolist() == [2.0]


def test_amendments_on_their_way_are_no_orders():
    seen = []
    tape = prepare_ticks(make_ticks([(10, 100, 1, True), (20, 100, 1, True), (30, 100, 1, True)]))

    def decide(place, desk):
        seen.append((desk.working, len(desk.orders())))
        if place == 0:
            desk.submit(Order(BUY, 1, "limit", price=90.0))
        else:
            desk.amend(1, price=91.0)

    done = run_ticks(
        tape, decide, Execution(), cash=1_000.0, at=np.array([10, 15, 20]), rules=TickRules(Latency(order=50))
    )
    assert seen == [(0, 0), (1, 1), (1, 1)]
    assert (len(done.orders), done.orders[0].state) == (1, "working")


# Funding


def test_funding_is_charged_at_its_time_to_what_is_held_then_at_the_last_price():
    rows = [(20, 100, 5, False), (30, 110, 5, False), (40, 120, 5, False), (50, 130, 5, False)]
    bought = [[Order(BUY, 2)], [Order(SELL, 2)]]

    def paid(*rates):
        times, values = zip(*rates, strict=True)
        done = play(rows, bought, at=(FIRST, 30), funding=FundingRates(np.array(times), np.array(values)))
        assert done.run.trades.funding.sum() + done.run.trades.profit.sum() == pytest.approx(40.0)
        return done.run.trades.funding.tolist()

    # Bought at 20, sold at 40. A payment meets the position before any trade of its own moment.
    assert paid((20, 0.01)) == [0.0]
    assert paid((21, 0.01)) == [2.0]
    assert paid((30, 0.01)) == [2.0]
    assert paid((31, 0.01), (31, 0.02)) == pytest.approx([6.6])
    assert paid((40, -0.01)) == [-2.2]
    assert paid((41, 0.01)) == [0.0]
    assert paid((5, 0.01), (25, 0.01), (99, 0.01)) == [2.0]


def test_funding_may_liquidate():
    rows = [(20, 100, 50, False), (30, 100, 50, False), (40, 100, 50, False)]
    funding = FundingRates(np.array([25]), np.array([0.2]))
    done = play(rows, [[Order(BUY, 50)]], funding=funding, leverage=5.0, maintenance_margin=0.01, liquidation_fee=0.0)
    assert [row[1] for row in fills(done)] == [20, 30]
    assert EXIT_REASONS[done.run.fills.reason[1]] == "liquidation"
