import numpy as np
import pytest

from tallow.core import engine
from tallow.core.metrics import METRICS, buy_hold_pct, summary
from tallow.core.portfolio import account_run, portfolio_summary, run
from tallow.domain.scene import Execution
from tallow.domain.timeframes import parse_timeframe

NAN = float("nan")
HOUR = parse_timeframe("1h")


def test_of_one_instrument_they_are_those_of_its_run(still):
    bars, execution = still([10, 11, 12, 11, 13, 12, 12]), Execution(taker_fee=0.001)
    targets = np.array([1.0, NAN, 0.0, 1.0, NAN, 0.0, NAN])
    alone = engine.run(bars, targets, execution, cash=1_000.0)
    book = run({"A/USDT": bars}, targets[:, None], execution, cash=1_000.0)
    expected = summary(alone, bars, HOUR, execution, 1_000.0)
    assert portfolio_summary(book, HOUR, execution) == expected
    assert set(expected) == set(METRICS)


def test_the_account_has_all_fills_and_trades_by_entry(still):
    bars = {"A/USDT": still([10, 10, 10, 20, 20]), "B/USDT": still([10, 10, 5, 5, 5])}
    weights = np.full((5, 2), NAN)
    weights[0, 1], weights[1, 0], weights[3, 1] = 0.5, 0.5, 0.0
    done = run(bars, weights, {name: Execution(taker_fee=0.0) for name in bars}, cash=1_000.0)
    whole = account_run(done)
    # B: 50 units at 10, then at 5. A: half of the 750 that are left, 37.5 units.
    assert whole.trades.entry_row.tolist() == [1, 2]
    assert whole.trades.profit.tolist() == [-250, 375]
    assert whole.position.tolist() == [0, 500, 625, 1_000, 750]
    assert whole.target.tolist() == [0.5, 1, 1, 0.5, 0.5]
    found = portfolio_summary(done, HOUR, {name: Execution(taker_fee=0.0) for name in bars})
    assert (found["trades"], found["losses"], found["open_trades"]) == (1, 1, 1)
    assert found["turnover"] == 500 + 375 + 250
    assert found["exposure_pct"] == 80
    assert found["buy_hold_pct"] == pytest.approx((100 - 50) / 2)


def test_buy_and_hold_is_undefined_when_one_could_not_be_bought(still):
    bars = {"A/USDT": still([10, 10]), "B/USDT": still([10], [1])}
    done = run(bars, np.zeros((2, 2)), Execution(), cash=1_000.0)
    assert buy_hold_pct(bars["B/USDT"], Execution()) is None
    assert portfolio_summary(done, HOUR, Execution())["buy_hold_pct"] is None
