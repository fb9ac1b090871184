"""The rules of orders on bars, each with numbers that can be checked by hand. docs/orders.md names every test."""

import numpy as np
import pytest

from tallow.core.engine import prepare
from tallow.core.orders import run_orders
from tallow.domain.columns import Bars
from tallow.domain.orders import KINDS, REASONS, STATES, FillRules, Order, Side, Target
from tallow.domain.results import EXIT_REASONS
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE

FLAT = (100, 100, 100, 100)
BUY, SELL = Side.BUY, Side.SELL


def make_bars(rows):
    table = np.array([(*row, 1_000.0) if len(row) == 4 else row for row in rows], float)
    return Bars.of(np.arange(len(rows)) * MINUTE, tuple(table.T))


def play(rows, sent, *, cash=10_000.0, rules=None, **settings):
    """Run orders sent at the closes of rows; a number cancels, a tuple (entry, stop, limit) is a bracket."""

    def decide(row, desk):
        for message in sent.get(row, ()):
            if isinstance(message, int):
                desk.cancel(message)
            elif isinstance(message, tuple):
                desk.bracket(*message)
            else:
                desk.submit(message)

    execution = Execution(**{"maker_fee": 0.0, "taker_fee": 0.0, "allow_short": True, **settings})
    return run_orders(prepare(make_bars(rows)), decide, execution, cash=cash, rules=rules or FillRules())


def fills(done):
    log = done.run.fills
    columns = (done.fill_order, log.row, log.quantity, log.price)
    return [tuple(round(float(value), 9) for value in row) for row in zip(*columns, strict=True)]


def told(done, number):
    status = done.orders[number - 1]
    return status.state, status.reason


# Market


def test_a_market_order_fills_at_the_next_open_with_slippage_and_the_takers_fee():
    done = play([FLAT, (110, 120, 105, 115)], {0: [Order(BUY, 2)]}, slippage_bps=100, taker_fee=0.01)
    assert fills(done) == [(1, 1, 2, 111.1)]
    assert done.run.fills.fee.tolist() == pytest.approx([2 * 111.1 * 0.01])
    assert done.run.fills.slippage.tolist() == pytest.approx([2.2])
    assert told(done, 1) == ("filled", "")


def test_a_market_order_waits_for_a_bar_with_volume_and_is_counted_once():
    done = play([FLAT, (*FLAT, 0), (*FLAT, 0), (105, 105, 105, 105, 3)], {0: [Order(BUY, 2)]})
    assert fills(done) == [(1, 3, 2, 105)]
    assert done.run.rejected_orders == 1


def test_a_target_is_sized_when_it_fills():
    done = play([FLAT, (80, 80, 80, 80)], {0: [Target(0.5)]})
    assert fills(done) == [(1, 1, 62.5, 80)]


def test_a_new_target_replaces_one_that_waits():
    done = play([FLAT, (*FLAT, 0), FLAT], {0: [Target(1.0)], 1: [Target(0.5)]})
    assert fills(done) == [(2, 2, 50, 100)]
    assert told(done, 1) == ("cancelled", "replaced")


def test_a_target_too_small_to_send_is_rejected():
    done = play([FLAT, FLAT], {0: [Target(0.001)]}, min_notional=100.0)
    assert told(done, 1) == ("rejected", "too_small")


def test_a_target_tells_its_average_without_fees_and_wakes_its_exits():
    rows = [FLAT, (80, 80, 80, 80), (80, 81, 75, 76)]
    exit_ = Order(SELL, 1e9, "stop", trigger=76.0, reduce_only=True, parent=1)
    done = play(rows, {0: [Target(0.5), exit_]}, taker_fee=0.01)
    assert done.orders[0].average_price == pytest.approx(80)
    assert [row[:2] for row in fills(done)] == [(1, 1), (2, 2)]
    assert done.run.position[-1] == 0


# Limit


def test_a_resting_limit_fills_at_its_price_when_the_bar_trades_through_it():
    rows = [FLAT, FLAT, (100, 101, 98.9, 100)]
    assert fills(play(rows, {0: [Order(BUY, 1, "limit", price=99.0)]}, maker_fee=0.001)) == [(1, 2, 1, 99)]
    assert fills(play(rows, {0: [Order(SELL, 1, "limit", price=100.5)]})) == [(1, 2, -1, 100.5)]


@pytest.mark.parametrize(("touch", "count"), [(False, 0), (True, 1)])
def test_a_touch_fills_only_where_the_rules_say_so(touch, count):
    rows = [FLAT, FLAT, (100, 100, 99, 100)]
    done = play(rows, {0: [Order(BUY, 1, "limit", price=99.0)]}, rules=FillRules(touch_fills=touch))
    assert len(fills(done)) == count


def test_a_resting_limit_fills_at_an_open_that_is_through_it_as_a_maker():
    rows = [FLAT, FLAT, (97, 98, 96, 97)]
    done = play(rows, {0: [Order(BUY, 1, "limit", price=99.0)]}, maker_fee=0.01, taker_fee=0.5, slippage_bps=50)
    assert fills(done) == [(1, 2, 1, 97)]
    assert done.run.fills.fee.tolist() == pytest.approx([0.97])


def test_a_new_limit_that_the_open_is_through_takes_and_never_pays_more_than_its_price():
    rows = [FLAT, (99, 99, 99, 99)]
    done = play(rows, {0: [Order(BUY, 1, "limit", price=99.3)]}, taker_fee=0.01, slippage_bps=20)
    assert fills(done) == [(1, 1, 1, 99.198)]
    assert done.run.fills.fee.tolist() == pytest.approx([0.99198])
    capped = play(rows, {0: [Order(BUY, 1, "limit", price=99.1)]}, slippage_bps=20)
    assert fills(capped) == [(1, 1, 1, 99.1)]


def test_the_orders_share_a_part_of_the_volume_and_the_rest_works_on():
    rows = [(*FLAT, 10), (*FLAT, 40), (100, 100, 98, 99, 20), (100, 100, 98, 99, 8), (100, 100, 98, 99, 100)]
    sent = {0: [Order(BUY, 5, "limit", price=99.0), Order(BUY, 2, "limit", price=99.5)]}
    done = play(rows, sent, rules=FillRules(participation=0.25))
    assert fills(done) == [(1, 2, 5, 99), (2, 3, 2, 99.5)]
    tight = play(rows, sent, rules=FillRules(participation=0.125))
    assert fills(tight) == [(1, 2, 2.5, 99), (1, 3, 1, 99), (1, 4, 1.5, 99), (2, 4, 2, 99.5)]


def test_what_is_left_of_an_order_that_takes_takes_at_the_next_open():
    # A tenth of 10 at the first open; nothing more in that bar, and the rest where the next one opens, as a taker.
    rows = [(100, 100, 100, 100, 10), (100, 101, 99, 100, 1_000), (103, 104, 99, 100, 1_000)]
    done = play(rows, {0: [Order(BUY, 50, "limit", price=110.0)]}, rules=FillRules(participation=0.1), taker_fee=0.01)
    assert fills(done) == [(1, 1, 1, 100), (1, 2, 49, 103)]
    assert done.run.fills.fee.tolist() == pytest.approx([1.0, 50.47])
    # The market has left its price by then: it rests, and is a maker there.
    away = [*rows[:2], (112, 113, 109, 112, 1_000)]
    done = play(away, {0: [Order(BUY, 50, "limit", price=110.0)]}, rules=FillRules(participation=0.1), taker_fee=0.01)
    assert fills(done) == [(1, 1, 1, 100), (1, 2, 49, 110)]
    assert done.run.fills.fee.tolist() == pytest.approx([1.0, 0.0])


def test_what_is_left_of_a_triggered_stop_limit_takes_at_the_next_open():
    rows = [(100, 100, 100, 100, 1_000), (100, 101, 94, 96, 20), (95, 96, 90, 95, 1_000)]
    held = Order(BUY, 5)
    stop = Order(SELL, 5, "stop_limit", price=90.0, trigger=95.0)
    done = play([(100, 100, 100, 100, 1_000), *rows], {0: [held], 1: [stop]}, rules=FillRules(participation=0.1))
    assert fills(done) == [(1, 1, 5, 100), (2, 2, -2, 95), (2, 3, -2, 95)]  # a tenth of 20, twice


def test_the_rest_of_a_limit_behind_a_gap_fills_no_worse_than_the_open():
    rows = [(100, 100, 100, 100, 10), (100, 101, 99, 100, 10), (80, 85, 79, 84, 1_000)]
    done = play(rows, {0: [Order(BUY, 50, "limit", price=90.0)]}, rules=FillRules(participation=0.1))
    assert fills(done) == [(1, 2, 1, 80), (1, 2, 49, 80)]


def test_no_fill_lies_outside_its_bar():
    rng = np.random.default_rng(4)
    for _ in range(60):
        close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 40)))
        opened = close * np.exp(rng.normal(0, 0.01, 40))
        high = np.maximum(opened, close) * (1 + rng.uniform(0, 0.02, 40))
        low = np.minimum(opened, close) * (1 - rng.uniform(0, 0.02, 40))
        rows = [tuple(row) for row in zip(opened, high, low, close, rng.integers(0, 30, 40), strict=True)]
        sent = {}
        for row in range(0, 36, 3):
            side, near = (BUY, SELL)[int(rng.integers(2))], close[row] * rng.uniform(0.95, 1.05)
            kind = ("limit", "stop_limit")[int(rng.integers(2))]
            levels = {"price": near} | (
                {"trigger": close[row] * rng.uniform(0.97, 1.03)} if kind == "stop_limit" else {}
            )
            sent[row] = [Order(side, float(rng.integers(1, 9)), kind, good_till=(row + 6) * MINUTE, **levels)]
        log = play(rows, sent, cash=1e6, rules=FillRules(participation=0.2), leverage=5.0).run.fills
        assert (log.price <= high[log.row] * (1 + 1e-12)).all()
        assert (log.price >= low[log.row] * (1 - 1e-12)).all()


def test_a_trailing_stop_of_the_execution_begins_with_the_bar_after_an_entry_inside_one():
    # The 120 came before the fill at 95: a stop 5 % below it would sell at 97, where nothing ever trailed.
    rows = [FLAT, (100, 120, 94, 96), (97, 98, 96, 97), (97, 99, 91, 92)]
    done = play(rows, {0: [Order(BUY, 1, "limit", price=95.0)]}, trailing_stop=0.05)
    assert fills(done) == [(1, 1, 1, 95), (0, 3, -1, pytest.approx(98 * 0.95))]


def test_a_market_order_gets_a_part_of_the_volume_of_the_bar_before():
    rows = [(*FLAT, 10), (*FLAT, 4), (*FLAT, 40), (*FLAT, 1)]
    done = play(rows, {0: [Order(BUY, 5)]}, rules=FillRules(participation=0.25))
    assert fills(done) == [(1, 1, 2.5, 100), (1, 2, 1, 100), (1, 3, 1.5, 100)]


def test_what_filled_at_the_open_counts_against_the_volume_of_the_bar():
    rows = [(*FLAT, 8), (100, 100, 98, 99, 12), (*FLAT, 100)]
    sent = {0: [Order(BUY, 2), Order(BUY, 5, "limit", price=99.0)]}
    done = play(rows, sent, rules=FillRules(participation=0.25))
    assert fills(done) == [(1, 1, 2, 100), (2, 1, 1, 99)]
    assert told(done, 2) == ("part_filled", "")


# Stop, stop-limit, take-profit


def test_a_stop_becomes_a_market_order_when_it_is_touched():
    rows = [FLAT, FLAT, (100, 105, 95, 100)]
    sent = {0: [Order(BUY, 1, "stop", trigger=105.0), Order(SELL, 1, "stop", trigger=95.0)]}
    done = play(rows, sent, slippage_bps=100)
    assert fills(done) == [(1, 2, 1, 106.05), (2, 2, -1, 94.05)]


def test_a_stop_behind_a_gap_fills_at_the_open():
    done = play([FLAT, FLAT, (90, 92, 88, 91)], {0: [Order(SELL, 1, "stop", trigger=95.0)]})
    assert fills(done) == [(1, 2, -1, 90)]


def test_a_take_profit_becomes_a_market_order_when_it_is_touched_in_favour():
    rows = [FLAT, FLAT, (100, 105, 95, 100)]
    sent = {0: [Order(SELL, 1, "take_profit", trigger=105.0), Order(BUY, 1, "take_profit", trigger=95.0)]}
    assert fills(play(rows, sent, slippage_bps=100)) == [(1, 2, -1, 103.95), (2, 2, 1, 95.95)]
    gap = [FLAT, FLAT, (107, 108, 106, 107)]
    assert fills(play(gap, sent)) == [(1, 2, -1, 107)]


def test_a_stop_limit_fills_within_its_limit():
    rows = [FLAT, FLAT, (100, 106, 99, 105), (104, 105, 103, 104), (102, 103, 100.5, 101)]
    sent = {0: [Order(BUY, 1, "stop_limit", price=105.2, trigger=105.0)]}
    assert fills(play(rows, sent, slippage_bps=100)) == [(1, 2, 1, 105.2)]


def test_a_stop_limit_whose_limit_is_beyond_the_trigger_rests_from_the_next_bar():
    rows = [FLAT, FLAT, (100, 106, 99, 105), (104, 105, 103, 104), (102, 103, 100.5, 101)]
    sent = {0: [Order(BUY, 1, "stop_limit", price=103.5, trigger=105.0)]}
    assert fills(play(rows, sent)) == [(1, 3, 1, 103.5)]


def test_a_stop_limit_triggered_by_the_open_takes_there_if_its_limit_allows():
    sent = {0: [Order(BUY, 1, "stop_limit", price=108.0, trigger=105.0)]}
    assert fills(play([FLAT, FLAT, (107, 107, 107, 107)], sent)) == [(1, 2, 1, 107)]
    assert fills(play([FLAT, FLAT, (109, 109, 109, 109), (109, 109, 107, 107)], sent)) == [(1, 3, 1, 108)]


# Trailing


def test_a_trailing_stop_is_moved_only_by_finished_bars():
    rows = [FLAT, (100, 110, 100, 110), (110, 120, 100, 118), (118, 118, 107, 110)]
    sent = {0: [Order(BUY, 1), Order(SELL, 1, "trailing_stop", trail=0.1, reduce_only=True)]}
    done = play(rows, sent)
    # Bar 2 is tested against 99 (its own high of 120 counts from bar 3 on); 120 * 0.9 = 108 is touched in bar 3.
    assert fills(done) == [(1, 1, 1, 100), (2, 3, -1, 108)]
    assert EXIT_REASONS[done.run.trades.reason[0]] == "trailing_stop"


def test_a_trailing_buy_follows_the_lows():
    rows = [FLAT, (100, 100, 80, 85), (85, 88, 84, 87), (87, 90, 86, 90)]
    done = play(rows, {0: [Order(BUY, 1, "trailing_stop", trail=0.1)]})
    assert fills(done) == [(1, 2, 1, 88)]


# Validity


def test_post_only_is_rejected_when_it_would_take_and_rests_otherwise():
    order = Order(BUY, 1, "limit", price=100.0, validity="post_only")
    assert told(play([FLAT, FLAT], {0: [order]}), 1) == ("rejected", "would_take")
    rests = play([FLAT, (101, 101, 99, 100)], {0: [order]}, maker_fee=0.01, taker_fee=0.5)
    assert fills(rests) == [(1, 1, 1, 100)]
    assert rests.run.fills.fee.tolist() == [1.0]


def test_immediate_or_cancel_fills_what_is_there_and_ends():
    rows = [(*FLAT, 8), (100, 100, 90, 100, 100), FLAT]
    sent = {0: [Order(BUY, 3, validity="ioc"), Order(BUY, 1, "limit", price=95.0, validity="ioc")]}
    done = play(rows, sent, rules=FillRules(participation=0.25))
    assert fills(done) == [(1, 1, 2, 100)]
    assert [told(done, number) for number in (1, 2)] == [("cancelled", "not_filled_at_once")] * 2
    assert done.orders.filled.tolist() == [2, 0]


def test_fill_or_kill_needs_the_volume_for_all_of_it():
    rows = [(*FLAT, 8), FLAT]
    whole = {0: [Order(BUY, 2, validity="fok"), Order(BUY, 1, "limit", price=101.0, validity="fok")]}
    done = play(rows, whole, rules=FillRules(participation=0.25))
    assert fills(done) == [(1, 1, 2, 100)]
    assert told(done, 2) == ("cancelled", "not_filled_at_once")
    assert (
        told(play(rows, {0: [Order(BUY, 3, validity="fok")]}, rules=FillRules(participation=0.25)), 1)[0] == "cancelled"
    )


def test_an_order_expires_before_the_open_that_its_time_reaches():
    rows = [FLAT, FLAT, (100, 100, 98, 100)]
    order = Order(BUY, 1, "limit", price=99.0, good_till=2 * MINUTE)
    done = play(rows, {0: [order]})
    assert (fills(done), told(done, 1)) == ([], ("expired", "good_till"))
    assert done.orders.end_row.tolist() == [2]


def test_a_cancelled_order_does_not_fill():
    done = play([FLAT, FLAT, (100, 100, 98, 100)], {0: [Order(BUY, 1, "limit", price=99.0)], 1: [1, 77]})
    assert (fills(done), told(done, 1)) == ([], ("cancelled", "asked"))


# Reduce-only, groups, brackets


def test_reduce_only_is_cut_to_the_position_and_ends_without_one():
    rows = [FLAT, FLAT, FLAT]
    done = play(rows, {0: [Order(BUY, 2)], 1: [Order(SELL, 5, reduce_only=True), Order(SELL, 5, reduce_only=True)]})
    assert fills(done) == [(1, 1, 2, 100), (2, 2, -2, 100)]
    assert [told(done, n) for n in (2, 3)] == [("cancelled", "nothing_to_reduce")] * 2


def test_a_fill_of_one_order_of_a_group_ends_the_others():
    rows = [FLAT, FLAT, (100, 106, 100, 105), (90, 90, 90, 90)]
    sent = {0: [Order(BUY, 1, "stop", trigger=105.0, group=4), Order(SELL, 1, "stop", trigger=95.0, group=4)]}
    done = play(rows, sent)
    assert fills(done) == [(1, 2, 1, 105)]
    assert told(done, 2) == ("cancelled", "other_filled")
    assert done.run.ambiguous_bars == 0


def test_a_partial_fill_reduces_the_others_of_the_group():
    rows = [(*FLAT, 4), (*FLAT, 4), (100, 106, 99, 105, 4), (90, 90, 90, 90, 40), (90, 90, 90, 90, 40)]
    pair = Order(SELL, 3, "limit", price=105.0, group=1), Order(SELL, 3, "stop", trigger=95.0, group=1)
    done = play(rows, {0: list(pair)}, rules=FillRules(participation=0.25))
    assert fills(done) == [(1, 2, -1, 105), (2, 3, -1, 90), (2, 4, -1, 90)]
    assert told(done, 1) == ("cancelled", "other_filled")


def test_a_bar_that_touches_both_sides_counts_as_the_losing_one_and_is_ambiguous():
    rows = [FLAT, FLAT, (100, 106, 94, 100)]
    done = play(rows, {0: [(Order(BUY, 2), 95.0, 105.0)]})
    assert fills(done) == [(1, 1, 2, 100), (2, 2, -2, 95)]
    assert done.run.ambiguous_bars == 1
    assert EXIT_REASONS[done.run.trades.reason[0]] == "stop_loss"


def test_a_bracket_takes_its_profit():
    done = play([FLAT, FLAT, (100, 106, 99, 105)], {0: [(Order(BUY, 2), 95.0, 105.0)]})
    assert fills(done) == [(1, 1, 2, 100), (3, 2, -2, 105)]
    assert EXIT_REASONS[done.run.trades.reason[0]] == "take_profit"
    assert told(done, 2) == ("cancelled", "other_filled")


def test_the_exits_of_a_bracket_sleep_until_the_entry_fills_and_end_with_it():
    rows = [FLAT, (100, 106, 94, 100), FLAT]
    done = play(rows, {0: [(Order(BUY, 2, "limit", price=90.0), 85.0, 105.0)], 1: [1]})
    assert fills(done) == []
    assert [told(done, n) for n in (1, 2, 3)] == [("cancelled", "asked")] + [("cancelled", "parent_ended")] * 2


def test_after_an_entry_inside_the_bar_only_the_stop_may_follow_in_it():
    entry = Order(BUY, 2, "limit", price=98.0)
    rose = play([FLAT, FLAT, (100, 106, 97, 105), (105, 106, 104, 105)], {0: [(entry, 95.0, 105.5)]})
    assert fills(rose) == [(1, 2, 2, 98), (3, 3, -2, 105.5)]
    fell = play([FLAT, FLAT, (100, 106, 94, 95)], {0: [(entry, 95.0, 105.5)]})
    assert fills(fell) == [(1, 2, 2, 98), (2, 2, -2, 95)]


def test_a_stop_on_the_wrong_side_of_an_entry_inside_the_bar_fills_no_better_than_the_entry():
    done = play([FLAT, FLAT, (100, 101, 97, 99)], {0: [(Order(BUY, 2, "limit", price=98.0), 99.0, 105.0)]})
    assert fills(done) == [(1, 2, 2, 98), (2, 2, -2, 98)]


def test_when_the_exits_have_closed_the_position_the_rest_of_the_entry_ends():
    rows = [(*FLAT, 4), (*FLAT, 0.5), (100, 100, 94, 95, 400), FLAT]
    done = play(rows, {0: [(Order(BUY, 3), 95.0, 105.0)]}, rules=FillRules(participation=0.25), lot_size=1.0)
    assert fills(done) == [(1, 1, 1, 100), (2, 2, -1, 95)]
    assert told(done, 1) == ("cancelled", "position_closed")


def test_the_exits_of_a_bracket_end_when_something_else_closes_the_position():
    done = play([FLAT, FLAT, FLAT], {0: [(Order(BUY, 2), 95.0, 105.0)], 1: [Order(SELL, 2)]})
    assert [told(done, n) for n in (2, 3)] == [("cancelled", "position_closed")] * 2


def test_an_order_that_hangs_from_one_that_has_ended_is_rejected():
    done = play([FLAT, FLAT, FLAT], {0: [Order(BUY, 2)], 1: [Order(SELL, 2, "limit", price=105.0, parent=1)]})
    assert told(done, 2) == ("rejected", "parent_ended")


# The account


def test_an_order_through_zero_closes_a_trade_and_opens_one():
    done = play([FLAT, FLAT, FLAT], {0: [Order(BUY, 2)], 1: [Order(SELL, 5)]}, taker_fee=0.01)
    assert fills(done) == [(1, 1, 2, 100), (2, 2, -2, 100), (2, 2, -3, 100)]
    assert done.run.fills.fee.tolist() == pytest.approx([2, 2, 3])
    assert done.run.trades.side.tolist() == [1, -1]


@pytest.mark.parametrize(
    ("order", "settings", "reason"),
    [
        (Order(SELL, 1), {"allow_short": False}, "short_not_allowed"),
        (Order(BUY, 101), {}, "insufficient_funds"),
        (Order(BUY, 100), {"taker_fee": 0.001}, "insufficient_funds"),
        (Order(SELL, 301), {"leverage": 3.0}, "insufficient_funds"),
        (Order(BUY, 0.5), {"lot_size": 1.0}, "too_small"),
        (Order(BUY, 0.5), {"min_notional": 60.0}, "below_minimum"),
        (Target(2.0), {}, "target_too_large"),
        (Target(-1.0), {"allow_short": False}, "short_not_allowed"),
    ],
)
def test_what_the_account_cannot_do_is_rejected_with_its_reason(order, settings, reason):
    done = play([FLAT, FLAT], {0: [order]}, **settings)
    assert (told(done, 1), fills(done)) == (("rejected", reason), [])
    assert done.run.rejected_orders == 1


def test_all_the_cash_can_be_spent_and_leverage_lends():
    assert fills(play([FLAT, FLAT], {0: [Order(BUY, 100)]})) == [(1, 1, 100, 100)]
    assert fills(play([FLAT, FLAT], {0: [Order(SELL, 300)]}, leverage=3.0)) == [(1, 1, -300, 100)]


def test_prices_and_quantities_are_rounded_to_ticks_and_lots_in_favour_of_patience():
    rows = [FLAT, FLAT, (100, 100, 98, 99)]
    done = play(rows, {0: [Order(BUY, 2.7, "limit", price=99.26)]}, tick_size=0.5, lot_size=1.0)
    assert fills(done) == [(1, 2, 2, 99)]


def test_exits_of_the_execution_come_before_orders_inside_a_bar():
    rows = [FLAT, FLAT, (100, 106, 94, 100)]
    sent = {0: [Order(BUY, 2), Order(SELL, 2, "limit", price=105.0, reduce_only=True)]}
    done = play(rows, sent, stop_loss=0.05)
    assert fills(done) == [(1, 1, 2, 100), (0, 2, -2, 95)]
    assert told(done, 2) == ("cancelled", "nothing_to_reduce")


def test_a_position_entered_inside_a_bar_may_reach_its_losing_exit_in_it():
    rows = [FLAT, FLAT, (100, 110, 90, 105)]
    done = play(rows, {0: [Order(BUY, 2, "limit", price=98.0)]}, stop_loss=0.05, take_profit=0.05)
    assert fills(done) == [(1, 2, 2, 98), (0, 2, -2, 93.1)]
    short = play(rows, {0: [Order(SELL, 2, "limit", price=102.0)]}, stop_loss=0.05)
    assert fills(short) == [(1, 2, -2, 102), (0, 2, 2, 107.1)]


def test_a_liquidation_ends_the_bracket_of_the_position():
    rows = [FLAT, FLAT, (100, 100, 50, 60)]
    done = play(rows, {0: [(Order(BUY, 900), 80.0, 120.0)]}, leverage=10.0)
    assert EXIT_REASONS[done.run.trades.reason[0]] == "liquidation"
    assert told(done, 2) == ("cancelled", "position_closed")


def test_nothing_fills_without_volume():
    rows = [FLAT, FLAT, (90, 110, 90, 100, 0), FLAT]
    sent = {0: [Order(BUY, 1, "limit", price=95.0), Order(BUY, 1, "stop", trigger=105.0)]}
    assert fills(play(rows, sent)) == []


def test_the_order_log_tells_every_order():
    sent = {0: [Order(BUY, 2, "stop_limit", price=106.0, trigger=105.0, group=3), Target(0.0)]}
    log = play([FLAT, FLAT], sent).orders
    assert len(log) == 2
    assert [KINDS[kind] for kind in log.kind] == ["stop_limit", "target"]
    assert [STATES[state] for state in log.state] == ["working", "filled"]
    assert [REASONS[reason] for reason in log.reason] == ["", ""]
    assert (log.price[0], log.trigger[0], log.group[0], log.target[1]) == (106, 105, 3, 0)
    assert np.isnan([log.trail[0], log.target[0], log.quantity[1]]).all()
    assert (log.row.tolist(), log.end_row.tolist(), log.end_time.tolist()) == ([0, 0], [-1, 1], [-1, MINUTE])
