"""Protective exits of each instrument within one account."""

import numpy as np
import pytest

from tallow.core.portfolio import run
from tallow.domain.results import EXIT_REASONS
from tallow.domain.scene import Execution

NAN = float("nan")


def play(bars, weights, **settings):
    table = np.full((len(next(iter(bars.values()))), len(bars)), NAN)
    table[0] = weights
    return run(bars, table, Execution(**{"taker_fee": 0.0, "maker_fee": 0.0} | settings), cash=1_000.0)


def exits(done):
    columns = (done.fills.row, done.fills.instrument, done.fills.price, done.fills.reason)
    return [
        (int(row), done.symbols[i], pytest.approx(price), EXIT_REASONS[reason])
        for row, i, price, reason in zip(*columns, strict=True)
        if reason
    ]


def test_a_stop_closes_its_own_instrument_only(candles):
    steady = [(10, 10, 10, 10), (10, 10, 10, 10)]
    bars = {"A/USDT": candles([*steady, (10, 10, 8, 9)]), "B/USDT": candles([*steady, (10, 10, 9.9, 10)])}
    done = play(bars, [0.5, 0.5], stop_loss=0.1)
    assert exits(done) == [(2, "A/USDT", 9, "stop_loss")]
    assert done.positions[-1].tolist() == [0, 50]


def test_both_levels_in_one_bar_count_as_the_loss(candles):
    bars = {"A/USDT": candles([(10, 10, 10, 10), (10, 10, 10, 10), (10, 12, 8, 10)])}
    done = play(bars, [1.0], stop_loss=0.1, take_profit=0.1)
    assert exits(done) == [(2, "A/USDT", 9, "stop_loss")]
    assert done.ambiguous_bars == (1,)


def test_a_gap_fills_at_the_open_and_a_quiet_bar_fills_nothing(candles):
    steady = [(10, 10, 10, 10), (10, 10, 10, 10)]
    bars = {
        "A/USDT": candles([*steady, (7, 7, 7, 7), (7, 7, 7, 7)]),
        "B/USDT": candles([*steady, (7, 7, 7, 7, 0.0), (6, 6, 6, 6)]),
    }
    done = play(bars, [0.5, 0.5], stop_loss=0.1)
    assert exits(done) == [(2, "A/USDT", 7, "stop_loss"), (3, "B/USDT", 6, "stop_loss")]


def test_a_trailing_stop_follows_each_best_price_over_holes(candles):
    rows = [(10, 10, 10, 10), (10, 10, 10, 10), (10, 14, 10, 14), (13, 13, 12, 12)]
    bars = {"A/USDT": candles(rows, [0, 1, 3, 5]), "B/USDT": candles([(5, 5, 5, 5)] * 6)}
    table = np.full((6, 2), NAN)
    table[0] = [0.5, 0.0]
    done = run(bars, table, Execution(taker_fee=0.0, trailing_stop=0.1), cash=1_000.0)
    assert exits(done) == [(5, "A/USDT", 12.6, "trailing_stop")]


def test_a_short_is_stopped_above(candles):
    bars = {"A/USDT": candles([(10, 10, 10, 10), (10, 10, 10, 10), (10, 12, 9, 10)])}
    done = play(bars, [-1.0], allow_short=True, trailing_stop=0.15)
    assert exits(done) == [(2, "A/USDT", 11.5, "trailing_stop")]


def test_isolated_margins_are_lost_one_by_one(candles):
    steady = [(10, 10, 10, 10), (10, 10, 10, 10)]
    bars = {"A/USDT": candles([*steady, (5, 5, 5, 5)]), "B/USDT": candles([*steady, (10, 10, 10, 10)])}
    done = play(bars, [2.5, 2.5], leverage=5.0)
    assert exits(done) == [(2, "A/USDT", 8, "liquidation")]  # the bankruptcy price: the venue takes the rest
    assert done.equity[-1] == pytest.approx(500)
