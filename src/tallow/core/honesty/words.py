"""A score as lines that a page can print: a label, the number as text, and what it means."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from tallow.core.honesty.bootstrap import Interval
from tallow.core.honesty.score import HonestScore
from tallow.core.metrics.returns import YEAR_DAYS

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "sharpe": "mean return / deviation, a year; most resampled histories lie between the ends",
        "probability": "confidence that the true ratio is above 0, had this been the only trial",
        "trials": "strategies and parameters tried on this data: the more, the better the best one looks by chance",
        "expected_best": "ratio that the best of as many trials shows on average when none has an edge",
        "deflated": "confidence that the true ratio is above that; from 95 % on it counts as shown",
        "luck": "how often the best of as many trials without edge does as well",
        "minimum_length": "record that a ratio like this needs to be told from 0 with 95 % confidence",
        "independent_returns": "independent returns that tell as much: fewer where returns follow each other",
        "mean": "mean return of these periods",
        "max_drawdown": "deepest fall at the ends of these periods, so less than bar by bar; be ready for the low end",
        "total_return": "what compounding leaves",
        "permutation": "how often chance does as well: the same holdings at other times, or the rule on shuffled bars",
        "overfitting": "how often the best trial of one half of the data is below the middle in the other half",
        "degradation": "change of the ratio out of sample per unit in sample: below 0, better there means worse here",
        "loss_probability": "how often the trial chosen in one half loses in the other",
        "startup": "bars that must come first until a value no longer depends on where the data began",
    }
)
"""What each line of `lines` means, by its name; the page of scores has the formulas."""

_NONE = "none"


class Line(NamedTuple):
    """One printable line; `passed` is None where nothing is judged."""

    name: str
    label: str
    text: str
    meaning: str
    passed: bool | None = None


def lines(score: HonestScore) -> tuple[Line, ...]:
    """Give the lines of a score, most important first; what was not looked at has no line.

    Example:
        >>> import numpy as np
        >>> from tallow.core.honesty.score import score
        >>> shown = lines(score(np.tile([0.02, -0.01, 0.0], 100), trials=50))
        >>> shown[2].name, shown[2].label, shown[2].text
        ('trials', 'Trials', '50')
    """
    checks, period = score.checks, "by days" if score.per_year == YEAR_DAYS else "by bars"
    found = [
        ("sharpe", "Sharpe ratio, resampled", _range(score.value, score.low, score.high, ".2f"), checks["interval"]),
        ("probability", "Probability of an edge, one trial", _percent(score.probability), None),
        ("trials", "Trials", f"{score.trials:g}", None),
        ("expected_best", "Expected best without edge", _number(score.expected_best, ".2f"), None),
        ("deflated", "Deflated Sharpe ratio", _percent(score.deflated), checks["deflated"]),
        ("luck", "Chance of luck", _percent(score.luck), None),
        ("minimum_length", "Minimum track record", _length(score), None),
        ("independent_returns", "Independent returns", f"{score.independent_returns:.0f} of {score.returns}", None),
        *(
            (name, f"{name.replace('_', ' ').capitalize()}, {period}", _percent_range(interval), None)
            for name, interval in score.intervals.items()
        ),
        *_evidence_lines(score),
    ]
    return tuple(Line(name, label, text, MEANINGS[name], passed) for name, label, text, passed in found)


def _evidence_lines(score: HonestScore) -> list[tuple[str, str, str, bool | None]]:
    found: list[tuple[str, str, str, bool | None]] = []
    checks, evidence = score.checks, score.evidence
    if evidence.permutation is not None:
        p_value = _number(evidence.permutation.p_value, ".4f")
        label = f"{evidence.permutation.method.capitalize()}, p-value"
        found.append(("permutation", label, p_value, checks["permutation"]))
    if evidence.overfitting is not None:
        overfit = evidence.overfitting
        found += [
            ("overfitting", "Probability of overfitting", _percent(overfit.probability), checks["overfitting"]),
            ("degradation", "Performance degradation", _number(overfit.slope, ".2f"), None),
            ("loss_probability", "Probability of loss", _percent(overfit.loss_probability), None),
        ]
    if evidence.startup is not None:
        bars = evidence.startup.warm_up
        found.append(("startup", "Warm-up", _NONE if bars is None else f"{bars} bars", checks["startup"]))
    return found


def _number(value: float | None, form: str) -> str:
    return _NONE if value is None else format(value, form)


def _percent(value: float | None) -> str:
    return _number(value, ".1%")


def _range(value: float | None, low: float | None, high: float | None, form: str) -> str:
    return f"{_number(value, form)} ({_number(low, form)} to {_number(high, form)})"


def _percent_range(interval: Interval) -> str:
    return _range(interval.value, interval.low, interval.high, ".3%" if abs(interval.value or 0.0) < 0.01 else ".1%")


def _length(score: HonestScore) -> str:
    if score.minimum_length is None or score.minimum_years is None:
        return "no record is long enough"
    return f"{score.minimum_length:.0f} returns, {score.minimum_years:.1f} years"
