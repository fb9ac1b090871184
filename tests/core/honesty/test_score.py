import json
import math

import numpy as np
import pytest

from tallow.core.honesty import (
    Evidence,
    HonestScore,
    LeadIn,
    PermutationTest,
    Resampling,
    Startup,
    deflated_sharpe,
    luck,
    minimum_track_record,
    overfitting,
    permutation_test,
    probabilistic_sharpe,
    score,
    sharpe_sample,
    startup_sensitivity,
)
from tallow.core.metrics.returns import deviation, sharpe
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError

FEW = Resampling(200)
ROW = np.random.default_rng(3).standard_normal(700) * 0.01 + 0.0005


def codes(found):
    return [caveat.code for caveat in found.caveats]


def test_every_number_is_that_of_its_own_function():
    ratios = np.array([0.1, -0.4, np.nan, 1.2, 0.8])
    found, sample = score(ROW, trial_sharpes=ratios, per_year=252.0, resampling=FEW), sharpe_sample(ROW)
    root, spread = math.sqrt(252), deviation(ratios[np.isfinite(ratios)]) / math.sqrt(252)
    assert found.value == sharpe(ROW, 252.0)
    assert found.low < found.value < found.high
    assert (found.returns, found.trials, found.per_year) == (700, 5.0, 252.0)
    assert found.independent_returns == sample.length
    assert found.probability == probabilistic_sharpe(sample)
    assert found.deflated == deflated_sharpe(sample, 5, spread)
    assert found.luck == luck(sample, 5)
    assert found.trial_deviation == pytest.approx(spread * root)
    assert found.minimum_length == pytest.approx(minimum_track_record(sample) * 700 / sample.length)
    assert found.minimum_years == pytest.approx(found.minimum_length / 252)
    assert set(found.intervals) == {"mean", "max_drawdown", "total_return"}


def test_the_expected_best_is_annualised_like_the_ratio():
    one, many = score(ROW, resampling=FEW), score(ROW, trials=50, resampling=FEW)
    assert (one.trials, one.expected_best, one.deflated) == (1.0, 0.0, one.probability)
    # Without the trials' ratios: 2.25 deviations of chance, each 1 / sqrt(n - 1) a return.
    assert many.expected_best == pytest.approx(2.277 * math.sqrt(365 / (many.independent_returns - 1)), rel=1e-3)
    assert many.deflated < one.deflated
    assert codes(one) == ["SHORT_RECORD"] or one.minimum_length <= 700
    assert "UNKNOWN_TRIALS" in codes(many)


def test_equal_trials_deflate_nothing():
    found = score(ROW, trial_sharpes=[0.5] * 10, resampling=FEW)
    assert (found.trials, found.expected_best, found.trial_deviation) == (10.0, 0.0, 0.0)
    assert "UNKNOWN_TRIALS" not in codes(found)


@pytest.mark.parametrize("returns", [[], [0.01], [0.0] * 100, [0.01] * 100])
def test_without_a_ratio_nothing_is_said(returns):
    found = score(returns, trials=3, resampling=FEW)
    shown = (found.value, found.low, found.probability, found.deflated, found.luck, found.minimum_length)
    assert shown == (None,) * 6
    assert "NO_RATIO" in codes(found)
    assert (found.verdict, found.minimum_years) == ("not meaningful", None)


@pytest.mark.parametrize(
    ("returns", "evidence", "code", "verdict"),
    [
        (ROW[:20] + 0.02, Evidence(), "FEW_RETURNS", "not meaningful"),
        (ROW + 0.01, Evidence(closed_trades=29), "FEW_TRADES", "not meaningful"),
        (ROW + 0.01, Evidence(closed_trades=30), "", "edge shown"),
        (ROW - ROW.mean() + 0.0001, Evidence(), "SHORT_RECORD", "no edge shown"),
        (ROW - 0.01, Evidence(), "", "no edge shown"),
    ],
)
def test_few_returns_and_few_trades_mean_nothing(returns, evidence, code, verdict):
    found = score(returns, evidence=evidence, resampling=FEW)
    assert codes(found) == ([code] if code else [])
    assert found.verdict == verdict


def test_followers_are_worth_fewer_returns_and_need_more():
    row = np.convolve(ROW, np.ones(10) / 10, "valid") + 0.001
    found = score(row, resampling=FEW)
    assert found.independent_returns < 200
    assert found.minimum_length > minimum_track_record(sharpe_sample(row))


def test_each_piece_of_evidence_is_checked():
    strong, rng = ROW + 0.01, np.random.default_rng(1)
    prices = np.exp(np.cumsum(rng.standard_normal(200)))
    bars = Bars.of(np.arange(200), (prices, prices, prices, prices, prices))
    asleep = permutation_test(np.zeros(200), prices)
    blind = permutation_test(np.ones(200), prices)
    noisy = overfitting(np.array([[2.0, -1.0], [1.0, -2.0], [-2.0, 1.0], [-1.0, 2.0]]), 2)
    endless = startup_sensitivity(lambda bars: np.cumsum(bars.close), bars)
    table = [
        (Evidence(permutation=asleep), "permutation"),
        (Evidence(permutation=blind), "permutation"),
        (Evidence(overfitting=noisy), "overfitting"),
        (Evidence(startup=endless), "startup"),
    ]
    for evidence, name in table:
        found = score(strong, evidence=evidence, resampling=FEW)
        assert found.checks == {"deflated": True, "interval": True, name: False}
        assert found.verdict == "no edge shown"
    assert codes(score(strong, evidence=Evidence(permutation=blind), resampling=FEW)) == ["COARSE_PERMUTATION"]
    assert codes(score(strong, evidence=Evidence(startup=endless), resampling=FEW)) == ["NEVER_SETTLES"]


def test_plain_values_go_through_json_and_back():
    rng = np.random.default_rng(1)
    prices = np.exp(np.cumsum(rng.standard_normal(200)))
    bars = Bars.of(np.arange(200), (prices, prices, prices, prices, prices))
    evidence = Evidence(
        40,
        overfitting(rng.standard_normal((60, 4)), 4),
        permutation_test(np.repeat(rng.integers(0, 2, 50), 4), prices),
        startup_sensitivity(lambda bars: bars.close, bars),
    )
    plain = score(ROW, trials=4, evidence=evidence, resampling=FEW).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False))["evidence"]["closed_trades"] == 40
    assert set(plain["evidence"]) == {"closed_trades", "overfitting", "permutation", "startup"}
    assert plain["checks"]["startup"] is True
    assert plain["caveats"][0]["code"] in ("SHORT_RECORD", "UNKNOWN_TRIALS")


def test_the_same_call_gives_the_same_score():
    assert score(ROW, trials=9, resampling=FEW) == score(ROW.copy(), trials=9, resampling=FEW)


@pytest.mark.parametrize(
    "call",
    [
        lambda: score([np.nan, 0.1]),
        lambda: score(ROW, trials=0),
        lambda: score(ROW, per_year=0.0),
        lambda: score(ROW, trial_sharpes=[np.inf, 0.0]),
    ],
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(UserError, match="BAD_PARAMETER"):
        call()


def test_plain_values_read_back_with_all_their_evidence() -> None:
    evidence = Evidence(
        closed_trades=40,
        permutation=PermutationTest(0.04, 0.2, 0.0, 0.1, 1_000, 40, 0.5, 990),
        startup=Startup("settles", 19, 200, 300, (LeadIn(0, 12, False), LeadIn(19, 0, False))),
    )
    found = score(np.random.default_rng(1).normal(0.001, 0.01, 300), trials=7, evidence=evidence)
    again = HonestScore.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found
    assert (again.verdict, again.checks) == (found.verdict, found.checks)


def test_overfitting_is_not_read_back_because_its_arrays_were_left_out() -> None:
    table = np.random.default_rng(2).normal(0.0, 0.01, (160, 4))
    found = score(table[:, 0], evidence=Evidence(overfitting=overfitting(table)))
    again = HonestScore.from_dict(found.to_dict())
    assert again.evidence == Evidence()
    assert again.value == found.value


@pytest.mark.parametrize(
    ("causality", "verdict", "caveat"),
    [
        ("certified", "edge shown", None),
        ("unknown", "no edge shown", "UNPROVEN"),
        ("leaky", "not meaningful", "LOOKAHEAD"),
    ],
)
def test_no_edge_is_shown_by_what_may_see_the_future(causality, verdict, caveat):
    returns = np.random.default_rng(2).normal(0.002, 0.01, 1_000)
    found = score(returns, evidence=Evidence(causality=causality))
    assert found.verdict == verdict
    assert [one.code for one in found.caveats] == ([caveat] if caveat else [])
    assert HonestScore.from_dict(found.to_dict()) == found


def test_clones_of_a_trial_do_not_excuse_the_others():
    returns = np.random.default_rng(2).normal(0.001, 0.01, 1_000)
    spread = np.random.default_rng(3).normal(0.0, 1.0, 60)
    honest = score(returns, trial_sharpes=spread)
    cloned = score(returns, trial_sharpes=np.concatenate([spread, np.full(3_000, spread[0])]))
    assert cloned.trial_deviation == pytest.approx(honest.trial_deviation)
    assert cloned.deflated < honest.deflated
