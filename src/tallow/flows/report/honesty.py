"""How much of a result is left: its score among all trials in words, and what other executions make of it."""

import math
import re

from tallow.core.honesty import HonestScore, lines
from tallow.domain.evidence import Rung
from tallow.domain.results import Result
from tallow.flows.report import figures, trading
from tallow.flows.report.markup import Content, Markup, join, tag
from tallow.flows.report.tables import Column, empty, pairs, table

NOT_SCORED = "Not scored: the result was stored by a version without scores. The same backtest again makes up for it."
_TONES = {"edge shown": ("good", "✓"), "no edge shown": ("warn", "?"), "not meaningful": ("warn", "?")}
_FAILED = {
    "deflated": "the deflated Sharpe ratio is below 95 %",
    "interval": "the interval of the Sharpe ratio reaches 0 or below",
    "permutation": "chance does as well too often",
    "overfitting": "choosing by the past is no better than a coin",
    "causality": "nobody has shown that it does not use the future",
    "startup": "decisions never stop depending on the start of the data",
}
_SCORE_COLUMNS = (
    Column("Line", "", is_text=True),
    Column("Value", "With the ends of its 95 % interval where there is one", is_text=True),
    Column("Speaks for an edge", "A dash where nothing is judged", is_text=True),
    Column("What it says", "", is_text=True),
)
_MODEL_COLUMNS = (
    Column("Execution", "How orders are filled", is_text=True),
    Column("Return", "Of the same decisions"),
    Column("Gain or loss", "The same, drawn from the zero line", is_text=True),
)


def score_of(result: Result) -> HonestScore | None:
    """Read the score that is stored with a result; None when it was not scored."""
    return None if result.score is None else HonestScore.from_dict(dict(result.score))


def tone_of(found: HonestScore | None) -> tuple[str, str]:
    """Give tone and symbol of a score's verdict."""
    return ("warn", "?") if found is None else _TONES[found.verdict]


def word_of(found: HonestScore | None) -> str:
    """Give the verdict as the strip shows it."""
    return "Not scored" if found is None else found.verdict.capitalize()


def note_of(found: HonestScore | None) -> str:
    """Say in a few words what the verdict rests on."""
    if found is None:
        return "made before there were scores"
    deflated = figures.DASH if found.deflated is None else f"{found.deflated:.0%}"
    return f"deflated {deflated} with {figures.plural(int(found.trials), 'trial')}"


def verdict_sentence(found: HonestScore) -> str:
    """Say what the score comes to, and why."""
    if found.evidence.causality == "leaky":
        return "Void: the strategy uses the future, so nobody can earn these numbers."
    if found.verdict == "not meaningful":
        return "Not meaningful: there is too little to tell skill from luck."
    if found.verdict == "edge shown":
        return "Edge shown: every check that was made speaks for one. Markets change; this is evidence, not a promise."
    failed = "; ".join(_FAILED[name] for name, passed in found.checks.items() if not passed)
    return f"No edge shown: {failed}."


def trials_sentence(found: HonestScore) -> str:
    """Say how many trials the score counts, and that it does not grow with later ones."""
    count = figures.plural(int(found.trials), "trial")
    known = "" if found.trials == 1 else ", this one included"
    return (
        f"Scored when {count} had been made on this data{known}. Trials made later are not in it: the more there "
        "are, the less the best of them says."
    )


def method_sentence(found: HonestScore) -> str:
    """Say how intervals and p-value were made."""
    made = max((interval.resamples for interval in found.intervals.values()), default=0)
    words = f"Intervals: {made:,} resamples of {found.returns:,} returns (stationary bootstrap)."
    test = found.evidence.permutation
    if any(caveat.code == "NOT_PERMUTED" for caveat in found.caveats):
        return f"{words} Random entries: not tried, see above."
    if test is None or test.p_value is None:
        return words + " Random entries: nothing was ever held."
    if test.method == "rotated weights":
        return (
            f"{words} Rotated weights: {figures.plural(test.holdings, 'holding')}, in the market {test.exposure:.0%} "
            f"of the time, all turned together to {test.permutations:,} other places in time, from close to close, "
            "fees and slippage counted, stops not."
        )
    return (
        f"{words} Random entries: the plain test; {figures.plural(test.holdings, 'holding')}, in the market "
        f"{test.exposure:.0%} of the time, put at {test.permutations:,} random arrangements of times, from close to "
        "close, fees and slippage counted, stops not."
    )


def score_section(result: Result) -> Markup:
    """Show every line of the score with what it means, its caveats, and how it was made."""
    found = score_of(result)
    if found is None:
        return empty(NOT_SCORED)
    tone, symbol = tone_of(found)
    rows: list[tuple[Content, ...]] = [
        (line.label, tag("span", _typeset(line.text), class_="num"), _passed(line.passed), line.meaning)
        for line in lines(found)
    ]
    caveats = (tag("li", caveat.words, " ", tag("code", caveat.code)) for caveat in found.caveats)
    startup = found.evidence.startup
    return join(
        tag("p", f"{symbol} ", tag("strong", verdict_sentence(found)), class_=f"callout {tone}"),
        tag("p", trials_sentence(found), class_="lead"),
        table("Honest score", _SCORE_COLUMNS, rows),
        tag("ul", *caveats, class_="causes") if found.caveats else None,
        tag("p", startup.words, class_="lead") if startup else None,
        tag("p", method_sentence(found), class_="lead"),
    )


def _typeset(text: str) -> str:
    return re.sub(r"-(?=\d)", figures.MINUS, text)


def _passed(passed: bool | None) -> Content:
    if passed is None:
        return figures.DASH
    return tag("span", "✓ yes" if passed else "✗ no", class_="good" if passed else "warn")


def ladder_section(result: Result) -> Markup:
    """Show the return under each execution model and each cost level, and the break-even cost."""
    models = [rung for rung in result.ladder if rung.kind == "model"]
    levels = [(rung.label, rung.return_pct) for rung in result.ladder if rung not in models]
    costs = trading.cost_ladder(result, [(label, value) for label, value in levels if value is not None])
    if not models:
        return costs
    largest = max((abs(rung.return_pct or 0.0) for rung in models), default=0.0) or 1.0
    rows = [
        (rung.label, figures.percent(rung.return_pct, signed=True), trading.bar(_drawn(rung), largest))
        for rung in models
    ]
    assumed = pairs(((rung.label, rung.assumption) for rung in models), "glossary small")
    return join(table("Return by execution model", _MODEL_COLUMNS, rows), assumed, tag("h3", "At other costs"), costs)


def _drawn(rung: Rung) -> float:
    return math.nan if rung.return_pct is None else rung.return_pct


def _said(rung: Rung) -> str:
    return rung.assumption if rung.return_pct is None else figures.percent(rung.return_pct, signed=True)


def plain_score(result: Result) -> list[tuple[str, str]]:
    """Give (label, text) of the score for a terminal."""
    found = score_of(result)
    if found is None:
        return [("Honest score", "not scored")]
    rows = [("Honest score", verdict_sentence(found))]
    rows += [(line.label, line.text) for line in lines(found)]
    rows += [("Caveat", caveat.words) for caveat in found.caveats]
    return [*rows, ("", trials_sentence(found))]


def plain_ladder(result: Result) -> list[tuple[str, str]]:
    """Give (execution, return) of the ladder for a terminal."""
    rows = [(rung.label, _said(rung)) for rung in result.ladder if rung.kind == "model"]
    limit = result.metrics.get("break_even_cost_bps")
    known = figures.DASH if limit is None else f"{figures.number(limit, 1)} bp of everything traded"
    return [*rows, ("Break-even cost", known)]
