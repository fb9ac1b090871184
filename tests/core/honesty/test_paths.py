import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.honesty.paths import path_permutation_test, shuffled
from tallow.domain.columns import COLUMNS, Bars
from tallow.domain.errors import UserError


def market(seed, count):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.standard_normal(count) * 0.02))
    start = close * np.exp(rng.standard_normal(count) * 0.01)
    high, low = np.maximum(close, start) * 1.003, np.minimum(close, start) * 0.998
    return Bars.of(np.arange(count) * 60, (start, high, low, close, rng.random(count)), trades=np.arange(count) * 1.0)


@given(st.integers(0, 100), st.integers(2, 40))
@settings(max_examples=30, deadline=None)
def test_shuffled_bars_are_the_same_moves_in_another_order(seed, count):
    bars = market(seed, count)
    mixed = shuffled(bars, seed, 3)
    order = mixed.trades.astype(int)
    assert order[0] == 0
    assert sorted(order) == list(range(count))
    assert mixed.time.tolist() == bars.time.tolist()
    assert mixed.volume.tolist() == bars.volume[order].tolist()
    assert np.isnan(mixed.quote_volume).all()
    for name in ("open", "high", "low", "close"):
        own, drawn = getattr(bars, name), getattr(mixed, name)
        assert drawn[1:] / mixed.close[:-1] == pytest.approx((own[1:] / bars.close[:-1])[order[1:] - 1])
        assert drawn[0] == own[0]
    assert mixed.close[-1] == pytest.approx(bars.close[-1])
    assert (mixed.high >= np.maximum(mixed.open, mixed.close)).all()
    assert (mixed.low <= np.minimum(mixed.open, mixed.close)).all()


def test_all_columns_are_shuffled():
    assert set(COLUMNS) == {
        "time", "open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_volume",
        "taker_buy_quote_volume",
    }  # fmt: skip


def test_the_order_depends_on_seed_and_number():
    bars = market(1, 30)
    first = shuffled(bars, 0, 0).trades.tolist()
    assert first == shuffled(bars, 0, 0).trades.tolist()
    assert first != shuffled(bars, 0, 1).trades.tolist()
    assert first != shuffled(bars, 1, 0).trades.tolist()


def test_buy_and_hold_is_no_edge_in_a_market_that_rose():
    close = np.exp(np.arange(60.0) / 10)
    bars = Bars.of(np.arange(60), (close, close, close, close, close))
    found = path_permutation_test(lambda bars: np.ones(len(bars)), bars, permutations=100)
    assert (found.p_value, found.holdings, found.exposure, found.method) == (1.0, 1, 1.0, "shuffled bars")
    assert found.observed == pytest.approx(np.exp(5.9) - 1)


def test_an_edge_in_the_order_of_bars_is_found_and_costs_are_charged():
    rng = np.random.default_rng(2)
    steps = rng.standard_normal(600) * 0.01
    for at in range(1, 600):
        steps[at] += 0.4 * steps[at - 1]
    close = 100 * np.exp(np.cumsum(steps))
    bars = Bars.of(np.arange(600), (close, close, close, close, close))

    def rule(bars):
        return np.where(np.diff(bars.close, prepend=100.0) > 0, 1.0, -1.0)

    found = path_permutation_test(rule, bars, permutations=100)
    assert found.p_value == 1 / 101
    assert found.holdings == np.sum(np.diff(rule(bars)) != 0) + 1
    assert path_permutation_test(rule, bars, cost_rate=0.01, permutations=100).observed < found.observed
    assert found == path_permutation_test(rule, bars, permutations=100)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: path_permutation_test(lambda bars: bars.close, market(0, 2)), "TOO_FEW_BARS"),
        (lambda: path_permutation_test(lambda bars: bars.close[1:], market(0, 20)), "BAD_OUTPUT"),
        (lambda: path_permutation_test(lambda bars: bars.close / 0.0, market(0, 20)), "BAD_PARAMETER"),
        (lambda: path_permutation_test(lambda bars: bars.close, market(0, 20), permutations=99), "BAD_PARAMETER"),
        (lambda: path_permutation_test(lambda bars: bars.close, market(0, 20), cost_rate=-1), "BAD_PARAMETER"),
        (lambda: path_permutation_test(lambda bars: bars.close, market(0, 20), seed=-1), "BAD_PARAMETER"),
    ],
)
def test_what_makes_no_sense_is_refused(call, code):
    with np.errstate(divide="ignore"), pytest.raises(UserError, match=code):
        call()
