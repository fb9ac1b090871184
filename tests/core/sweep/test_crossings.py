from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.engine import prepare
from tallow.core.indicators import ema, sma
from tallow.core.sweep import Spread, crossings, sweep
from tallow.core.sweep.crossings import _BLOCK, can_cross
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.errors import UserError
from tallow.domain.scene import Execution

HOUR = 3_600_000_000
AVERAGES = {"sma": sma, "ema": ema}


def walk(rows, seed=7, halts=0.02):
    random = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.01, rows))), 2)
    opened = np.concatenate(([100.0], close[:-1]))
    volume = np.where(random.random(rows) < halts, 0.0, 50.0)
    return Bars.of(
        np.arange(rows) * HOUR, (opened, np.maximum(opened, close), np.minimum(opened, close), close, volume)
    )


def by_rule(bars, pairs, execution, average):
    line = AVERAGES[average]

    def rule(lines, chosen):
        return lines(line, "close", chosen["fast"]) > lines(line, "close", chosen["slow"])

    return sweep(bars, rule, [{"fast": fast, "slow": slow} for fast, slow in pairs], execution, cash=1_000.0)


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize(
    "execution", [Execution(fill="close"), Execution(slippage_bps=3), Execution(fill="close", taker_fee=0.0)]
)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 600)), min_size=1, max_size=6),
    st.integers(2, 3 * _BLOCK + 5),
    st.integers(0, 1_000),
    st.integers(1, 3),
)
@settings(max_examples=8, deadline=None)
def test_every_number_is_that_of_the_rule_alone_bit_for_bit(average, execution, pairs, rows, seed, threads):
    bars = walk(rows, seed)
    with ThreadPoolExecutor(threads) as pool:
        spread = Spread(threads, pool.map)
        found = crossings(bars, pairs, execution, cash=1_000.0, average=average, spread=spread)
    expected = by_rule(bars, pairs, execution, average)
    assert found.keys() == expected.keys()
    for name, column in expected.items():
        np.testing.assert_array_equal(found[name], column, err_msg=name)


@pytest.mark.parametrize("rows", [_BLOCK - 1, _BLOCK, _BLOCK + 1, 4 * _BLOCK])
def test_borders_of_blocks_change_nothing(rows):
    bars, pairs = walk(rows, halts=0.0), [(2, 5), (5, 20), (20, 2), (3, rows + 1), (4, 4)]
    found = crossings(bars, pairs, Execution(), cash=1_000.0)
    for name, column in by_rule(bars, pairs, Execution(), "sma").items():
        np.testing.assert_array_equal(found[name], column)
    assert found["trades"][3:].tolist() == [0.0, 0.0]


def test_prepared_bars_are_taken_as_they_are():
    bars = walk(800)
    plain = crossings(bars, [(3, 9)], Execution(), cash=1_000.0)
    assert crossings(prepare(bars), [(3, 9)], Execution(), cash=1_000.0) == plain


def test_no_pairs_no_columns():
    assert crossings(walk(10), [], Execution(), cash=1.0) == {}


def test_what_it_does_not_know_is_refused():
    bars = walk(50)
    assert can_cross(prepare(bars), Execution(slippage_bps=5, taker_fee=0.1))
    paid = prepare(bars, FundingRates(bars.time[:1], np.ones(1)))
    for market, execution in ((prepare(bars), Execution(stop_loss=0.1)), (paid, Execution())):
        with pytest.raises(UserError) as raised:
            crossings(market, [(2, 3)], execution, cash=1.0)
        assert raised.value.code == "BAD_SETTING"
    with pytest.raises(UserError, match="hma"):
        crossings(bars, [(2, 3)], Execution(), cash=1.0, average="hma")
    with pytest.raises(UserError, match="window"):
        crossings(bars, [(0, 3)], Execution(), cash=1.0)


def test_many_windows_and_pairs_share_one_block():
    # So many lines that their memory comes from the system: the kernel must not work in memory that was given back.
    bars = walk(2 * _BLOCK + 9)
    pairs = [(fast, slow) for fast in range(2, 62, 2) for slow in range(70, 470, 10)]
    found = crossings(bars, pairs, Execution(), cash=1_000.0)
    some = slice(0, None, 97)
    for name, column in by_rule(bars, pairs[some], Execution(), "sma").items():
        np.testing.assert_array_equal(found[name][some], column)
