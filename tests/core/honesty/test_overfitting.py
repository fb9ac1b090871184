import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tallow.core.honesty.overfitting import block_sums, overfitting
from tallow.core.metrics.returns import sharpe
from tallow.domain.errors import UserError


def slow_overfitting(table, blocks):
    """The published procedure on the returns themselves, with the Sharpe ratio of the metrics."""
    rows = np.arange(len(table))
    pieces = np.split(rows, (np.arange(blocks) * len(table) // blocks)[1:])
    logits, inside, outside, chosen = [], [], [], []
    for half in itertools.combinations(range(blocks), blocks // 2):
        near = np.concatenate([pieces[at] for at in half])
        far = np.setdiff1d(rows, near)
        ratios = [sharpe(column[near], 1.0) or 0.0 for column in table.T]
        others = [sharpe(column[far], 1.0) or 0.0 for column in table.T]
        best = int(np.argmax(ratios))
        share = stats.rankdata(others)[best] / (table.shape[1] + 1)
        logits.append(math.log(share / (1 - share)))
        inside.append(ratios[best])
        outside.append(others[best])
        chosen.append(best)
    return logits, inside, outside, chosen


@pytest.mark.parametrize(("rows", "trials", "blocks"), [(40, 2, 2), (41, 7, 4), (97, 10, 6), (64, 600, 4), (203, 5, 8)])
def test_every_halving_is_that_of_the_published_procedure(rows, trials, blocks):
    table = np.random.default_rng(rows).standard_t(4, (rows, trials)) * 0.01 + 0.002
    logits, inside, outside, chosen = slow_overfitting(table, blocks)
    found = overfitting(table, blocks)
    assert found.chosen.tolist() == chosen
    assert found.logits == pytest.approx(np.array(logits))
    assert found.in_sample == pytest.approx(np.array(inside))
    assert found.out_of_sample == pytest.approx(np.array(outside))
    assert found.probability == np.mean(np.array(logits) <= 1e-12)
    assert found.loss_probability == np.mean(np.array(outside) < 0)
    line = stats.linregress(inside, outside)
    assert (found.slope, found.intercept) == pytest.approx((line.slope, line.intercept))
    assert (found.trials, found.blocks, found.halvings) == (trials, blocks, math.comb(blocks, blocks // 2))


def test_by_hand():
    # Two trials, two blocks: the first is best in the first block and worst in the second, and the other way round.
    table = np.array([[2.0, -1.0], [1.0, -2.0], [-2.0, 1.0], [-1.0, 2.0]])
    found = overfitting(table, 2)
    assert found.chosen.tolist() == [0, 1]
    assert found.logits == pytest.approx(np.log([1 / 2, 1 / 2]))  # rank 1 of 2: w = 1/3
    assert (found.probability, found.loss_probability) == (1.0, 1.0)
    assert found.in_sample == pytest.approx([1.5 / math.sqrt(0.5)] * 2)
    assert found.out_of_sample == pytest.approx([-1.5 / math.sqrt(0.5)] * 2)
    assert (found.slope, found.intercept) == (None, None)


def test_trials_that_stand_still_count_as_nothing():
    table = np.zeros((20, 3))
    table[:, 1] = -0.01 + 0.001 * np.arange(20.0) % 0.003
    found = overfitting(table, 4)
    assert set(found.chosen) == {0}
    assert set(found.out_of_sample) == {0.0}
    assert found.logits == pytest.approx(np.log(2.5 / 1.5))  # two share the ranks 2 and 3 of 3
    assert found.probability == found.loss_probability == 0.0


def test_equal_trials_share_the_middle():
    column = np.random.default_rng(1).standard_normal(30)
    assert overfitting(np.column_stack([column] * 4), 4).logits == pytest.approx(0.0)


def test_trials_can_come_one_after_the_other():
    table = np.random.default_rng(1).standard_normal((50, 9))
    one_by_one, whole = overfitting((column for column in table.T), 4), overfitting(table, 4)
    reduced = overfitting(block_sums(table, 4))
    assert one_by_one.logits.tolist() == whole.logits.tolist() == reduced.logits.tolist()
    assert one_by_one.to_dict() == whole.to_dict()
    assert set(whole.to_dict()) == {
        "probability", "slope", "intercept", "loss_probability", "trials", "blocks", "halvings"
    }  # fmt: skip


@given(st.integers(0, 1_000), st.floats(1e-6, 1e3), st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_neither_the_unit_nor_the_order_of_trials_matters(seed, unit, trials):
    table = np.random.default_rng(seed).standard_normal((40, trials))
    found, other = overfitting(table, 4), overfitting(table[:, ::-1] * unit, 4)
    assert other.logits == pytest.approx(found.logits)
    assert (trials - 1 - other.chosen == found.chosen).all()


def test_all_rows_are_in_a_block():
    sums = block_sums(np.arange(22.0).reshape(11, 2), 4)
    assert sums.rows.tolist() == [2, 3, 3, 3]
    assert sums.mean.tolist() == [10.0, 11.0]
    assert sums.sums[0].tolist() == [-18.0, -18.0]
    assert sums.squares[0].tolist() == [164.0, 164.0]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: overfitting(np.zeros((50, 2)), 5), "BAD_PARAMETER"),
        (lambda: overfitting(np.zeros((50, 2)), 0), "BAD_PARAMETER"),
        (lambda: overfitting(np.zeros((500, 2)), 22), "BAD_PARAMETER"),
        (lambda: overfitting(np.zeros((50, 1)), 4), "BAD_PARAMETER"),
        (lambda: overfitting(iter([]), 4), "BAD_PARAMETER"),
        (lambda: overfitting([np.zeros(50), np.zeros(49)], 4), "BAD_PARAMETER"),
        (lambda: overfitting(np.full((50, 2), np.nan), 4), "BAD_PARAMETER"),
        (lambda: overfitting(np.zeros((7, 2)), 4), "TOO_FEW_BARS"),
    ],
)
def test_what_makes_no_sense_is_refused(call, code):
    with pytest.raises(UserError, match=code):
        call()
