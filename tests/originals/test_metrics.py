"""Mistake 8: figures that are not what their names say."""

import math

import numpy as np
import pytest

import tallow
from tallow.core.engine import run
from tallow.core.metrics import growth, sharpe, summary
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.scene import Execution
from tallow.domain.timeframes import parse_timeframe
from tallow.flows.report.definitions import DEFINITIONS
from tallow.runners.frames import to_frame

QUARTER = parse_timeframe("15m")


def test_fifteen_minutes_are_not_trading_days(market):
    bars = market(4 * 24 * 3 - 50, seconds=900)
    done = run(bars, np.ones(len(bars)), Execution(), cash=1_000.0)
    found = summary(done, bars, QUARTER, Execution(), 1_000.0)
    returns = growth(done.equity, 1_000.0)
    assert QUARTER.per_year == 4 * 24 * 365
    mistaken = sharpe(returns, 252.0)
    assert mistaken is not None
    assert sharpe(returns, QUARTER.per_year) / mistaken == pytest.approx(math.sqrt(35_040 / 252))
    assert math.sqrt(35_040 / 252) == pytest.approx(11.79, abs=0.005)
    assert found["sharpe_n"] <= len(returns)


def test_the_length_of_the_bars_cannot_be_mistaken(market, lake):
    frame = to_frame(market(300, seconds=900))
    with pytest.raises(UserError, match="900 s apart") as caught:
        tallow.backtest("buy_and_hold", timeframe="1h", data=frame, lake=lake, check=False)
    assert caught.value.code == "BAD_TIMEFRAME"
    with pytest.raises(UserError) as caught:
        tallow.backtest("buy_and_hold", timeframe="1m", data=frame, lake=lake, check=False)
    assert caught.value.code == "BAD_TIMEFRAME"
    done = tallow.backtest("buy_and_hold", timeframe="15m", data=frame, lake=lake, check=False)
    assert len(done.equity) == 300


def test_sharpe_is_of_returns_not_of_levels(market):
    bars = market(24 * 30)
    done = run(bars, np.ones(len(bars)), Execution(), cash=1_000.0)
    found = summary(done, bars, parse_timeframe("1h"), Execution(), 1_000.0)["sharpe"]
    levels = float(np.mean(done.equity) / np.std(done.equity, ddof=1) * math.sqrt(365))
    assert abs(found) < abs(levels) / 10
    meaning = {one.key: one.meaning for one in DEFINITIONS}
    assert "returns" in meaning["sharpe"]
    assert "365" in meaning["sharpe"]


def test_wins_are_counted_by_trade_not_by_bar():
    # One trade of many rising bars and one of a single falling bar: half of the trades win, most bars do.
    close = np.array([100.0, 100, 101, 102, 103, 104, 105, 105, 105, 95, 95, 95])
    bars = Bars.of(np.arange(12) * 3_600_000_000, (close, close, close, close, np.ones(12)))
    targets = np.array([1.0, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0])
    done = run(bars, targets, Execution(maker_fee=0.0, taker_fee=0.0), cash=1_000.0)
    found = summary(done, bars, parse_timeframe("1h"), Execution(), 1_000.0)
    assert (found["trades"], found["wins"], found["losses"]) == (2, 1, 1)
    assert found["win_rate_pct"] == 50.0
    by_bar = np.diff(done.equity)
    assert np.mean(by_bar[by_bar != 0] > 0) > 0.8


def test_counts_are_counted(market):
    bars = market(2_000)
    targets = (np.arange(2_000) // 20 % 2).astype(float)
    done = run(bars, targets, Execution(), cash=1_000.0)
    found = summary(done, bars, parse_timeframe("1h"), Execution(), 1_000.0)
    profits = done.trades.profit[: int(found["trades"])]
    assert found["wins"] == np.sum(profits > 0) > 0
    assert found["losses"] == np.sum(profits < 0) > 0
    assert found["wins"] + found["losses"] + found["draws"] == found["trades"]
