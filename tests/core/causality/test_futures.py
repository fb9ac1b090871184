from dataclasses import replace

import numpy as np
import pytest

from tallow.core.causality import FUTURES, disturb, replace_future, truncate
from tallow.core.causality.futures import opposite
from tallow.domain.columns import COLUMNS


def same(one, other, rows):
    return all(np.array_equal(getattr(one, name)[rows], getattr(other, name)[rows], equal_nan=True) for name in COLUMNS)


def test_truncate_keeps_the_cut(bars):
    assert len(truncate(bars, 9)) == 10
    assert same(truncate(bars, 9), bars, slice(0, 10))


@pytest.mark.parametrize("cut", [0, 1, 150, 298])
@pytest.mark.parametrize("name", FUTURES)
def test_a_replaced_future_leaves_the_past_and_is_valid(bars, name, cut):
    changed = replace_future(bars, cut, name)
    assert len(changed) == len(bars)
    assert same(changed, bars, slice(0, cut + 1))
    assert np.array_equal(changed.time, bars.time)
    later = changed[cut + 1 :]
    for price in (later.open, later.close):
        assert (later.low <= price + 1e-9).all()
        assert (price <= later.high + 1e-9).all()
    assert np.isfinite(later.close).all()
    assert (later.low > 0).all()
    assert (later.volume >= 0).all()
    assert not np.allclose(later.close, bars.close[cut + 1 :])


@pytest.mark.parametrize(("name", "sign"), [("down", -1), ("flat", 0), ("up", 1)])
def test_the_first_later_bar_goes_where_the_future_says(bars, name, sign):
    changed = replace_future(bars, 100, name)
    assert np.sign(changed.close[101] - bars.close[100]) == sign
    assert (changed.volume[101] == 0) == (name == "flat")


def test_mirror_turns_every_return(bars):
    changed = replace_future(bars, 100, "mirror")
    assert np.allclose(np.diff(np.log(changed.close[100:])), -np.diff(np.log(bars.close[100:])))


def test_a_future_may_end_soon(bars):
    assert len(replace_future(bars, 100, "down", 40)) == 141
    assert len(replace_future(bars, 290, "down", 40)) == len(bars)


def test_unknown_columns_stay_unknown_and_known_ones_known(bars):
    changed = replace_future(bars, 100, "up")
    assert np.isnan(changed.taker_buy_volume).all()
    assert np.isfinite(changed.quote_volume).all()
    assert np.isfinite(changed.trades).all()
    spiked = disturb(bars, [50], "opposite")
    assert np.isnan(spiked.taker_buy_quote_volume).all()
    assert spiked.quote_volume[50] != bars.quote_volume[50]


@pytest.mark.parametrize("name", ["opposite", "along", "flat"])
def test_disturb_changes_only_the_given_rows_against_their_direction(bars, name):
    rows = [20, 90, 200]
    changed = disturb(bars, rows, name)
    others = np.setdiff1d(np.arange(len(bars)), rows)
    assert same(changed, bars, others)
    for row in rows:
        moved, was = changed.close[row] - bars.close[row - 1], bars.close[row] - bars.close[row - 1]
        assert np.sign(moved * was) == {"flat": 0, "along": 1, "opposite": -1}[name]


def test_opposite_names_the_future_against_the_next_bar(bars):
    rises = bars.close[1:] >= bars.close[:-1]
    assert opposite(bars, int(np.argmax(rises))) == "down"
    assert opposite(bars, int(np.argmin(rises))) == "up"


def test_dead_markets_have_futures_too(bars):
    still = np.full(len(bars), 5.0)
    dead = replace(bars, open=still, high=still, low=still, close=still, volume=still * 0)
    for name in FUTURES:
        assert np.isfinite(replace_future(dead, 10, name).close).all()
