import dataclasses
import inspect

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallow.core import indicators
from tallow.core.strategies import BUILT_IN, bind
from tallow.core.strategies.built_in import adx, bollinger, cci, ema_cross, macd, rsi, sma_cross, trix
from tallow.domain.columns import COLUMNS
from tallow.domain.errors import UserError

SHORT = {name: {"short": True} for name in BUILT_IN if name != "buy_and_hold"}


@pytest.mark.parametrize("name", BUILT_IN)
def test_targets_are_long_or_flat_one_a_bar_and_flat_during_the_start_up(name, walk):
    for rows in (0, 1, 2_000):
        targets = BUILT_IN[name](walk(rows))
        assert targets.shape == (rows,)
        assert targets.dtype in (np.float64, np.bool_)
        assert set(targets) <= {0.0, 1.0}
    if name != "buy_and_hold":
        assert set(targets[:14]) == {0.0}
        assert 1.0 in targets


@pytest.mark.parametrize("name", SHORT)
def test_short_mirrors_a_mirrored_market(name, walk):
    targets = BUILT_IN[name](walk(600), short=True)
    assert {-1.0, 0.0, 1.0} >= set(targets) >= {-1.0, 1.0}
    # Where the long-only rule is long, so is the other one.
    np.testing.assert_array_equal(BUILT_IN[name](walk(600)), np.maximum(targets, 0.0))


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("name", SHORT)
@given(seed=st.integers(0, 5_000), cut=st.integers(1, 299), factor=st.sampled_from([0.5, 0.97, 1.03, 2.0]))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_target_does_not_depend_on_later_bars(name, short, walk, seed, cut, factor):
    # A published rule looked one bar ahead for peaks of TRIX.
    bars = walk(300, seed)
    known = np.arange(300) < cut
    changed = dataclasses.replace(
        bars,
        **{column: np.where(known, getattr(bars, column), getattr(bars, column) * factor) for column in COLUMNS[1:]},
    )
    whole, other, cut_off = (BUILT_IN[name](b, short=short) for b in (bars, changed, bars[:cut]))
    np.testing.assert_array_equal(whole[:cut], other[:cut])
    np.testing.assert_array_equal(whole[:cut], cut_off)


def test_sma_and_ema_cross_compare_their_averages(walk):
    bars = walk(300)
    fast, slow = indicators.sma(bars.close, 5), indicators.sma(bars.close, 20)
    np.testing.assert_array_equal(sma_cross(bars, fast=5, slow=20, short=True)[19:], np.sign(fast - slow)[19:])
    fast, slow = indicators.ema(bars.close, 5), indicators.ema(bars.close, 20)
    np.testing.assert_array_equal(ema_cross(bars, fast=5, slow=20)[19:], (fast > slow)[19:])


def states(line, enter, leave):
    """The rule as a loop over bars."""
    held, found = 0.0, []
    for row in range(len(line)):
        held = 1.0 if enter(row) else 0.0 if leave(row) else held
        found.append(held)
    return found


def test_rsi_holds_between_its_levels(walk):
    bars = walk(500, 3)
    line = indicators.rsi(bars.close, 5)
    expected = states(line, lambda row: line[row] < 30, lambda row: line[row] > 70)
    assert rsi(bars, window=5).tolist() == expected
    assert rsi(bars, window=5, short=True)[line > 70].tolist() == [-1.0] * int((line > 70).sum())


def test_bollinger_holds_from_the_band_to_the_middle(walk):
    bars = walk(500, 4)
    upper, middle, lower = indicators.bollinger(bars.close, 10, 1.5)
    close = bars.close
    long = states(close, lambda row: close[row] < lower[row], lambda row: close[row] >= middle[row])
    short = states(close, lambda row: close[row] > upper[row], lambda row: close[row] <= middle[row])
    assert bollinger(bars, window=10, width=1.5).tolist() == long
    assert bollinger(bars, window=10, width=1.5, short=True).tolist() == (np.array(long) - short).tolist()


def test_bollinger_leaves_at_the_very_middle(walk):
    # Window 2 and width 0.5: the bands are a quarter of the last step away from the middle; an equal close is on it.
    bars = walk(6, close=[10.0, 10.0, 8.0, 8.0, 9.0, 9.0])
    assert bollinger(bars, window=2, width=0.5, short=True).tolist() == [0.0, 0.0, 1.0, 0.0, -1.0, 0.0]


def test_macd_adx_cci_and_trix_follow_their_lines(walk):
    bars = walk(400, 5)
    found = indicators.macd(bars.close)
    assert macd(bars).tolist() == (found.line > found.signal).tolist()
    strength, plus, minus = indicators.adx(bars.high, bars.low, bars.close, 7)
    expected = np.where(strength > 30, np.sign(plus - minus), 0.0)
    assert adx(bars, window=7, threshold=30.0, short=True)[13:].tolist() == expected[13:].tolist()
    line = indicators.cci(bars.high, bars.low, bars.close, 10)
    assert cci(bars, window=10, level=80.0, short=True).tolist() == ((line > 80) * 1.0 - (line < -80)).tolist()
    line = indicators.trix(bars.close, 6)
    assert trix(bars, window=6, signal=4).tolist() == (line > indicators.ema(line, 4)).tolist()


def test_a_hole_in_the_prices_is_flat(walk):
    bars = walk(300, 6)
    close = bars.close.copy()
    close[150] = np.nan
    holed = dataclasses.replace(bars, close=close)
    for name in SHORT:
        assert BUILT_IN[name](holed, short=True)[150] == 0.0


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("sma_cross", {"fast": 20, "slow": 20}), ("sma_cross", {"fast": 0}), ("ema_cross", {"slow": 3}),
        ("macd", {"fast": 30}), ("rsi", {"low": 70.0, "high": 30.0}), ("rsi", {"window": 0}), ("cci", {"level": -1.0}),
        ("cci", {"level": np.nan}), ("bollinger", {"width": 0.0}), ("adx", {"window": 0}), ("trix", {"signal": 0}),
    ],
)  # fmt: skip
def test_bad_parameters(name, parameters, walk):
    with pytest.raises(UserError) as caught:
        BUILT_IN[name](walk(50), **parameters)
    assert caught.value.code == "BAD_PARAMETER"


def test_the_table_is_complete_fixed_and_says_each_rule_in_one_sentence():
    assert list(BUILT_IN) == [
        "buy_and_hold", "sma_cross", "ema_cross", "rsi", "macd", "adx", "cci", "bollinger", "trix"
    ]  # fmt: skip
    with pytest.raises(TypeError):
        BUILT_IN["mine"] = len
    for rule in BUILT_IN.values():
        assert inspect.getdoc(rule).splitlines()[0].endswith(".")
        assert bind(rule, {}) == {
            name: item.default for name, item in list(inspect.signature(rule).parameters.items())[1:]
        }


def test_no_column_is_written(walk):
    bars = walk(200)
    for column in COLUMNS:
        getattr(bars, column).flags.writeable = False
    for rule in BUILT_IN.values():
        assert len(rule(bars)) == 200
