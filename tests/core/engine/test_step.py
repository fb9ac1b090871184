"""The rules of the engine, each with numbers that can be checked by hand."""

import numpy as np
import pytest

from tallow.core.engine import run
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.results import EXIT_REASONS
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE, SECOND

NAN = float("nan")
FREE = {"maker_fee": 0.0, "taker_fee": 0.0}


def make_bars(rows):
    table = np.array([(*row, 1_000.0) if len(row) == 4 else row for row in rows], float)
    return Bars.of(np.arange(len(rows)) * MINUTE, tuple(table.T))


def flat_bars(*prices):
    return make_bars([(price, price, price, price) for price in prices])


def play(rows, targets, *, cash=1_000.0, funding=None, **settings):
    bars = rows if isinstance(rows, Bars) else make_bars(rows)
    return run(bars, np.array(targets, float), Execution(**{**FREE, **settings}), cash=cash, funding=funding)


def fills(done):
    log = done.fills
    return [
        (int(row), pytest.approx(quantity), pytest.approx(price), EXIT_REASONS[reason])
        for row, quantity, price, reason in zip(log.row, log.quantity, log.price, log.reason, strict=True)
    ]


def reasons(done):
    return [EXIT_REASONS[reason] for reason in done.trades.reason]


# Rule 1: targets


def test_a_target_is_filled_at_the_next_open_and_sized_there():
    done = play([(90, 95, 85, 95), (100, 130, 90, 120), (110, 110, 110, 110)], [1, 1, 1])
    assert fills(done) == [(1, 10, 100, "target")]
    assert done.equity.tolist() == [1_000, 1_200, 1_100]
    assert done.position.tolist() == [0, 10, 10]


def test_nan_keeps_the_last_target_and_is_flat_before_the_first():
    done = play(flat_bars(*[100] * 6), [NAN, NAN, 0.5, NAN, NAN, 0])
    assert done.target.tolist() == [0, 0, 0.5, 0.5, 0.5, 0]
    assert fills(done) == [(3, 5, 100, "target")]


def test_only_a_changed_target_makes_an_order():
    done = play(flat_bars(100, 100, 200, 50, 100), [0.5, 0.5, 0.5, 0.5, 0.5])
    assert fills(done) == [(1, 5, 100, "target")]


def test_a_changed_target_adds_and_reduces_at_the_equity_of_that_open():
    done = play(flat_bars(100, 100, 200, 200, 100), [0.5, 1.0, 0.25, NAN, NAN])
    # 5 at 100; at 200 equity is 1500, all of it is 7.5; then a quarter is 1.875.
    assert fills(done) == [(1, 5, 100, "target"), (2, 2.5, 200, "target"), (3, -5.625, 200, "target")]


# Rule 2: fills at the close


def test_close_fills_trade_in_the_deciding_bar_and_mark_after_the_fill():
    done = play([(90, 120, 80, 100), (105, 130, 101, 110)], [1, 0], fill="close", taker_fee=0.01, cash=1_010.0)
    assert fills(done) == [(0, 10, 100, "target"), (1, -10, 110, "target")]
    assert done.equity.tolist() == pytest.approx([1_000, 1_089])


def test_the_entry_bar_of_a_close_fill_does_not_reach_its_levels():
    rows = [(100, 200, 10, 100), (100, 104, 97, 100), (100, 104, 90, 100)]
    done = play(rows, [1, NAN, NAN], fill="close", stop_loss=0.05, take_profit=0.05)
    assert [(int(row), reason) for row, reason in zip(done.fills.row, done.fills.reason, strict=True)] == [
        (0, 0),
        (2, EXIT_REASONS.index("stop_loss")),
    ]


# Rule 3: bars without volume


@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_an_order_waits_for_volume_and_is_counted_once(fill):
    rows = [(100, 100, 100, 100, 0 if fill == "close" else 5), (100, 100, 100, 100, 0), (100, 100, 100, 100, 0)]
    done = play([*rows, (110, 110, 110, 110, 5)], [1, NAN, NAN, NAN], fill=fill)
    assert [int(row) for row in done.fills.row] == [3]
    assert done.rejected_orders == 1


def test_nothing_fills_without_volume_not_even_a_stop():
    rows = [(100, 100, 100, 100, 5), (100, 100, 100, 100, 5), (50, 50, 50, 50, 0), (60, 60, 60, 60, 5)]
    done = play(rows, [1, NAN, NAN, NAN], stop_loss=0.1)
    assert fills(done) == [(1, 10, 100, "target"), (3, -10, 60, "stop_loss")]


def test_unknown_volume_fills():
    assert len(play([(100, 100, 100, 100, NAN)] * 2, [1, NAN]).fills) == 1


# Rule 4: costs


def test_fees_leave_an_all_in_position_with_no_cash():
    done = play(flat_bars(100, 100, 100), [1, 0, 0], taker_fee=0.001, cash=1_001.0)
    assert fills(done) == [(1, 10, 100, "target"), (2, -10, 100, "target")]
    assert done.fills.fee.tolist() == pytest.approx([1, 1])
    assert done.equity[1] == pytest.approx(1_000)


def test_slippage_is_adverse_on_both_sides():
    done = play(flat_bars(100, 100, 100), [1, 0, 0], slippage_bps=100, cash=1_010.0)
    assert fills(done) == [(1, 10, 101, "target"), (2, -10, 99, "target")]
    assert done.fills.slippage.tolist() == pytest.approx([10, 10])


def test_impact_grows_with_the_square_of_the_share_of_the_previous_volume():
    rows = [(100, 100, 100, 100, 20), (100, 100, 100, 100, 7), (100, 100, 100, 100, 1)]
    done = play(rows, [1, 0, 0], volume_impact=0.1)
    bought, price = done.fills.quantity[0], done.fills.price[0]
    assert price == pytest.approx(100 * (1 + 0.1 * (bought / 20) ** 2))
    assert bought * price <= 1_000
    # 9.8 of a previous volume of 7 is a share of 1, the most there is.
    assert done.fills.price[1] == pytest.approx(90)


@pytest.mark.parametrize(("previous", "share"), [(0.0, 1.0), (NAN, 1.0), (100.0, 0.1)])
def test_impact_without_a_previous_volume_is_the_whole_share(previous, share):
    # The close of a position of exactly 10 base units.
    rows = [(100, 100, 100, 100, volume) for volume in (1e12, 5, previous, 5)]
    done = play(rows, [1, NAN, 0, NAN], volume_impact=0.1, lot_size=1.0, cash=1_000.5)
    assert fills(done)[1] == (3, -10, 100 * (1 - 0.1 * share**2), "target")


def test_ticks_round_against_the_trader():
    done = play(flat_bars(100.04, 100.04, 100.04), [1, 0, 0], tick_size=0.1)
    assert done.fills.price.tolist() == pytest.approx([100.1, 100.0])
    on_grid = play(flat_bars(100.1, 100.1, 100.1), [1, 0, 0], tick_size=0.1)
    assert on_grid.fills.price.tolist() == [100.1, 100.1]


def test_lots_round_down_and_a_whole_position_always_closes():
    done = play(flat_bars(70, 70, 70, 70), [1, 0.5, 0, 0], lot_size=3.0)
    assert [quantity for _, quantity, _, _ in fills(done)] == [12, -3, -9]


def test_orders_below_the_minimum_are_not_sent_but_closing_is():
    done = play(flat_bars(100, 100, 100, 10, 10), [0.5, 0.55, NAN, 0, NAN], min_notional=100.0)
    assert fills(done) == [(1, 5, 100, "target"), (4, -5, 10, "target")]
    assert done.rejected_orders == 1


# Rule 5: shorts, leverage, liquidation


def test_a_reversal_closes_then_opens():
    done = play(flat_bars(100, 100, 120, 90), [1, -1, NAN, NAN], allow_short=True)
    assert fills(done) == [(1, 10, 100, "target"), (2, -10, 120, "target"), (2, -10, 120, "target")]
    assert done.trades.side.tolist() == [1, -1]
    assert done.trades.profit.tolist() == pytest.approx([200, 300])
    assert done.equity.tolist() == pytest.approx([1_000, 1_000, 1_200, 1_500])


def test_leverage_lends_and_the_fee_is_part_of_the_size():
    done = play(flat_bars(100, 100, 105), [5, NAN, NAN], leverage=5, taker_fee=0.01)
    quantity = 5 * 1_000 / (100 * 1.05)
    assert fills(done) == [(1, quantity, 100, "target")]
    # Margin (notional / 5) and fee (1 % of notional) are all of the equity.
    assert quantity * 100 / 5 + quantity * 100 * 0.01 == pytest.approx(1_000)
    assert done.equity[2] == pytest.approx(1_000 - quantity + quantity * 5)


@pytest.mark.parametrize(
    ("target", "bar", "price", "profit"),
    [
        # 10x long at 100, margin 1000: bankrupt at 90, liquidated at 90 / 0.995; the fee takes what is left.
        (10, (100, 100, 90.4, 95), 90 / 0.995, -1_000),
        (10, (90.2, 95, 80, 95), 90.2, -1_000),  # a gap past the level, margin left: at the open
        (10, (80, 95, 80, 95), 90, -1_000),  # a gap past bankruptcy: the loss is the margin
        (-10, (100, 109.5, 100, 100), 110 / 1.005, -1_000),
        (-10, (150, 150, 140, 140), 110, -1_000),
    ],
)
def test_liquidation_takes_the_margin_and_no_more(target, bar, price, profit):
    done = play([(100, 100, 100, 100)] * 2 + [bar], [target, NAN, NAN], leverage=10, allow_short=True, cash=1_000.0)
    assert reasons(done) == ["liquidation"]
    assert done.fills.price[1] == pytest.approx(price)
    assert done.trades.profit[0] == pytest.approx(profit)
    assert done.equity[2] == pytest.approx(0, abs=1e-9)


def test_a_low_liquidation_fee_leaves_part_of_the_maintenance_margin():
    done = play([(100, 100, 100, 100)] * 2 + [(100, 100, 90, 95)], [10, NAN, NAN], leverage=10, liquidation_fee=0.002)
    level = 90 / 0.995
    assert done.equity[2] == pytest.approx(100 * level - 9_000 - 0.002 * 100 * level)


def test_isolated_margin_leaves_the_rest_of_the_account_alone():
    done = play([(100, 100, 100, 100)] * 2 + [(50, 50, 50, 50)], [2, NAN, NAN], leverage=5, cash=1_000.0)
    assert done.equity[2] == pytest.approx(1_000 - 2_000 / 5)


def test_a_partial_exit_takes_its_part_of_the_margin():
    rows = [(100, 100, 100, 100)] * 3 + [(100, 100, 90, 90)]
    done = play(rows, [10, 5, NAN, NAN], leverage=10)
    assert fills(done)[1:] == [(2, -50, 100, "target"), (3, -50, 90 / 0.995, "liquidation")]


def test_an_unlevered_long_is_never_liquidated_and_an_unlevered_short_is():
    crash = [(100, 100, 100, 100)] * 2 + [(1, 1, 0.01, 0.01)]
    assert reasons(play(crash, [1, NAN, NAN])) == ["open"]
    rally = [(100, 100, 100, 100)] * 2 + [(150, 250, 150, 250)]
    done = play(rally, [-1, NAN, NAN], allow_short=True)
    assert fills(done)[1] == (2, 10, 200 / 1.005, "liquidation")


# Rule 6: protective exits

EXITS = [
    # settings, target, bar after the entry at 100, price, reason
    ({"stop_loss": 0.05}, 1, (100, 101, 94, 96), 95, "stop_loss"),
    ({"stop_loss": 0.05}, 1, (90, 101, 89, 96), 90, "stop_loss"),
    ({"stop_loss": 0.05}, 1, (100, 101, 95, 96), 95, "stop_loss"),
    ({"take_profit": 0.05}, 1, (100, 106, 94, 96), 105, "take_profit"),
    ({"take_profit": 0.05}, 1, (110, 112, 94, 96), 110, "take_profit"),
    ({"stop_loss": 0.05, "take_profit": 0.05}, 1, (100, 106, 94, 96), 95, "stop_loss"),
    ({"stop_loss": 0.05, "take_profit": 0.05}, 1, (107, 108, 90, 96), 107, "take_profit"),
    ({"stop_loss": 0.05}, -1, (100, 106, 99, 100), 105, "stop_loss"),
    ({"stop_loss": 0.05}, -1, (107, 108, 99, 100), 107, "stop_loss"),
    ({"take_profit": 0.05}, -1, (100, 101, 94, 100), 95, "take_profit"),
    ({"take_profit": 0.05}, -1, (93, 101, 92, 100), 93, "take_profit"),
    ({"stop_loss": 0.05, "take_profit": 0.05}, -1, (100, 106, 94, 96), 105, "stop_loss"),
    ({"trailing_stop": 0.1}, 1, (100, 130, 89, 96), 90, "trailing_stop"),
    ({"trailing_stop": 0.1}, -1, (100, 111, 50, 96), 110, "trailing_stop"),
    ({"trailing_stop": 0.1, "stop_loss": 0.05}, 1, (100, 130, 80, 96), 95, "stop_loss"),
    ({"trailing_stop": 0.05, "stop_loss": 0.1}, 1, (100, 130, 80, 96), 95, "trailing_stop"),
    ({"stop_loss": 0.2, "leverage": 10}, 10, (100, 100, 75, 75), 90 / 0.995, "liquidation"),
    ({"stop_loss": 0.05, "leverage": 10}, 10, (100, 100, 75, 75), 95, "stop_loss"),
    ({"stop_loss": 0.05, "leverage": 10}, 10, (75, 100, 75, 75), 90, "stop_loss"),  # never beyond the margin
]


@pytest.mark.parametrize(("settings", "target", "bar", "price", "reason"), EXITS)
def test_protective_exits(settings, target, bar, price, reason):
    done = play([(100, 100, 100, 100)] * 2 + [bar], [target, NAN, NAN], allow_short=True, **settings)
    assert (reasons(done), done.fills.price[-1]) == ([reason], pytest.approx(price))


@pytest.mark.parametrize(
    ("bar", "count"),
    [((100, 106, 94, 96), 1), ((100, 106, 96, 96), 0), ((107, 108, 90, 96), 0), ((94, 108, 90, 96), 0)],
)
def test_ambiguous_bars_touch_both_levels_after_the_open(bar, count):
    done = play([(100, 100, 100, 100)] * 2 + [bar], [1, NAN, NAN], stop_loss=0.05, take_profit=0.05)
    assert done.ambiguous_bars == count


def test_the_entry_bar_of_an_open_fill_reaches_its_levels():
    done = play([(100, 100, 100, 100), (100, 106, 99, 104), (104, 104, 104, 104)], [1, NAN, NAN], take_profit=0.05)
    assert fills(done)[1] == (1, -10, 105, "take_profit")


def test_a_bar_moves_the_trail_only_after_it():
    rows = [(100, 100, 100, 100), (100, 120, 95, 118), (118, 119, 109, 110), (110, 110, 107, 108)]
    done = play(rows, [1, NAN, NAN, NAN], trailing_stop=0.1)
    # Bar 1 tests 90 although it rose to 120; bar 2 tests 108 and stays above; bar 3 falls through it.
    assert fills(done)[1] == (3, -10, 108, "trailing_stop")


@pytest.mark.parametrize(
    ("target", "rows", "level"),
    [
        (1, [(110, 112, 110, 112), (120, 125, 120, 125), (130, 144, 130, 140), (140, 140, 60, 140)], 144 * 0.9),
        (-1, [(90, 90, 88, 88), (80, 80, 75, 75), (70, 70, 66, 68), (68, 140, 68, 68)], 66 * 1.1),
    ],
)
def test_the_trail_follows_every_new_best_price(target, rows, level):
    done = play([(100, 100, 100, 100)] * 2 + rows, [target] + [NAN] * 5, trailing_stop=0.1, allow_short=True)
    assert fills(done)[1] == (5, -10 * target, level, "trailing_stop")


def test_after_an_exit_the_account_stays_flat_until_the_target_changes():
    rows = [(100, 100, 100, 100)] * 2 + [(100, 100, 90, 100)] + [(100, 100, 100, 100)] * 4
    done = play(rows, [1, 1, 1, NAN, 1, 0.5, NAN], stop_loss=0.05)
    assert [int(row) for row in done.fills.row] == [1, 2, 6]


def test_stops_pay_the_taker_and_slip_while_targets_rest_and_pay_the_maker():
    costs = {"maker_fee": 0.001, "taker_fee": 0.002, "slippage_bps": 100.0}
    base = [(100, 100, 100, 100)] * 2
    stopped = play([*base, (100, 100, 90, 96)], [1, NAN, NAN], stop_loss=0.05, **costs)
    quantity, entry = stopped.fills.quantity[0], 101.0
    assert stopped.fills.price.tolist() == pytest.approx([entry, entry * 0.95 * 0.99])
    assert stopped.fills.fee[1] == pytest.approx(quantity * entry * 0.95 * 0.99 * 0.002)
    assert stopped.fills.slippage[1] == pytest.approx(quantity * entry * 0.95 * 0.01)
    taken = play([*base, (100, 110, 100, 96)], [1, NAN, NAN], take_profit=0.05, **costs)
    assert taken.fills.price[1] == pytest.approx(entry * 1.05)
    assert taken.fills.fee[1] == pytest.approx(quantity * entry * 1.05 * 0.001)
    assert taken.fills.slippage[1] == 0


def test_an_exit_at_the_open_comes_before_the_order_of_that_open():
    rows = [(100, 100, 100, 100)] * 2 + [(80, 80, 80, 80), (80, 80, 80, 80)]
    done = play(rows, [1, 0.5, NAN, NAN], stop_loss=0.05)
    assert fills(done) == [(1, 10, 100, "target"), (2, -10, 80, "stop_loss"), (2, 5, 80, "target")]


# Rule 7: funding


@pytest.mark.parametrize(
    ("offset", "targets", "paid"),
    [
        (0, [0, 1, NAN, NAN], 0),  # at the open of bar 2, before its fills: nothing is held yet
        (SECOND, [0, 1, NAN, NAN], 0),
        (SECOND + 1, [0, 1, NAN, NAN], 10),  # inside bar 2, after its fills
        (0, [1, NAN, NAN, NAN], 10),
        (SECOND, [1, 0, NAN, NAN], 10),
        (SECOND + 1, [1, 0, NAN, NAN], 0),
        (30 * SECOND, [-1, NAN, NAN, NAN], -10),
    ],
)
def test_funding_is_charged_to_the_position_of_its_moment(offset, targets, paid):
    rows = [(100, 100, 100, 100)] * 4
    event = FundingRates(np.array([2 * MINUTE + offset]), np.array([0.01]))
    done = play(rows, targets, funding=event, allow_short=True)
    assert done.trades.funding.sum() == pytest.approx(paid)
    assert done.equity[-1] == pytest.approx(1_000 - paid)


def test_funding_uses_the_notional_at_the_open_and_is_part_of_the_profit():
    rows = [(100, 100, 100, 100), (100, 100, 100, 100), (200, 200, 100, 100), (100, 100, 100, 100)]
    event = FundingRates(np.array([2 * MINUTE]), np.array([0.01]))
    done = play(rows, [1, NAN, 0, NAN], funding=event)
    assert (done.trades.funding[0], done.trades.profit[0]) == (pytest.approx(20), pytest.approx(-20))


def test_funding_paid_from_the_margin_brings_liquidation_closer():
    rows = [(100, 100, 100, 100)] * 3 + [(100, 100, 95.5, 98)]
    event = FundingRates(np.array([2 * MINUTE]), np.array([0.06]))
    done = play(rows, [10, NAN, NAN, NAN], leverage=10, funding=event)
    # Margin 1000 less 600: bankrupt at 96.
    assert fills(done)[1] == (3, -100, 96 / 0.995, "liquidation")
    assert reasons(play(rows, [10, NAN, NAN, NAN], leverage=10)) == ["open"]


# Rules 8 and 9: trades


def test_an_open_position_is_marked_and_listed_as_open():
    done = play(flat_bars(100, 100, 110), [1, NAN, NAN], taker_fee=0.01, cash=1_010.0)
    trade = done.trades
    assert (reasons(done), trade.exit_row.tolist(), trade.exit_price.tolist()) == (["open"], [2], [110])
    assert trade.profit.tolist() == pytest.approx([90])


def test_a_trade_is_flat_to_flat_with_averaged_prices():
    done = play(flat_bars(100, 100, 200, 300, 400), [0.5, 1, 0.5, 0, NAN])
    trade = done.trades
    assert len(trade) == 1
    # 5 at 100 and 2.5 at 200; then 3.75 at 300 and 3.75 at 400.
    assert [trade.quantity[0], trade.entry_price[0], trade.exit_price[0]] == pytest.approx([7.5, 400 / 3, 350])
    assert trade.profit[0] == pytest.approx(7.5 * (350 - 400 / 3))
    assert trade.return_pct[0] == pytest.approx(100 * trade.profit[0] / 1_000)
    assert (trade.entry_row[0], trade.exit_row[0]) == (1, 4)


def test_without_equity_nothing_is_opened():
    rows = [(100, 100, 100, 100)] * 2 + [(10, 10, 10, 10)] * 3
    done = play(rows, [10, NAN, -5, 3, NAN], leverage=10, allow_short=True)
    assert len(done.fills) == 2
    assert done.equity[-1] == pytest.approx(0, abs=1e-9)
