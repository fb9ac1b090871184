from dataclasses import replace

import numpy as np
import pytest

from tallow.core.honesty import Caveat, Evidence, HonestScore, PermutationTest, Startup, score
from tallow.domain.columns import Bars
from tallow.domain.evidence import Rung
from tallow.domain.results import Result
from tallow.flows.appraise import appraise
from tallow.flows.report import honesty, text
from tallow.flows.report.verdict import strip

LADDER = (
    Rung("model", "close (optimistic)", 4.0, "filled at the close"),
    Rung("model", "next open", -3.1, "filled at the next open"),
    Rung("costs", "0x costs", 5.0),
    Rung("costs", "1x costs", -3.1),
)


@pytest.fixture(scope="module")
def scored(result: Result, bars: Bars) -> Result:
    values = appraise(result, bars, (12, np.linspace(-0.02, 0.02, 12)))
    return replace(result, score=values, ladder=LADDER)


def found_with(evidence: Evidence | None = None, edge: float = 0.0) -> HonestScore:
    return score(np.random.default_rng(3).normal(edge, 0.01, 1_000), evidence=evidence)


def test_the_score_stands_in_words_on_the_page(scored: Result) -> None:
    page = honesty.score_section(scored)
    for words in ("Deflated Sharpe ratio", "Minimum track record", "Random entries, p-value", "Chance of luck"):
        assert words in page
    assert "Scored when 12 trials had been made on this data, this one included." in page
    assert "the plain test" in page
    assert "1,000 resamples of" in page


def test_a_result_without_score_says_so_everywhere(result: Result) -> None:
    assert "Not scored" in honesty.score_section(result)
    assert "not scored" in text(result)
    assert "Not scored" in strip(result)
    assert honesty.score_of(result) is None


def test_strip_and_text_show_the_deflated_ratio_with_its_trials(scored: Result) -> None:
    assert "with 12 trials" in strip(scored)
    words = text(scored)
    assert "Deflated Sharpe ratio" in words
    assert "Assumption ladder" in words
    assert "close (optimistic)" in words
    assert "-3.10 %" in words


@pytest.mark.parametrize(
    ("edge", "evidence", "sentence"),
    [
        (0.003, None, "Edge shown"),
        (-0.001, None, "the deflated Sharpe ratio is below 95 %; the interval of the Sharpe ratio reaches 0"),
        (0.003, Evidence(closed_trades=3), "Not meaningful"),
        (
            0.003,
            Evidence(permutation=PermutationTest(0.5, 0.1, 0.1, 0.2, 1_000, 9, 0.5, 900)),
            "chance does as well too often",
        ),
        (0.003, Evidence(startup=Startup("never", None, 200, 300, ())), "never stop depending on the start"),
    ],
)
def test_verdicts_in_words(edge: float, evidence: Evidence | None, sentence: str) -> None:
    assert sentence in honesty.verdict_sentence(found_with(evidence, edge))


def test_a_first_trial_is_not_plural() -> None:
    found = found_with()
    assert "Scored when 1 trial had been made on this data." in honesty.trials_sentence(found)
    assert "nothing was ever held" in honesty.method_sentence(found)


def test_the_test_against_chance_says_how_it_was_made() -> None:
    test = PermutationTest(0.5, 0.1, 0.1, 0.2, 193, 9, 0.5, 193, "rotated weights")
    words = honesty.method_sentence(found_with(Evidence(permutation=test)))
    assert "Rotated weights: 9 holdings, in the market 50% of the time, all turned together to 193 other" in words
    # Portfolios that were stored before there was such a test.
    old = replace(found_with(), caveats=(Caveat("NOT_PERMUTED", "Random entries were not tried."),))
    assert honesty.method_sentence(old).endswith("Random entries: not tried, see above.")


def test_notes_when_nothing_can_be_said() -> None:
    nothing = score(np.zeros(3))
    assert honesty.note_of(nothing) == "deflated – with 1 trial"
    assert honesty.word_of(nothing) == "Not meaningful"
    assert honesty.tone_of(None) == ("warn", "?")


def test_caveats_and_warm_up_stand_below_the_table(scored: Result) -> None:
    assert scored.score is not None
    settled = {"verdict": "settles", "lead_in": 19, "rows": 200, "available": 300, "tried": []}
    evidence = {**scored.score["evidence"], "startup": settled}
    caveats = [{"code": "SHORT_RECORD", "words": "Too short."}]
    page = honesty.score_section(replace(scored, score={**scored.score, "evidence": evidence, "caveats": caveats}))
    assert "On the rows watched nothing changes once 20 bars are there" in page
    assert "SHORT_RECORD" in page


def test_both_parts_of_the_ladder(scored: Result) -> None:
    page = honesty.ladder_section(scored)
    assert page.index("Return by execution model") < page.index("Return by cost level")
    assert "filled at the next open" in page
    assert "Not computed" in honesty.ladder_section(replace(scored, ladder=()))
    assert "Break-even cost" in dict(honesty.plain_ladder(scored))
    assert dict(honesty.plain_ladder(replace(scored, metrics={})))["Break-even cost"] == "–"
