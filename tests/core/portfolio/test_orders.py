"""Sizes and the order of fills, with numbers that can be checked by hand."""

import numpy as np
import pytest

from tallow.core.portfolio import AccountRules, Calendar, Drift, EveryBars, run
from tallow.domain.scene import Execution

NAN = float("nan")
FREE = Execution(taker_fee=0.0)


def fills(done):
    log = done.fills
    columns = (log.row, log.instrument, log.quantity, log.price)
    return [
        (int(row), done.symbols[i], pytest.approx(quantity), pytest.approx(price))
        for row, i, quantity, price in zip(*columns, strict=True)
    ]


def test_weights_are_fractions_of_one_equity(still):
    bars = {"A/USDT": still([10, 10, 20, 20]), "B/USDT": still([50, 50, 50, 50])}
    weights = np.array([[0.5, 0.25], [NAN, NAN], [NAN, 0.4], [NAN, NAN]])
    done = run(bars, weights, FREE, cash=1_000.0)
    # Half of 1,000 is 50 of A; A doubles, so 40 % of 1,500 is 12 of B: 7 more, of which the cash pays 5.
    assert fills(done) == [(1, "A/USDT", 50, 10), (1, "B/USDT", 5, 50), (3, "B/USDT", 5, 50)]
    assert done.equity.tolist() == [1_000, 1_000, 1_500, 1_500]
    assert done.cash.tolist() == [1_000, 250, 250, 0]
    assert done.shrunk_purchases == 1


def test_sales_come_first_whatever_the_names(still):
    bars = {"A/USDT": still([10] * 4), "B/USDT": still([10] * 4)}
    weights = np.array([[0.0, 1.0], [1.0, 0.0], [NAN, NAN], [NAN, NAN]])
    done = run(bars, weights, FREE, cash=1_000.0)
    assert fills(done) == [(1, "B/USDT", 100, 10), (2, "B/USDT", -100, 10), (2, "A/USDT", 100, 10)]


def test_purchases_shrink_alike_when_the_cash_does_not_suffice(candles):
    # C cannot be sold in bar 2, where nobody trades it: the 400 it holds are missing for A and B.
    flat = [(10, 10, 10, 10)] * 4
    quiet = [(10, 10, 10, 10), (10, 10, 10, 10), (10, 10, 10, 10, 0.0), (10, 10, 10, 10)]
    bars = {"A/USDT": candles(flat), "B/USDT": candles(flat), "C/USDT": candles(quiet)}
    weights = np.array([[0.0, 0.0, 0.4], [0.75, 0.25, 0.0], [NAN] * 3, [NAN] * 3])
    done = run(bars, weights, FREE, cash=1_000.0)
    assert fills(done) == [
        (1, "C/USDT", 40, 10),
        (2, "A/USDT", 45, 10),  # 0.6 of 75
        (2, "B/USDT", 15, 10),  # 0.6 of 25
        (3, "C/USDT", -40, 10),
    ]
    assert done.shrunk_purchases == 1
    assert done.rejected_orders == (0, 0, 1)
    assert done.cash[2] == pytest.approx(0.0, abs=1e-9)


def test_margined_orders_shrink_to_the_free_margin(candles):
    flat = [(10, 10, 10, 10)] * 3
    quiet = [(10, 10, 10, 10), (10, 10, 10, 10), (10, 10, 10, 10, 0.0)]
    bars = {"A/USDT": candles(flat), "B/USDT": candles(quiet)}
    weights = np.array([[0.0, 1.5], [2.0, 0.0], [NAN, NAN]])
    execution = Execution(taker_fee=0.0, leverage=2.0)
    done = run(bars, weights, execution, cash=1_000.0)
    # B holds 1,500 on a margin of 750; 250 of the equity are free, which carry 500 of A.
    assert fills(done) == [(1, "B/USDT", 150, 10), (2, "A/USDT", 50, 10)]
    assert done.shrunk_purchases == 1


def test_nothing_is_bought_when_nothing_is_free(candles):
    rows = [(10, 10, 10, 10), (10, 10, 10, 10), (10, 10, 10, 10, 0.0), (10, 10, 10, 10)]
    flat = [(10, 10, 10, 10)] * 4
    bars = {"A/USDT": candles(flat), "B/USDT": candles(flat), "C/USDT": candles(rows)}
    weights = np.array([[0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [NAN] * 3, [NAN] * 3])
    done = run(bars, weights, FREE, cash=1_000.0)
    assert fills(done) == [(1, "C/USDT", 100, 10), (3, "C/USDT", -100, 10)]
    assert done.rejected_orders == (1, 1, 1)


def test_an_order_waits_for_a_bar_and_never_fills_at_a_stale_price(still):
    bars = {"A/USDT": still([10, 10, 12], [0, 1, 4]), "B/USDT": still([5] * 5)}
    weights = np.full((5, 2), NAN)
    weights[1] = [0.5, 0.5]
    done = run(bars, weights, FREE, cash=1_000.0)
    assert fills(done) == [(2, "B/USDT", 100, 5), (4, "A/USDT", pytest.approx(500 / 12), 12)]
    assert done.rejected_orders == (1, 0)
    assert done.stale_marks == (0, 0)


def test_a_held_instrument_without_bars_keeps_its_last_mark_and_is_counted(still):
    bars = {"A/USDT": still([10, 10, 20], [0, 1, 4]), "B/USDT": still([5] * 5)}
    weights = np.full((5, 2), NAN)
    weights[0] = [1.0, 0.0]
    done = run(bars, weights, FREE, cash=1_000.0)
    assert done.equity.tolist() == [1_000, 1_000, 1_000, 1_000, 2_000]
    assert done.stale_marks == (2, 0)
    assert done.weights[3].tolist() == [1.0, 0.0]


def test_a_reversal_closes_before_it_opens(still):
    bars = {"A/USDT": still([10] * 4), "B/USDT": still([10] * 4)}
    weights = np.array([[0.5, 0.0], [-0.5, 0.5], [NAN, NAN], [NAN, NAN]])
    done = run(bars, weights, Execution(taker_fee=0.01, allow_short=True), cash=1_010.0)
    # 50 of A leave an equity of 1,005, from which B is sized, and of 1,000 after its sale, from which the short is.
    short, bought = 0.5 * 1_000 / 10.1, 0.5 * 1_005 / 10.1
    scale = 1_000 / (10.1 * (short + bought))  # margin and fees of both are 1,002.5, and 1,000 are free
    assert fills(done) == [
        (1, "A/USDT", 50, 10),
        (2, "A/USDT", -50, 10),
        (2, "A/USDT", -short * scale, 10),
        (2, "B/USDT", bought * scale, 10),
    ]


@pytest.mark.parametrize("rule", [EveryBars(2), Calendar("daily"), Drift(0.1)])
def test_rules_that_rebalance_restore_the_weights(still, rule):
    bars = {"A/USDT": still([10, 10, 30, 30], [23, 24, 47, 48]), "B/USDT": still([10] * 4, [23, 24, 47, 48])}
    done = run(bars, np.full((4, 2), 0.5), FREE, cash=1_000.0, rules=AccountRules(rule))
    # 1,000 become 2,000 when A triples; half of it is 33.3 of A.
    assert fills(done) == [
        (1, "A/USDT", 50, 10),
        (1, "B/USDT", 50, 10),
        (3, "A/USDT", pytest.approx(100 / 3 - 50), 30),
        (3, "B/USDT", 50, 10),
    ]


def test_drift_below_the_threshold_makes_no_order(still):
    bars = {"A/USDT": still([10, 10, 11, 11]), "B/USDT": still([10] * 4)}
    done = run(bars, np.full((4, 2), 0.5), FREE, cash=1_000.0, rules=AccountRules(Drift(0.1)))
    assert [fill[0] for fill in fills(done)] == [1, 1]


def test_a_weight_given_between_two_rebalances_waits_for_the_next(still):
    bars = {"A/USDT": still([10] * 6)}
    weights = np.array([[NAN], [0.5], [NAN], [NAN], [0.7], [NAN]])
    done = run(bars, weights, FREE, cash=1_000.0, rules=AccountRules(EveryBars(3)))
    assert fills(done) == [(4, "A/USDT", 50, 10)]


def test_fills_at_the_close_trade_in_the_deciding_bar(candles):
    bars = {"A/USDT": candles([(9, 13, 8, 10), (12, 13, 11, 12)]), "B/USDT": candles([(5, 5, 5, 5), (5, 5, 5, 5)])}
    done = run(bars, np.array([[0.5, 0.5], [NAN, NAN]]), Execution(fill="close", taker_fee=0.0), cash=1_000.0)
    assert fills(done) == [(0, "A/USDT", 50, 10), (0, "B/USDT", 100, 5)]
    assert done.equity.tolist() == [1_000, 1_100]
