import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.engine import prepare, run, summarize
from tallow.core.engine.segments import BLOCK, LEVELS, block_extremes, extremes_of_runs, find_changes, sum_returns
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.scene import Execution

HOUR = 3_600_000_000
CASH = 1_000.0
SETTINGS = [
    Execution(fill="close"),
    Execution(slippage_bps=5, volume_impact=0.1, min_notional=5.0, lot_size=0.01, tick_size=0.01),
    Execution(stop_loss=0.02, take_profit=0.03),
    Execution(trailing_stop=0.03),
    Execution(allow_short=True, leverage=3.0, maintenance_margin=0.1),
    Execution(allow_short=True, fill="close", stop_loss=0.05),
]


def walk(rows, seed, halts=0.02):
    random = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.01, rows))), 2)
    opened = np.round(np.concatenate(([100.0], close[:-1])) * (1 + random.normal(0, 0.001, rows)), 2)
    high, low = np.maximum(opened, close) * 1.003, np.minimum(opened, close) * 0.997
    volume = np.where(random.random(rows) < halts, 0.0, 50.0)
    return Bars.of(np.arange(rows) * HOUR, (opened, high, low, close, volume))


def held(rows, seed, low):
    random = np.random.default_rng(seed + 1)
    levels = random.choice([low, 0.0, 0.5, 1.0, np.nan], rows)
    return np.where(random.random(rows) < 0.05, levels, np.nan)


def naive_changes(targets):
    kept, found = 0.0, []
    for row, target in enumerate(targets):
        if target == target and target != kept:
            kept = float(target)
            found.append((row, kept))
    return found


@given(st.lists(st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, float("nan")]), max_size=3 * BLOCK), st.integers(0, 200))
@settings(max_examples=60, deadline=None)
def test_changes_are_those_that_a_loop_finds(values, quiet):
    targets = np.concatenate((values, np.zeros(quiet), values)) if values else np.zeros(quiet)
    rows, kept = find_changes(targets)
    assert list(zip(rows.tolist(), kept.tolist(), strict=True)) == naive_changes(targets)


@given(st.lists(st.booleans(), max_size=3 * BLOCK))
@settings(max_examples=40, deadline=None)
def test_truth_values_change_as_numbers_do(values):
    truth = np.array(values, np.bool_)
    rows, kept = find_changes(truth.view(np.uint8))
    assert list(zip(rows.tolist(), kept.tolist(), strict=True)) == naive_changes(truth.astype(float))


@pytest.mark.parametrize("rows", [1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 7])
def test_blocks_know_their_extremes(rows):
    prices = walk(rows, 3).close
    low, high = block_extremes(prices.view(np.int64), prices.view(np.int64))
    blocks = [prices[start : start + BLOCK] for start in range(0, rows, BLOCK)]
    assert low.view(np.float64).tolist() == [block.min() for block in blocks]
    assert high.view(np.float64).tolist() == [block.max() for block in blocks]


@pytest.mark.parametrize("blocks", [1, 2, 100, 3 << LEVELS])
def test_runs_of_blocks_know_their_extremes(blocks):
    least = np.random.default_rng(blocks).integers(0, 1_000_000, blocks)
    low, high = extremes_of_runs(least, least + 5)
    for level in range(LEVELS):
        for first in (0, blocks // 2, blocks - 1):
            run_of = least[first : first + (1 << level)]
            assert (low[level, first], high[level, first]) == (run_of.min(), run_of.max() + 5)


@given(st.integers(0, 10_000), st.sampled_from([-1.0, 0.7, 1.0]), st.floats(-0.002, 0.002))
@settings(max_examples=25, deadline=None)
def test_a_position_held_for_long_falls_as_deep_as_bar_by_bar(seed, target, drift):
    rows = 700 * BLOCK + 13
    random = np.random.default_rng(seed)
    close = np.exp(np.cumsum(random.normal(drift / 100, 0.001, rows)))
    bars = Bars.of(np.arange(rows) * HOUR, (close, close, close, close, np.ones(rows)))
    targets = np.full(rows, np.nan)
    targets[int(random.integers(0, 300))] = target
    execution = Execution(allow_short=target < 0)
    found = summarize(bars, targets, execution, cash=CASH, periods_per_year=1.0)
    levels = np.concatenate(([CASH], run(bars, targets, execution, cash=CASH).equity))
    assert found.max_drawdown == -float(np.max(1.0 - levels / np.maximum.accumulate(levels)))


def test_returns_are_summed_up_to_every_row():
    close = np.array([100.0, 110.0, 99.0])
    returns, squares = sum_returns(close)
    assert returns.tolist() == pytest.approx([0.0, 0.1, 0.0], abs=1e-15)
    assert squares.tolist() == pytest.approx([0.0, 0.01, 0.02], abs=1e-15)


@pytest.mark.parametrize("execution", SETTINGS)
@given(st.integers(0, 10_000), st.integers(2, 700), st.booleans())
@settings(max_examples=12, deadline=None)
def test_a_summary_has_the_numbers_of_every_bar(execution, seed, rows, paid):
    bars = walk(rows, seed)
    funding = FundingRates(bars.time[::8], np.full(len(bars.time[::8]), 3e-4)) if paid else None
    targets = held(rows, seed, -1.0 if execution.allow_short else 0.0)
    market = prepare(bars, funding)
    found = summarize(market, targets, execution, cash=CASH, periods_per_year=1.0)
    equity = run(market, targets, execution, cash=CASH).equity
    levels = np.concatenate(([CASH], equity))
    peaks = np.maximum.accumulate(levels)
    # Depth to the last bit: the deepest fall is the smallest of the same divisions.
    assert found.max_drawdown == -max(0.0, float(np.max(1.0 - levels / peaks)))
    assert found.final_equity == equity[-1]
    before = levels[:-1]
    returns = np.where(before > 0.0, (equity - before) / np.where(before > 0.0, before, 1.0), 0.0)
    spread = returns.std(ddof=1)
    if spread > 1e-9:
        assert found.bar_sharpe == pytest.approx(returns.mean() / spread, rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("jump", [1e3, 1e6, 1e12])
def test_a_jump_of_the_price_does_not_spoil_the_ratio_of_what_was_earned_elsewhere(jump):
    bars = walk(700, 4, halts=0.0)
    scale = np.where(np.arange(700) < 350, 1.0, jump)
    prices = tuple(getattr(bars, name) * scale for name in ("open", "high", "low", "close"))
    bars = Bars.of(bars.time, (*prices, bars.volume))
    targets = np.where((np.arange(700) > 20) & (np.arange(700) < 300), 1.0, 0.0)
    found = summarize(bars, targets, Execution(), cash=CASH, periods_per_year=1.0)
    levels = np.concatenate(([CASH], run(bars, targets, Execution(), cash=CASH).equity))
    returns = np.diff(levels) / levels[:-1]
    assert found.bar_sharpe == pytest.approx(returns.mean() / returns.std(ddof=1), rel=1e-9)


def test_truth_values_and_numbers_give_the_same_run():
    bars = walk(500, 5)
    truth = np.random.default_rng(1).random(500) > 0.5
    numbers = run(bars, truth.astype(float), Execution(), cash=CASH)
    assert run(bars, truth, Execution(), cash=CASH).digest() == numbers.digest()
    other = summarize(bars, truth.astype(float), Execution(), cash=CASH, periods_per_year=1.0)
    assert summarize(bars, truth, Execution(), cash=CASH, periods_per_year=1.0) == other


def test_a_rule_that_is_not_used_changes_no_number():
    # Funding of 0 takes the variant with every rule, no funding the one without.
    bars, targets = walk(600, 9), held(600, 9, 0.0)
    nothing = FundingRates(bars.time[5:6], np.zeros(1))
    plain = run(bars, targets, Execution(), cash=CASH)
    assert run(bars, targets, Execution(), cash=CASH, funding=nothing).digest() == plain.digest()
    same = [
        summarize(bars, targets, Execution(), cash=CASH, funding=given, periods_per_year=1.0)
        for given in (None, nothing)
    ]
    # The bar with the funding ends a stretch, so returns are added in another order.
    assert [one._replace(bar_sharpe=0.0) for one in same[:1]] == [one._replace(bar_sharpe=0.0) for one in same[1:]]
    assert same[0].bar_sharpe == pytest.approx(same[1].bar_sharpe, rel=1e-12)
