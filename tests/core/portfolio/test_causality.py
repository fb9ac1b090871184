"""Portfolio strategies that read the future, each in its own way, and such that do not."""

import numpy as np
import pytest

from tallow.core.causality import replace_future, truncate
from tallow.core.portfolio import align, close_table, equal_weight, inverse_volatility, momentum
from tallow.core.portfolio.causality import carrier, certify_weights, follow, joint_run, single_run
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.timeframes import HOUR

ROWS = 120


def drawn(seed, first=0, last=ROWS, holes=False):
    draw = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(draw.normal(0, 0.02, ROWS)))
    opened = np.concatenate((close[:1], close[:-1]))
    high, low = np.maximum(opened, close) * 1.01, np.minimum(opened, close) * 0.99
    kept = (np.arange(ROWS) >= first) & (np.arange(ROWS) < last) & ~(holes & (draw.random(ROWS) < 0.15))
    columns = (opened, high, low, close, draw.uniform(1, 5, ROWS))
    return Bars.of(np.flatnonzero(kept) * HOUR, tuple(column[kept] for column in columns))


@pytest.fixture
def market():
    """Four instruments: a whole one, one with holes, one that is listed late and one that is delisted early."""
    return {
        "A/USDT": drawn(1),
        "B/USDT": drawn(2, holes=True),
        "C/USDT": drawn(3, first=30),
        "D/USDT": drawn(4, last=90),
    }


def closes(frames):
    return close_table(align(frames))


def filled(table):
    """Last known values; NaN before the first."""
    place = np.maximum.accumulate(np.where(np.isnan(table), -1, np.arange(len(table))[:, None]), axis=0)
    return np.where(place >= 0, np.take_along_axis(table, np.maximum(place, 0), axis=0), np.nan)


def gains(frames):
    """Changes of the close in every row; 0 where they are not known."""
    table = filled(closes(frames))
    return np.vstack((np.zeros((1, table.shape[1])), np.nan_to_num(table[1:] / table[:-1] - 1)))


def shares(raw):
    total = np.abs(raw).sum(axis=1, keepdims=True)
    return np.divide(raw, total, out=np.zeros_like(raw), where=total > 0)


# Leaky


def best_of_the_whole_history(frames):
    """Rank by the return over all rows."""
    table = filled(closes(frames))
    total = [column[~np.isnan(column)][-1] / column[~np.isnan(column)][0] if (column == column).any() else 0.0
             for column in table.T]  # fmt: skip
    return np.tile((np.array(total) == max(total)).astype(float), (len(table), 1))


def covariance_of_all_rows(frames):
    """Weigh by the inverse of a covariance that is estimated from all rows."""
    moved = gains(frames)
    matrix = np.cov(moved.T) + 1e-6 * np.eye(moved.shape[1])
    return np.tile(shares(np.linalg.solve(matrix, np.ones(len(matrix)))[None, :]), (len(moved), 1))


def normalised_by_all_rows(frames):
    """Divide a causal signal by its deviation over all rows."""
    signal = np.cumsum(gains(frames), axis=0)
    return np.tanh(signal / (signal.std(axis=0) + 1e-9)) / len(frames)


def next_bar_of_one_asset(frames):
    """Follow the past in all assets but one, and in that one the next bar."""
    moved = gains(frames)
    moved[:, 2] = np.concatenate((moved[1:, 2], [0.0]))
    return shares(np.maximum(moved, 0.0))


def survivors(frames):
    """Hold what still exists at the end of the data."""
    table = closes(frames)
    return np.tile(shares((~np.isnan(table[-1])).astype(float)[None, :]), (len(table), 1))


def longest_lived(frames):
    """Hold what has the most bars of all."""
    counts = np.array([len(bars) for bars in frames.values()], float)
    return np.tile(shares((counts == counts.max()).astype(float)[None, :]), (len(closes(frames)), 1))


def centred_volatility(frames):
    """Estimate volatility from a window that reaches as far ahead as back."""
    moved = gains(frames) ** 2
    window = np.ones(11) / 11
    spread = np.column_stack([np.convolve(column, window, mode="same") for column in moved.T])
    return shares(1.0 / (spread + 1e-6))


def filled_backwards(frames):
    """Give an asset that is not listed yet its first price."""
    table = closes(frames)
    place = np.minimum.accumulate(np.where(np.isnan(table), len(table), np.arange(len(table))[:, None])[::-1], axis=0)[
        ::-1
    ]
    known = np.take_along_axis(table, np.minimum(place, len(table) - 1), axis=0)
    return shares(np.nan_to_num(np.where(place < len(table), 1.0 / known, 0.0)))


def most_traded_of_all(frames):
    """Choose the universe by the volume of all rows."""
    volume = np.array([bars.volume.mean() if len(bars) else 0.0 for bars in frames.values()])
    return np.tile((volume >= np.median(volume)) / len(volume), (len(closes(frames)), 1))


def largest_gross_of_all(frames):
    """Scale so that the largest row of all is fully invested."""
    raw = np.abs(np.cumsum(gains(frames), axis=0))
    return raw / (raw.sum(axis=1).max() + 1e-12)


def lead_of_another_asset(frames):
    """Trade one asset on the next bar of another."""
    moved = gains(frames)
    found = np.zeros_like(moved)
    found[:-1, 1] = (moved[1:, 0] > 0).astype(float)
    return found


LEAKY = (
    best_of_the_whole_history, covariance_of_all_rows, normalised_by_all_rows, next_bar_of_one_asset, survivors,
    longest_lived, centred_volatility, filled_backwards, most_traded_of_all, largest_gross_of_all,
    lead_of_another_asset,
)  # fmt: skip


# Clean


def equally(frames):
    """All that is listed."""
    return equal_weight(closes(frames))


def by_inverse_volatility(frames):
    """The built-in rule."""
    return inverse_volatility(closes(frames), window=10)


def by_momentum(frames):
    """The built-in rule, both sides."""
    return momentum(closes(frames), window=12, top=1, short=True)


def lag_of_another_asset(frames):
    """Trade one asset on the last bar of another."""
    moved = gains(frames)
    found = np.zeros_like(moved)
    found[:, 1] = (moved[:, 0] > 0).astype(float)
    return found


def expanding_covariance(frames):
    """Estimate the covariance from the rows so far, once a day."""
    moved = gains(frames)
    found = np.full(moved.shape, np.nan)
    for row in range(24, len(moved), 24):
        matrix = np.cov(moved[: row + 1].T) + 1e-6 * np.eye(moved.shape[1])
        found[row] = shares(np.linalg.solve(matrix, np.ones(len(matrix)))[None, :])[0]
    return found


def normalised_so_far(frames):
    """Divide a signal by its largest size so far."""
    signal = np.cumsum(gains(frames), axis=0)
    return signal / (np.maximum.accumulate(np.abs(signal), axis=0) + 1e-9) / len(frames)


def most_traded_so_far(frames):
    """Hold the asset with the largest volume so far."""
    panel = align(frames)
    volume = np.zeros((len(panel), len(frames)))
    for i, market in enumerate(panel.markets):
        volume[panel.rows_of(i), i] = market.columns.volume
    total = np.cumsum(volume, axis=0)
    return (total == total.max(axis=1, keepdims=True)).astype(float)


CLEAN = (
    equally, by_inverse_volatility, by_momentum, lag_of_another_asset, expanding_covariance, normalised_so_far,
    most_traded_so_far,
)  # fmt: skip


@pytest.mark.parametrize("strategy", LEAKY, ids=lambda one: one.__name__)
def test_a_strategy_that_reads_the_future_is_found(strategy, market):
    found = certify_weights(strategy, market)
    assert found.verdict == "leaky", found.reason
    finding = found.findings[0]
    assert finding.row <= finding.cut
    assert finding.before != finding.after
    assert finding.hint.partition(":")[0] in market
    assert strategy(market)[finding.row, list(market).index(finding.hint.partition(":")[0])] == finding.before


@pytest.mark.parametrize("strategy", CLEAN, ids=lambda one: one.__name__)
def test_a_strategy_that_does_not_is_certified(strategy, market):
    found = certify_weights(strategy, market)
    assert found.verdict == "certified", found.reason
    assert "each of 4 instruments alone" in found.reason


def ends_with_the_others(frames):
    """Hold an asset if its bars end when those of the first one do: no joint future shows it."""
    last = [bars.time.max(initial=0) for bars in frames.values()]
    return np.tile(np.array([time == last[0] for time in last], float) / len(last), (len(closes(frames)), 1))


def before_the_listing(frames):
    """Sell an asset before its first bar, if that will be a red one."""
    table = closes(frames)
    found = np.zeros(table.shape)
    bars = frames["C/USDT"]
    first = np.flatnonzero(~np.isnan(table[:, 2]))
    if len(first) and bars.close[0] < bars.open[0] * 1.1:
        found[first[0] - 1, 2] = -1.0
    return found


@pytest.mark.parametrize(("strategy", "first"), [(ends_with_the_others, 0), (before_the_listing, 30)])
def test_what_only_one_asset_can_show_is_found_by_changing_it_alone(strategy, first):
    market = {"A/USDT": drawn(1), "B/USDT": drawn(2), "C/USDT": drawn(3, first=first)}
    found = certify_weights(strategy, market)
    assert found.verdict == "leaky", found.reason
    finding = found.findings[0]
    assert finding.row <= finding.cut
    assert strategy(market)[finding.row, list(market).index(finding.hint.partition(":")[0])] == finding.before
    assert finding.before != finding.after


def test_a_strategy_that_cannot_do_without_one_asset_is_unknown():
    def needs_all(frames):
        if len({len(bars) for bars in frames.values()}) > 1:
            raise UserError("STRATEGY_FAILED", "the tables differ in length")
        return equal_weight(closes(frames))

    found = certify_weights(needs_all, {"A/USDT": drawn(1), "B/USDT": drawn(2)})
    assert found.verdict == "unknown"
    assert found.reason.startswith("A/USDT alone: it fails on the first")


def test_one_asset_and_short_ones_are_certified_together():
    alone = certify_weights(equally, {"A/USDT": drawn(1)})
    assert alone.verdict == "certified"
    assert "alone" not in alone.reason
    assert certify_weights(equally, {"A/USDT": drawn(1), "B/USDT": drawn(2, first=118)}).verdict == "certified"


def test_a_carrier_passes_its_changes_on_in_proportion_and_upside_down(market):
    panel = align(market)
    leader = carrier(panel)
    moved = follow(panel, leader, replace_future(leader, 59, "up"), market)
    for symbol, bars in market.items():
        known = bars.time <= panel.time[59]
        assert moved[symbol].time.tolist() == bars.time.tolist()
        assert moved[symbol].close[known].tolist() == bars.close[known].tolist()
        assert np.isnan(moved[symbol].quote_volume).all()
        assert (moved[symbol].high >= moved[symbol].low).all()
    rise, fall = moved["A/USDT"].close[60] / market["A/USDT"].close[59], moved["B/USDT"].close
    assert rise > 1.3
    assert fall[-1] < 0.8 * market["B/USDT"].close[market["B/USDT"].time <= panel.time[59]][-1]
    shorter = follow(panel, leader, truncate(leader, 19), market)
    assert [len(shorter[symbol]) for symbol in ("A/USDT", "C/USDT")] == [20, 0]
    same = follow(panel, leader, leader, market)
    assert same["B/USDT"].close.tolist() == market["B/USDT"].close.tolist()


def test_no_difference_in_any_column_is_lost(market):
    base = np.tile([[0.25, 0.25, 0.25, 0.25]], (len(align(market)), 1))
    for column in range(4):
        other = base.copy()
        other[50, column] = np.nan
        alone = single_run(lambda _, o=other: o, market, base, "A/USDT")(market["A/USDT"])
        assert np.flatnonzero(alone < 0).tolist() == [50]
    swapped = base.copy()
    swapped[50] += [1e-6, -1e-6, 0, 0]  # whose sum is the same
    assert np.flatnonzero(joint_run(lambda _: swapped, market, base)(carrier(align(market))) < 0).tolist() == [50]


def test_weights_of_another_shape_are_refused(market):
    with pytest.raises(UserError) as caught:
        certify_weights(lambda frames: np.ones(3), market)
    assert caught.value.code == "WEIGHTS_SHAPE"
