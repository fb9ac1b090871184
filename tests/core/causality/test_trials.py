import numpy as np
import pytest

from tallow.core.causality.trials import Trials
from tallow.domain.errors import UserError


def past(bars):
    return np.append(np.nan, np.sign(np.diff(bars.close)))


def ahead(bars):
    return np.append(np.sign(np.diff(bars.close)), 0.0)


def begin(run, bars):
    return Trials(run, bars, run(bars))


@pytest.mark.parametrize("method", ["truncate", "down", "up:40", "noise:1"])
def test_a_causal_run_passes_every_trial(bars, method):
    trials = begin(past, bars)
    assert trials.attempt(100, method) is None
    assert trials.tested == {method: {100}}
    assert trials.cuts == {100}
    assert trials.runs == 2


def test_a_difference_names_its_rows_and_output(bars):
    trials = begin(ahead, bars)
    found = trials.attempt(100, "down") or trials.attempt(100, "up")
    assert found.cut == 100
    assert found.rows.tolist() == [100]
    assert found.output[100] == -trials.base[100]
    assert trials.again(found)


def test_a_trial_is_run_once(bars):
    trials = begin(past, bars)
    trials.attempt(100, "flat")
    trials.attempt(100, "flat")
    assert trials.runs == 2


def test_a_failure_is_kept_with_its_message_and_not_repeated(bars):
    def short_of_breath(given):
        if len(given) < 200:
            raise UserError("STRATEGY_FAILED", "too short")
        return past(given)

    trials = begin(short_of_breath, bars)
    assert trials.attempt(100, "truncate") is None
    assert trials.attempt(100, "truncate") is None
    assert trials.failed == {"truncate": {100: "too short"}}
    assert trials.runs == 2
    assert trials.cuts == set()


def test_what_does_not_repeat_is_noticed(bars):
    draw = np.random.default_rng(0)
    trials = begin(lambda given: draw.normal(size=len(given)), bars)
    assert not trials.again(trials.attempt(100, "down"))


def test_comb_suspects_the_row_before_a_disturbed_bar(bars):
    trials = begin(ahead, bars)
    rows = [100, 150, 200]
    suspects = trials.comb(rows, "opposite")
    assert suspects == [99]  # what changes before every disturbed bar is as good as an exact trial
    assert trials.touched == set()


def test_comb_passes_rows_that_keep_their_value(bars):
    trials = begin(past, bars)
    assert trials.comb([100, 150, 200], "opposite") == []
    assert trials.touched == {99, 149, 199}


def test_comb_puts_isolated_changes_first(bars):
    def cumulative(given):  # a long memory and one look ahead
        out = np.cumsum(given.close > np.append(given.close[:1], given.close[:-1])) % 2.0
        out[149] += 10 * (given.close[150] > given.close[149]) if len(given) > 150 else 0
        return out

    trials = begin(cumulative, bars)
    suspects = trials.comb([100, 150, 200], "opposite")
    assert 149 in suspects
    assert 99 in trials.touched


def test_comb_that_fails_tells_nothing(bars):
    def picky(given):
        if abs(given.close[100] / bars.close[100] - 1) > 0.1:
            raise UserError("STRATEGY_FAILED", "strange price")
        return past(given)

    trials = begin(picky, bars)
    assert trials.comb([100], "opposite") == []
    assert trials.touched == set()


def rounded(size):
    """Add a tiny amount that depends on the number of bars alone, as rounding may."""
    return lambda given: past(given) + size * (len(given) % 2 or len(given) > 299)


@pytest.mark.parametrize(("size", "differs"), [(1e-8, False), (1e-5, True)])
def test_rounding_that_depends_on_the_length_alone_is_no_difference(bars, size, differs):
    trials = begin(rounded(size), bars)
    found = trials.attempt(101, "truncate") or trials.attempt(102, "truncate")
    assert (found is not None) == differs


def test_a_tiny_leak_is_no_rounding(bars):
    trials = begin(lambda given: past(given) + 1e-8 * ahead(given), bars)
    assert trials.attempt(100, "truncate") is not None


def test_a_tiny_difference_stands_where_no_other_future_runs(bars):
    def picky(given):
        if len(given) == len(bars) and not np.array_equal(given.close, bars.close):
            raise UserError("STRATEGY_FAILED", "other prices")
        return rounded(1e-8)(given)

    trials = begin(picky, bars)
    assert trials.attempt(101, "truncate") is not None or trials.attempt(102, "truncate") is not None
