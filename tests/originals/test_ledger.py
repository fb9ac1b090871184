"""Mistake 13: the profit of a short, a stake that nobody has, and trading for free."""

import numpy as np
import pytest

import tallow
from tallow.core.engine import run
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.scene import Execution
from tallow.runners.frames import to_frame

FREE = Execution(maker_fee=0.0, taker_fee=0.0, allow_short=True)


def falling(*close):
    prices = np.array(close, float)
    return Bars.of(np.arange(len(prices)) * 3_600_000_000, (prices, prices, prices, prices, np.ones(len(prices))))


@pytest.mark.parametrize("last", [50.0, 80.0, 100.0, 125.0])
def test_a_short_earns_what_the_price_falls_of_what_was_sold(last):
    bars = falling(100, 100, last, last, last)
    done = run(bars, np.array([-1.0, -1, 0, 0, 0]), FREE, cash=1_000.0)
    earned = done.equity[-1] / 1_000.0 - 1.0
    assert earned == pytest.approx((100.0 - last) / 100.0, abs=1e-12)
    mistaken = 100.0 / last - 1.0
    assert (earned == pytest.approx(mistaken)) == (last == 100.0)


def test_the_money_at_the_end_is_the_money_at_the_start_and_every_fill(market):
    bars = market(800)
    targets = np.random.default_rng(3).choice([-1.0, -0.4, 0.0, 0.7, 1.0, np.nan], 800)
    done = run(bars, targets, Execution(slippage_bps=3.0, allow_short=True), cash=1_000.0)
    spent = np.sum(done.fills.quantity * done.fills.price) + np.sum(done.fills.fee)
    held = np.sum(done.fills.quantity)
    assert 1_000.0 - spent + held * bars.close[-1] == pytest.approx(done.equity[-1], abs=1e-8)
    assert np.sum(done.fills.fee) > 0


def test_a_stake_is_a_part_of_the_equity():
    bars = falling(100, 100, 100, 1_000, 1_000)
    done = run(bars, np.array([1.0, 0, 1, 0, 0]), Execution(), cash=5.0)
    assert np.all(np.abs(done.fills.quantity) * done.fills.price <= done.equity[done.fills.row].max() * (1 + 1e-9))
    assert abs(done.fills.quantity[0]) < 0.05


@pytest.mark.parametrize(("target", "code"), [(10.0, "TARGET_TOO_LARGE"), (-1.0, "SHORT_NOT_ALLOWED")])
def test_ten_units_that_nobody_has_are_refused(target, code):
    with pytest.raises(UserError) as caught:
        run(falling(100, 100, 100), np.array([target, 0, 0]), Execution(), cash=5.0)
    assert caught.value.code == code


def test_trading_costs_something_unless_said_and_then_it_is_labelled(market, lake):
    frame = to_frame(market(300))
    usual = tallow.backtest("sma_cross", data=frame, lake=lake, check=False)
    assert usual.metrics["fees"] > 0
    assert not any("COSTS" in note for note in usual.to_dict()["notes"])
    free = tallow.backtest("sma_cross", data=frame, lake=lake, check=False, fee=0.0)
    assert free.metrics["fees"] == 0
    assert "NO COSTS: fees and slippage are 0" in free.to_dict()["notes"]
    slipped = tallow.backtest("sma_cross", data=frame, lake=lake, check=False, fee=0.0, slippage=2.0)
    assert not any("COSTS" in note for note in slipped.to_dict()["notes"])
