import numpy as np
import pytest

from tallow.core.honesty import (
    Evidence,
    Resampling,
    lines,
    overfitting,
    permutation_test,
    score,
    startup_sensitivity,
)
from tallow.core.honesty.words import MEANINGS
from tallow.core.indicators import sma
from tallow.domain.columns import Bars

FEW = Resampling(200)
ROW = np.random.default_rng(3).standard_normal(700) * 0.01 + 0.002


def texts(found):
    return {line.name: (line.text, line.passed) for line in lines(found)}


def test_every_line_has_a_meaning_and_every_meaning_a_line():
    rng = np.random.default_rng(1)
    prices = np.exp(np.cumsum(rng.standard_normal(300)))
    bars = Bars.of(np.arange(300), (prices, prices, prices, prices, prices))
    evidence = Evidence(
        overfitting=overfitting(rng.standard_normal((60, 4)), 4),
        permutation=permutation_test(np.repeat(rng.integers(0, 2, 75), 4), prices),
        startup=startup_sensitivity(lambda bars: sma(bars.close, 20), bars),
    )
    found = lines(score(ROW, trials=4, evidence=evidence, resampling=FEW))
    assert [line.name for line in found] == list(MEANINGS)
    assert [line.meaning for line in found] == list(MEANINGS.values())
    assert [line.name for line in found if line.passed is not None] == [
        "sharpe", "deflated", "permutation", "overfitting", "startup"
    ]  # fmt: skip
    assert found[-1].text == "20 bars"
    assert "Random entries, p-value" in [line.label for line in found]
    assert all(line.label[0].isupper() for line in found)


def test_numbers_as_text():
    found = score(ROW, trials=20, per_year=365.0, resampling=FEW)
    shown = texts(found)
    assert shown["sharpe"] == (f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})", True)
    assert shown["trials"] == ("20", None)
    assert shown["deflated"] == (f"{found.deflated:.1%}", True)
    assert shown["independent_returns"][0].endswith("of 700")
    assert shown["minimum_length"][0] == f"{found.minimum_length:.0f} returns, {found.minimum_years:.1f} years"
    assert shown["mean"][0].startswith(f"{ROW.mean():.3%} (")
    assert shown["total_return"][0].count("%") == 3
    assert "permutation" not in shown


@pytest.mark.parametrize(("returns", "text"), [([0.0] * 50, "none (none to none)"), ([], "none (none to none)")])
def test_what_is_undefined_is_said(returns, text):
    shown = texts(score(returns, resampling=FEW))
    assert shown["sharpe"] == (text, False)
    assert shown["minimum_length"][0] == "no record is long enough"
    assert shown["deflated"] == ("none", False)


def test_evidence_without_an_answer_is_said():
    prices = np.exp(np.cumsum(np.random.default_rng(1).standard_normal(100)))
    bars = Bars.of(np.arange(100), (prices, prices, prices, prices, prices))
    evidence = Evidence(
        overfitting=overfitting(np.array([[2.0, -1.0], [1.0, -2.0], [-2.0, 1.0], [-1.0, 2.0]]), 2),
        permutation=permutation_test(np.zeros(100), prices),
        startup=startup_sensitivity(lambda bars: np.cumsum(bars.close), bars),
    )
    shown = texts(score(ROW, evidence=evidence, resampling=FEW))
    assert shown["permutation"] == ("none", False)
    assert shown["degradation"] == ("none", None)
    assert shown["startup"] == ("none", False)
