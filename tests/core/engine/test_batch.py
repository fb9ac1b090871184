import math

import numpy as np
import pytest

from tallow.core.engine import prepare, run, summarize
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.results import EXIT_REASONS
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE

FREE = Execution(taker_fee=0.0)


def flat_bars(*prices):
    column = np.array(prices, float)
    return Bars.of(np.arange(len(prices)) * MINUTE, (column, column, column, column, np.ones(len(prices))))


def test_a_run_without_bars_is_empty():
    done = run(flat_bars(), np.zeros(0), FREE, cash=10)
    assert (len(done.equity), len(done.fills), len(done.trades)) == (0, 0, 0)
    brief = summarize(flat_bars(), np.zeros(0), FREE, cash=10, periods_per_year=1)
    assert (brief.final_equity, brief.total_return, brief.exposure) == (10, 0, 0)
    assert math.isnan(brief.bar_sharpe)


def test_a_summary_by_hand():
    bars = flat_bars(100, 100, 110, 99, 99, 99)
    brief = summarize(bars, np.array([1, 1, 1, 0, 0.5, 0]), FREE, cash=1_000, periods_per_year=6)
    returns = np.array([0, 0, 0.1, -0.1, 0, 0])
    assert brief.final_equity == pytest.approx(990)
    assert brief.total_return == pytest.approx(-0.01)
    assert (brief.trades, brief.wins, brief.losses, brief.draws) == (1, 0, 1, 0)
    assert brief.max_drawdown == pytest.approx(-0.1)
    assert brief.bar_sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * 6**0.5)
    assert brief.exposure == pytest.approx(4 / 6)
    assert brief.turnover == pytest.approx(1_000 + 990 + 495)


def test_a_round_trip_that_neither_wins_nor_loses_is_a_draw():
    brief = summarize(flat_bars(100, 100, 100, 100), np.array([1, 0, 0, 0]), FREE, cash=1_000, periods_per_year=1)
    assert (brief.trades, brief.draws) == (1, 1)


def test_sharpe_is_undefined_when_the_equity_does_not_vary():
    assert math.isnan(summarize(flat_bars(1, 1, 1), np.zeros(3), FREE, cash=1, periods_per_year=1).bar_sharpe)
    assert math.isnan(summarize(flat_bars(1), np.zeros(1), FREE, cash=1, periods_per_year=1).bar_sharpe)


def test_prepared_bars_give_the_same_numbers():
    bars, targets = flat_bars(100, 101, 99, 102, 100), np.array([1, 0.5, 0, 1, 0])
    funding = FundingRates(bars.time, np.full(5, 0.01))
    market = prepare(bars, funding)
    again = run(market, targets, Execution(), cash=50)
    assert again.digest() == run(bars, targets, Execution(), cash=50, funding=funding).digest()
    assert summarize(market, targets, Execution(), cash=50, periods_per_year=1).funding == pytest.approx(
        again.trades.funding.sum()
    )


def test_a_run_keeps_no_hold_on_the_inputs():
    bars, targets = flat_bars(100, 100, 120), np.array([1.0, 1.0, 1.0])
    first = run(bars, targets, FREE, cash=10)
    digest = first.digest()
    targets[:] = 0.0
    bars.close[:] = 1.0
    assert first.digest() == digest


@pytest.mark.parametrize(
    ("stop", "open_", "reason", "price", "fee"),
    [
        (0.05, 85.0, "stop_loss", 85.0, 0.01),  # 95 lies before the liquidation at 81
        (0.05, 70.0, "stop_loss", 80.0, 0.0),  # past both, and past the margin: the loss ends there, nothing is left
        (None, 80.5, "liquidation", 80.5, 0.0),
        (0.5, 80.5, "liquidation", 80.5, 0.0),  # 50 lies behind it
    ],
)
def test_behind_a_gap_the_level_passed_first_gives_the_reason(stop, open_, reason, price, fee):
    rules = Execution(taker_fee=0.01, leverage=5.0, stop_loss=stop, liquidation_fee=0.0, maintenance_margin=0.012345679)
    done = run(flat_bars(100, 100, open_), np.array([5.0, np.nan, np.nan]), rules, cash=1_000)
    fill = len(done.fills) - 1
    assert EXIT_REASONS[int(done.trades.reason[0])] == reason
    assert done.fills.price[fill] == pytest.approx(price, rel=1e-9)
    assert done.fills.fee[fill] == pytest.approx(fee * price * abs(done.fills.quantity[fill]), abs=1e-9)
