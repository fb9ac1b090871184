from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from scipy import signal, stats

from tallow.core.honesty import bootstrap as exported
from tallow.core.honesty.bootstrap import (
    METRICS,
    Interval,
    Resampling,
    bootstrap,
    max_drawdown,
    mean,
    total_return,
)
from tallow.core.metrics.returns import growth, sharpe
from tallow.domain.errors import UserError

GOLDEN = (-0.00815625, 0.01125)
ROW = np.random.default_rng(4).standard_t(5, 500) * 0.01 + 0.001


@pytest.mark.parametrize(
    ("metric", "returns", "expected"),
    [
        (mean, [0.1, 0.3], 0.2),
        (mean, [], None),
        (total_return, [0.1, -0.5], -0.45),
        (total_return, [], 0.0),
        (max_drawdown, [0.5, -0.2, 0.1, -0.5], -0.56),  # 1.5, 1.2, 1.32, 0.66
        (max_drawdown, [-0.1, 0.5], -0.1),  # the start is a peak
        (max_drawdown, [0.1, 0.1], 0.0),
        (max_drawdown, [], 0.0),
    ],
)
def test_metrics_by_hand(metric, returns, expected):
    assert metric(np.array(returns)) == pytest.approx(expected)


def test_metrics_are_the_ones_of_the_result():
    equity = 100 * np.cumprod(1 + ROW)
    assert METRICS["sharpe"](growth(equity, 100.0)) == pytest.approx(sharpe(ROW))
    assert total_return(ROW) == pytest.approx(equity[-1] / 100 - 1)


def test_the_same_seed_gives_the_same_interval_and_another_another():
    few = partial(bootstrap, ROW, {"mean": mean})
    first = few(Resampling(200, seed=7))["mean"]
    assert first == few(Resampling(200, seed=7))["mean"]
    assert first.low != few(Resampling(200, seed=8))["mean"].low


def test_the_numbers_of_a_seed_stay_what_they_are():
    row = np.array([0.01, -0.02, 0.03, 0.0, -0.01, 0.02, 0.01, -0.03])
    found = bootstrap(row, {"mean": mean}, Resampling(100, block=2.0, seed=5))["mean"]
    assert (round(found.low, 12), round(found.high, 12)) == GOLDEN


def test_numbers_do_not_depend_on_how_many_are_held_at_a_time(monkeypatch):
    import tallow.core.honesty.bootstrap  # the package has a function of this name

    whole = bootstrap(ROW, resampling=Resampling(300))
    module = __import__("sys").modules["tallow.core.honesty.bootstrap"]
    monkeypatch.setattr(module, "_CHUNK_BYTES", 7 * 8 * len(ROW))
    assert exported(ROW, resampling=Resampling(300)) == whole
    assert tallow.core.honesty.bootstrap is bootstrap


def test_blocks_have_geometric_lengths_and_wrap_round():
    rows = []

    def keep(row):
        rows.append(row.copy())
        return 0.0

    place = np.arange(50.0)
    bootstrap(place, {"keep": keep}, Resampling(400, block=5.0))
    table = np.array(rows[:-1])  # the last call has the returns themselves
    follows = np.diff(table, axis=1) % 50 == 1
    assert set(np.unique(table)) == set(place)
    # A row continues its block with 4/5, or begins one that happens to fit with 1/5 x 1/50.
    assert follows.mean() == pytest.approx(0.8 + 0.2 / 50, abs=0.01)
    assert ((table[:, 1:] == 0) & (table[:, :-1] == 49)).any()
    assert stats.chisquare(np.unique(table, return_counts=True)[1]).statistic < 50 * 9  # blocks of 5: 9 x as uneven


def test_blocks_of_one_are_independent_draws():
    found = bootstrap(ROW, {"mean": mean}, Resampling(4_000, block=1.0))["mean"]
    margin = 1.96 * np.std(ROW) / np.sqrt(len(ROW))
    assert (found.low, found.high) == pytest.approx((ROW.mean() - margin, ROW.mean() + margin), abs=0.05 * margin)


@pytest.mark.parametrize("block", [1.0, 3.0, 20.0])
def test_the_variance_of_the_mean_is_the_exact_one(block):
    # Politis and Romano (1994), formula 9: circular autocovariances, weighted by how often two rows stay together.
    row = np.convolve(np.random.default_rng(6).standard_normal(123), np.ones(4))[:120]
    count, keep, centred = len(row), 1 - 1 / block, row - row.mean()
    exact = float(centred @ centred) / count
    for lag in range(1, count):
        covariance = float(centred @ np.roll(centred, -lag)) / count
        together = (1 - lag / count) * keep**lag + lag / count * keep ** (count - lag)
        exact += together * covariance
    means = []
    bootstrap(row, {"m": lambda values: means.append(values.mean()) or 0.0}, Resampling(20_000, block=block))
    drawn = np.array(means[:-1])  # the last call has the returns themselves
    assert drawn.mean() == pytest.approx(row.mean(), abs=5 * np.sqrt(exact / count / 20_000))
    assert drawn.var() == pytest.approx(exact / count, rel=0.05)


def test_without_blocks_the_interval_of_followers_misses_the_truth():
    rng, hits = np.random.default_rng(12), {None: 0, 1.0: 0}
    for seed in range(150):
        row = signal.lfilter([1.0], [1.0, -0.5], rng.standard_normal(300)) + 0.2
        for block in hits:
            found = bootstrap(row, {"mean": mean}, Resampling(200, block=block, seed=seed))["mean"]
            hits[block] += found.low <= 0.2 <= found.high
    assert hits[1.0] < 125 < 130 < hits[None]


def test_a_metric_that_gives_nan_is_undefined():
    found = bootstrap(ROW, {"m": lambda row: float("nan")}, Resampling(100))["m"]
    assert (found.value, found.low, found.undefined) == (None, None, 100)


def test_longer_blocks_see_that_returns_follow_each_other():
    row = np.convolve(np.random.default_rng(2).standard_normal(1_000), np.ones(5)) * 0.01
    alone = bootstrap(row, {"mean": mean}, Resampling(1_000, block=1.0))["mean"]
    found = bootstrap(row, {"mean": mean}, Resampling(1_000))["mean"]
    assert found.block > 5.0
    assert 1.6 < (found.high - found.low) / (alone.high - alone.low) < 3.0  # sqrt(5) for endless blocks


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng, truth = np.random.default_rng(11), 0.1
    hits = 0
    for seed in range(200):
        row = rng.standard_t(6, 200) / np.sqrt(1.5) + truth
        found = bootstrap(row, {"sharpe": partial(sharpe, per_year=1.0)}, Resampling(200, confidence=0.9, seed=seed))
        hits += found["sharpe"].low <= truth <= found["sharpe"].high
    low, high = stats.binom.interval(0.999, 200, 0.9)
    assert low <= hits <= high


def test_compiled_metrics_are_welcome():
    @njit
    def last(row):
        return row[-1]

    assert bootstrap(ROW, {"last": last}, Resampling(100))["last"].value == ROW[-1]


def test_resamples_without_a_number_are_counted_and_left_out():
    row = np.zeros(8)
    row[3] = 0.01
    found = bootstrap(row, {"sharpe": sharpe}, Resampling(2_000, block=1.0))["sharpe"]
    # All draws miss the one that is not 0 with (7/8)^8 = 34 %.
    assert found.undefined == pytest.approx(0.344 * 2_000, rel=0.1)
    assert found.low <= found.value < found.high


@pytest.mark.parametrize("row", [[0.0] * 20, [0.01], []])
def test_without_a_number_there_is_no_interval(row):
    found = bootstrap(row, {"sharpe": sharpe}, Resampling(100))["sharpe"]
    assert found == Interval(None, None, None, 0.95, 100, 1.0, 100)


def test_a_number_that_most_resamples_miss_has_no_interval():
    row = np.zeros(40)
    row[0] = 0.01

    def needs_ten(values):
        return 1.0 if (values[:10] != 0).any() or values is row else None

    found = bootstrap(row, {"m": needs_ten}, Resampling(200, block=1.0))["m"]
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert found.undefined > 100


@given(st.integers(0, 100), st.integers(2, 40))
@settings(max_examples=20, deadline=None)
def test_ends_are_in_order_and_move_with_the_confidence(seed, count):
    row = np.random.default_rng(seed).standard_normal(count) * 0.01
    wide = bootstrap(row, {"mean": mean}, Resampling(200, confidence=0.99))["mean"]
    narrow = bootstrap(row, {"mean": mean}, Resampling(200, confidence=0.5))["mean"]
    assert row.min() <= wide.low <= narrow.low <= narrow.high <= wide.high <= row.max()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Resampling(99),
        lambda: Resampling(200.5),
        lambda: Resampling(seed=2**64),
        lambda: Resampling(block=0.5),
        lambda: Resampling(seed=-1),
        lambda: Resampling(confidence=1.0),
        lambda: bootstrap([np.nan]),
    ],
)
def test_what_makes_no_sense_is_refused(make):
    with pytest.raises(UserError, match="BAD_PARAMETER"):
        make()
