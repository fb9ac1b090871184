"""Targets of coarse bars on fine ones: same decisions, filled at the first fine open after the coarse close."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.bars import resample
from tallow.core.engine import run, run_path
from tallow.core.indicators import sma
from tallow.core.strategies import Strategy, decide_on_coarser, decider, decision_rows, onto_finer, sma_cross
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.ranges import parse_time
from tallow.domain.results import EXIT_REASONS
from tallow.domain.scene import Execution
from tallow.domain.timeframes import DAY, HOUR, MINUTE, parse_timeframe

HOURLY = parse_timeframe("1h")


def minutes(count, seed=5):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.002, count)))
    opened = np.concatenate(([100.0], close[:-1])) * (1 + rng.normal(0, 1e-4, count))
    high = np.maximum(opened, close) * (1 + rng.random(count) / 900)
    low = np.minimum(opened, close) * (1 - rng.random(count) / 900)
    return Bars.of(np.arange(count) * MINUTE, (opened, high, low, close, rng.uniform(1, 9, count)))


@given(st.integers(0, 2**31), st.lists(st.booleans(), min_size=2, max_size=60), st.sampled_from(["next_open", "close"]))
@settings(max_examples=40, deadline=None)
def test_fine_bars_that_are_the_coarse_ones_change_nothing(seed, present, fill):
    bars = minutes(len(present), seed)[np.array(present)]
    targets = np.random.default_rng(seed).choice([0.0, 0.5, 1.0, np.nan], len(bars))
    spread = onto_finer(targets, bars, bars, timeframe=parse_timeframe("1m"))
    assert np.array_equal(spread, targets, equal_nan=True)
    under = Execution(fill=fill, stop_loss=0.003, take_profit=0.004)
    one, other = (run(bars, chosen, under, cash=1_000.0) for chosen in (targets, spread))
    assert one.digest() == other.digest()


def test_an_order_fills_at_the_open_of_the_first_fine_bar_after_the_coarse_close():
    fine = minutes(600)
    coarse = resample(fine, HOURLY)
    targets = np.array([0.0, 1.0, np.nan, 0.0, 0.5, 0.5, 0.0, 0.0, 1.0, 0.0])
    done = run(fine, onto_finer(targets, coarse, fine), Execution(taker_fee=0.0), cash=1_000.0)
    assert done.fills.time.tolist() == [2 * HOUR, 4 * HOUR, 5 * HOUR, 7 * HOUR, 9 * HOUR]
    assert np.array_equal(done.fills.price, fine.open[[120, 240, 300, 420, 540]])
    on_coarse = run(coarse, targets, Execution(taker_fee=0.0), cash=1_000.0)
    assert np.array_equal(on_coarse.fills.price, done.fills.price)
    assert np.array_equal(on_coarse.fills.quantity, done.fills.quantity)


def test_fine_bars_tell_which_of_stop_and_target_came_first():
    fine = minutes(6_000, seed=11)
    coarse = resample(fine, HOURLY)
    targets = sma_cross(coarse, fast=2, slow=5)
    under = Execution(stop_loss=0.008, take_profit=0.008)
    rough = run(coarse, targets, under, cash=1_000.0)
    settled = run(fine, onto_finer(targets, coarse, fine), under, cash=1_000.0)
    assert rough.ambiguous_bars > 0
    assert settled.ambiguous_bars < rough.ambiguous_bars


def test_decisions_inside_a_hole_of_the_fine_bars_wait_for_its_end():
    fine = minutes(300)
    coarse = resample(fine, HOURLY)
    holed = fine[(fine.time < HOUR) | (fine.time >= 4 * HOUR + 30 * MINUTE)]
    spread = onto_finer(np.array([0.0, 1.0, 0.5, np.nan, 0.0]), coarse, holed)
    assert np.flatnonzero(~np.isnan(spread)).tolist() == [59, 89]
    assert spread[59] == 0.5
    assert spread[89] == 0.0


def test_decisions_older_than_the_fine_bars_stand_on_the_first():
    fine = minutes(300)
    coarse = resample(fine, HOURLY)
    spread = onto_finer(np.array([1.0, 0.5, np.nan, 0.0, 1.0]), coarse, fine[150:])
    assert np.flatnonzero(~np.isnan(spread)).tolist() == [0, 89, 149]
    assert spread[0] == 0.5


def test_nothing_stays_nothing():
    fine = minutes(4)
    assert onto_finer(np.array([]), fine[:0], fine).tolist() == pytest.approx([np.nan] * 4, nan_ok=True)
    assert onto_finer(np.array([1.0]), fine[:1], fine[:0]).tolist() == []
    with pytest.raises(UserError) as caught:
        onto_finer(np.array([1.0]), fine, fine)
    assert caught.value.code == "TARGET_LENGTH"


def test_months_need_their_name():
    time = np.array([parse_time(f"2024-{month:02}-01") for month in (1, 2, 3)])
    column = np.ones(3)
    coarse = Bars.of(time, (column, column, column, column, column))
    days = (parse_time("2024-04-05") - int(time[0])) // DAY
    column = np.ones(days)
    fine = Bars.of(time[0] + np.arange(days) * DAY, (column, column, column, column, column))
    with pytest.raises(UserError, match="cannot be told") as caught:
        decision_rows(coarse, fine)
    assert caught.value.code == "BAD_TIMEFRAME"
    assert decision_rows(coarse, fine, parse_timeframe("1M")).tolist() == [30, 59, 90]
    with pytest.raises(UserError, match="closer together") as caught:
        decision_rows(fine, fine, parse_timeframe("1w"))
    assert caught.value.code == "BAD_TIMEFRAME"


class Dip(Strategy):
    window = 4

    def init(self):
        self.average = self.indicator(sma, self.bars.close, self.window)

    def next(self):
        if self.position == 0 and self.bars.close[-1] < 0.999 * self.average[-1]:
            self.buy()
        elif self.position > 0 and self.bars.close[-1] > 1.001 * self.entry_price:
            self.close_position()


def test_a_class_decides_at_coarse_closes_with_the_account_of_the_fine_bars():
    fine = minutes(6_000, seed=12)
    coarse, under = resample(fine, HOURLY), Execution(stop_loss=0.02)
    same = run_path(fine, decide_on_coarser(decider(Dip, {}, fine), fine, fine), under, cash=1_000.0)
    assert same.digest() == run_path(fine, decider(Dip, {}, fine), under, cash=1_000.0).digest()
    done = run_path(fine, decide_on_coarser(decider(Dip, {}, coarse), coarse, fine), under, cash=1_000.0)
    orders = done.fills.time[done.fills.reason == EXIT_REASONS.index("target")]
    assert len(orders) > 2
    assert set(orders % HOUR) == {0}


def test_of_several_decisions_at_one_fine_bar_the_last_counts():
    fine = minutes(300)
    coarse = resample(fine, HOURLY)
    said = iter([1.0, 0.5, np.nan, 0.25, np.nan])
    asked = []

    def decide(row, account):
        asked.append((row, account))
        return next(said)

    late = decide_on_coarser(decide, coarse, fine[200:])
    answers = [late(row, row) for row in range(100)]
    assert asked == [(0, 0), (1, 0), (2, 0), (3, 39), (4, 99)]
    assert answers[0] == 0.5
    assert answers[39] == 0.25
    assert np.isnan([answers[1], answers[99]]).all()
