from pathlib import Path

import pytest

import tallow
from tallow.domain.errors import UserError


def test_a_notebook_seals_opens_and_lists(own_lake: Path) -> None:
    lake = tallow.open(str(own_lake))
    assert repr(lake.holdout) == "nothing is sealed"
    assert len(lake.holdout.list()) == 0
    made = lake.holdout.seal("BTC/USDT", start="2024-12-01")
    assert made.instrument == "simulated:BTC/USDT"
    with pytest.raises(UserError, match="SEALED"):
        tallow.backtest("buy_and_hold", timerange="2024-11-01..2025-01-01", lake=lake, check=False)
    with pytest.raises(UserError, match="SEALED"):
        tallow.check("buy_and_hold", timerange="2024-12-01..", lake=lake)
    with pytest.raises(UserError, match="SEALED"):
        tallow.sweep("sma_cross", {"fast": [5, 6]}, timerange="2024-11-01..2025-01-01", lake=lake, check=False)
    before = tallow.backtest("buy_and_hold", timerange="2024-11-01..", lake=lake, check=False)
    assert str(before.equity.index[-1]) == "2024-11-30 23:00:00+00:00"
    result = lake.holdout.open("buy_and_hold", params={}, check=False)
    assert str(result.equity.index[0]) == "2024-12-01 00:00:00+00:00"
    assert result.score is not None
    assert lake.holdout.open("buy_and_hold", check=False).key == result.key
    assert lake.holdout.list()["key"].tolist() == [result.key]
    assert repr(lake.holdout) == "simulated:BTC/USDT: opened by 1 version"
    assert {"model", "costs"} == set(result.ladder["kind"])


def test_a_portfolio_opens_what_is_sealed_of_all_its_symbols(own_lake: Path) -> None:
    lake, symbols = tallow.open(str(own_lake)), ["BTC/USDT", "ETH/USDT"]
    for symbol in symbols:
        lake.holdout.seal(symbol, start="2024-12-01")
    done = lake.holdout.open_portfolio("equal_weight", symbols, rebalance="daily", check=False)
    assert str(done.equity.index[0]) == "2024-12-01 00:00:00+00:00"
    assert lake.holdout.open_portfolio("equal_weight", symbols, rebalance="daily", check=False).key == done.key
    assert lake.holdout.list()["key"].tolist() == [done.key, done.key]
    assert done.replay().equal
