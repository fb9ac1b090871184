import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallow.core.causality import change_rows
from tallow.core.causality.search import exposed_changes, first_look, further, needed, spread, truncations
from tallow.core.causality.trials import Trials
from tallow.domain.errors import UserError


def begin(run, bars, **options):
    return Trials(run, bars, run(bars), **options)


def crossing(bars):
    return np.where(bars.close > np.cumsum(bars.close) / np.arange(1, len(bars) + 1), 1.0, 0.0)


def momentum(bars):
    return np.append(0.0, np.sign(np.diff(bars.close)))


def played(trials, plan):
    done = list(plan)
    for cut, method in done:
        assert trials.attempt(cut, method) is None
    return done


@given(st.lists(st.integers(), max_size=60))
def test_spread_loses_and_adds_nothing(rows):
    assert sorted(spread(rows)) == sorted(rows)


def test_every_beginning_of_a_spread_covers_the_whole():
    first = sorted(spread(list(range(100)))[:10])
    gaps = np.diff([0, *first, 100])
    assert gaps.max() <= 20


def test_every_change_row_is_tested_by_truncation_and_by_opposing_futures(bars):
    trials = begin(crossing, bars)
    done = set(needed(trials))
    changes = [row for row in change_rows(trials.base) if row < len(bars) - 1]
    assert changes
    for row in changes:
        assert (row, "truncate") in done
        assert (row, "flat:40") in done
        assert (row, "down:40") in done or (row, "up:40") in done


def test_truncations_can_be_left_to_another_process(bars):
    trials = begin(momentum, bars)
    alone = {cut for cut, method in needed(trials) if method == "truncate"}
    shared = {cut for cut, method in needed(trials, truncated_elsewhere=True) if method == "truncate"}
    assert set(truncations(trials)) <= alone
    assert len(shared) < len(alone) / 3


def test_other_futures_stand_in_where_the_opposite_one_fails(bars):
    def timid(given):
        moves = np.abs(np.diff(np.log(given.close)))
        if moves.max(initial=0) > 0.1:
            raise UserError("STRATEGY_FAILED", "strange price")
        return crossing(given)

    trials = begin(timid, bars)
    methods = set()
    for cut, method in needed(trials):
        methods.add(method)
        trials.attempt(cut, method)
    assert {"mirror", "noise"} <= methods
    assert set(exposed_changes(trials)) <= trials.cuts


def test_where_nearly_every_row_changes_a_part_is_truncated_and_every_row_replaced(bars):
    long = type(bars)(*(np.concatenate([getattr(bars, name)] * 6) for name in bars.__dataclass_fields__))
    trials = begin(lambda given: given.close.copy(), long)
    done = set(needed(trials))
    assert len(truncations(trials)) == 750
    assert {cut for cut, method in done if method in ("down:40", "up:40")} == set(exposed_changes(trials))
    assert not any(method == "flat:40" for _, method in done)


def test_a_part_of_the_change_rows_will_do_when_asked(bars):
    trials = begin(momentum, bars, at_most=5)
    assert len(exposed_changes(trials)) == 5
    assert truncations(trials) == exposed_changes(trials)


def test_first_look_finds_a_plain_look_ahead_in_two_runs(bars):
    trials = begin(lambda given: np.append(np.sign(np.diff(given.close)), 0.0), bars)
    assert first_look(trials) is not None
    assert trials.runs == 3


def test_first_look_tells_nothing_of_a_causal_run(bars):
    assert first_look(begin(momentum, bars)) is None


def test_further_reaches_every_row_by_every_future(bars):
    short = bars[:40]
    trials = begin(crossing, short)
    done = played(trials, further(trials))
    assert trials.touched | trials.cuts == set(range(39))
    assert {cut for cut, method in done if method == "truncate"} == set(range(39))
    assert {"wild:40", "noise:40", "mirror:40"} <= {method for _, method in done}


def test_further_of_an_output_that_always_changes_needs_no_comb(bars):
    short = bars[:40]
    trials = begin(lambda given: given.close.copy(), short)
    played(trials, further(trials))
    assert trials.touched == set()


@pytest.mark.parametrize("count", [3, 4, 7])
def test_few_bars_have_a_plan_too(bars, count):
    trials = begin(momentum, bars[:count])
    played(trials, needed(trials))
    assert max(trials.cuts) == count - 2
