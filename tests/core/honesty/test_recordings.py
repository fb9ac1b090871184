"""The scores of real markets are what is known of them."""

import numpy as np
import polars as pl
import pytest

from tallow.core.honesty import (
    Evidence,
    Resampling,
    block_length,
    independent_count,
    overfitting,
    permutation_test,
    score,
    startup_sensitivity,
)
from tallow.core.indicators import ema, sma
from tallow.core.splits import WalkForward
from tallow.domain.columns import Bars

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def hourly(shared_data):
    path = shared_data / "binance/spot/klines-1h-long/BTC_USDT-1h.feather"
    table = pl.read_ipc(path)
    columns = tuple(table[name].to_numpy().astype(float) for name in ("open", "high", "low", "close", "volume"))
    return Bars.of(table["date"].dt.epoch("us").to_numpy(), columns)


def daily_returns(bars):
    close = bars.close[23::24]
    return np.diff(close) / close[:-1]


def test_holding_bitcoin_has_a_wide_interval(hourly):
    found = score(daily_returns(hourly), evidence=Evidence(closed_trades=1), resampling=Resampling(1_000))
    assert 0.3 < found.value < 2.0
    assert found.high - found.low > 1.0
    assert found.intervals["max_drawdown"].value < -0.7
    assert found.verdict == "not meaningful"  # one decision


def test_returns_of_bitcoin_hardly_follow_each_other_and_its_volatility_does(hourly):
    returns = daily_returns(hourly)
    assert independent_count(returns) > 0.7 * len(returns)
    assert block_length(np.abs(returns)) > 3 * block_length(returns)
    assert independent_count(np.abs(returns)) < 0.4 * len(returns)


def test_crossings_chosen_in_one_half_are_not_the_best_of_the_other(hourly):
    change = np.diff(hourly.close) / hourly.close[:-1]
    pairs = [(fast, slow) for fast in (5, 10, 20, 40) for slow in (60, 100, 160, 240)]
    held = [(sma(hourly.close, fast) > sma(hourly.close, slow))[:-1] * 1.0 for fast, slow in pairs]
    trials = [line * change - 0.001 * np.abs(np.diff(line, prepend=0.0)) for line in held]
    found = overfitting(iter(trials), 12)
    assert (found.trials, found.halvings) == (16, 924)
    assert 0.0 < found.probability < 1.0
    assert found.out_of_sample.mean() < found.in_sample.mean()


def test_the_crossing_stands_among_random_entries_as_a_full_count_says(hourly):
    close = hourly.close[-5_000:]
    targets = sma(close, 20) > sma(close, 100)
    found = permutation_test(targets[100:], close[100:], cost_rate=0.001, permutations=500)
    assert found.holdings == np.sum(np.diff(targets[100:].astype(int), prepend=0) == 1)
    assert found.distinct == 500
    assert found.exposure == targets[100:].mean()


def test_walk_forward_covers_the_years_once(hourly):
    splits = WalkForward(train=8_760, test=730, purge=24, partial=True).split(len(hourly))
    assert sum(len(split.test_rows) for split in splits) == len(hourly) - 8_784
    times = [(hourly.time[split.train_rows[-1]], hourly.time[split.test_rows[0]]) for split in splits]
    assert all(after - before >= 25 * 3_600_000_000 for before, after in times)


@pytest.mark.parametrize(("line", "bars"), [(sma, (48, 48)), (ema, (300, 700))])
def test_averages_of_real_prices_settle(hourly, line, bars):
    found = startup_sensitivity(lambda part: line(part.close, 48), hourly[-4_000:])
    assert bars[0] <= found.warm_up <= bars[1]
