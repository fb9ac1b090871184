"""Everything that says how far a Sharpe ratio can be trusted, in one value."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from tallow.core.honesty.bootstrap import METRICS, Interval, Resampling, bootstrap
from tallow.core.honesty.inputs import bad, check_least, checked_returns
from tallow.core.honesty.overfitting import Overfitting
from tallow.core.honesty.permutation import PermutationTest
from tallow.core.honesty.sharpes import (
    SharpeSample,
    deflated_sharpe,
    expected_maximum_sharpe,
    luck,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_sample,
    trial_deviation,
)
from tallow.core.honesty.startup import Startup
from tallow.core.metrics.returns import YEAR_DAYS, sharpe
from tallow.domain.columns import Floats

CONFIDENCE = 0.95  # from which a probability counts as shown
FEWEST_RETURNS = 30  # independent returns below which no ratio means anything
FEWEST_TRADES = 30  # closed trades below which a ratio of many returns still rests on few decisions
FEWEST_DISTINCT = 100  # results of chance below which their p-value is coarse
EVEN_ODDS = 0.5  # probability of overfitting from which choosing is no better than a coin

Verdict = Literal["not meaningful", "no edge shown", "edge shown"]


class Caveat(NamedTuple):
    """Why a number says less than it seems to.

    `code` is ``LOOKAHEAD``, ``NO_RATIO``, ``FEW_RETURNS``, ``FEW_TRADES`` (these four leave nothing meaningful),
    ``UNPROVEN``, ``SHORT_RECORD``, ``UNKNOWN_TRIALS``, ``COARSE_PERMUTATION`` or ``NEVER_SETTLES``.
    """

    code: str
    words: str


_FATAL = ("LOOKAHEAD", "NO_RATIO", "FEW_RETURNS", "FEW_TRADES")


@dataclass(frozen=True)
class Evidence:
    """What else is known of a strategy; None where it was not looked at.

    Attributes:
        closed_trades: round trips behind the returns.
        overfitting: of the choice among its trials.
        permutation: against random entries or rotated weights, or on shuffled bars.
        startup: dependence on the start of the data.
        causality: verdict of the look-ahead check: ``certified``, ``leaky``, or ``unknown`` where it could not tell or
            was left out.
    """

    closed_trades: int | None = None
    overfitting: Overfitting | None = None
    permutation: PermutationTest | None = None
    startup: Startup | None = None
    causality: str | None = None


@dataclass(frozen=True)
class HonestScore:
    """A Sharpe ratio with everything that tells how far to trust it. Ratios are annualised.

    Attributes:
        value: Sharpe ratio, by the definition of `metrics.sharpe`; None when it is undefined, and with it all below.
        low: lower end of its bootstrap interval.
        high: upper end.
        returns: how many returns.
        independent_returns: how many independent ones they are worth.
        per_year: returns a year.
        probability: confidence that the true ratio is above 0, if this were the only trial.
        trials: trials among which it was chosen; may be an effective number.
        trial_deviation: standard deviation of the trials' ratios, those that agree to three decimals taken once.
        expected_best: ratio that the best of as many trials without edge is expected to show.
        deflated: confidence that the true ratio is above `expected_best`.
        luck: how often the best of as many trials without edge does as well.
        minimum_length: returns that a ratio like this needs to be told from 0 with 95 % confidence; None: no number.
        intervals: `mean` return, `max_drawdown` and `total_return` (fractions) with theirs.
        evidence: what was given besides the returns.
        caveats: why to trust it less.
    """

    value: float | None
    low: float | None
    high: float | None
    returns: int
    independent_returns: float
    per_year: float
    probability: float | None
    trials: float
    trial_deviation: float | None
    expected_best: float | None
    deflated: float | None
    luck: float | None
    minimum_length: float | None
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    caveats: tuple[Caveat, ...] = ()

    @property
    def meaningful(self) -> bool:
        """Whether there is enough to say anything at all."""
        return not any(caveat.code in _FATAL for caveat in self.caveats)

    @property
    def minimum_years(self) -> float | None:
        """`minimum_length` in years."""
        return None if self.minimum_length is None else self.minimum_length / self.per_year

    @property
    def checks(self) -> Mapping[str, bool]:
        """Whether each thing that was looked at speaks for an edge."""
        found = {"deflated": (self.deflated or 0.0) >= CONFIDENCE, "interval": (self.low or 0.0) > 0.0}
        permutation, overfit, startup = self.evidence.permutation, self.evidence.overfitting, self.evidence.startup
        if permutation is not None:
            found["permutation"] = permutation.p_value is not None and permutation.p_value <= 1.0 - CONFIDENCE
        if overfit is not None:
            found["overfitting"] = overfit.probability < EVEN_ODDS
        if startup is not None:
            found["startup"] = startup.verdict != "never"
        if self.evidence.causality is not None:
            found["causality"] = self.evidence.causality == "certified"
        return found

    @property
    def verdict(self) -> Verdict:
        """Say whether an edge is shown: enough data, and every check that was made passed."""
        if not self.meaningful:
            return "not meaningful"
        return "edge shown" if all(self.checks.values()) else "no edge shown"

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON; the arrays of `evidence.overfitting` are left out."""
        plain = {name: value for name, value in vars(self).items() if name not in ("intervals", "evidence", "caveats")}
        evidence = {name: value for name, value in vars(self.evidence).items() if value is not None}
        shown = {name: value if isinstance(value, int) else _plain(value) for name, value in evidence.items()}
        return {
            **plain,
            "minimum_years": self.minimum_years,
            "intervals": {name: asdict(interval) for name, interval in self.intervals.items()},
            "evidence": shown,
            "caveats": [caveat._asdict() for caveat in self.caveats],
            "checks": dict(self.checks),
            "verdict": self.verdict,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "HonestScore":
        """Read plain values back; `evidence.overfitting`, whose arrays were left out, stays None.

        Example:
            >>> found = score(np.tile([0.02, -0.01, 0.0], 100), trials=50)
            >>> HonestScore.from_dict(found.to_dict()) == found
            True
        """
        shown = values["evidence"]
        permutation, startup = shown.get("permutation"), shown.get("startup")
        known = {item.name: values[item.name] for item in fields(cls)}
        known["intervals"] = {name: Interval(**interval) for name, interval in values["intervals"].items()}
        known["caveats"] = tuple(Caveat(**caveat) for caveat in values["caveats"])
        known["evidence"] = Evidence(
            closed_trades=shown.get("closed_trades"),
            permutation=None if permutation is None else PermutationTest(**permutation),
            startup=None if startup is None else Startup.from_dict(startup),
            causality=shown.get("causality"),
        )
        return cls(**known)


def score(
    returns: Floats,
    *,
    trials: float | None = None,
    trial_sharpes: Floats | None = None,
    per_year: float = YEAR_DAYS,
    evidence: Evidence | None = None,
    resampling: Resampling | None = None,
) -> HonestScore:
    """Score the returns of the strategy that was chosen among `trials`.

    Args:
        returns: of the account, fractions, one a period; for bars below a day the daily ones, as in `metrics.summary`.
        trials: how many strategies and parameters were tried on this data, this one included; may be an effective
            number (`effective_trials`). By default as many as there are `trial_sharpes`, or 1.
        trial_sharpes: the trials' Sharpe ratios, annualised with the same `per_year`; NaN where undefined. Without
            two of them the spread that chance alone gives is taken, 1 / sqrt(returns - 1) before annualising.
        per_year: returns a year.
        evidence: what else is known.
        resampling: how the intervals are made.

    Example:
        >>> noise = np.random.default_rng(8).normal(0.0012, 0.01, 730)
        >>> found = score(noise, trials=200)
        >>> found.verdict, found.probability > 0.95, found.deflated > 0.95
        ('no edge shown', True, False)

    Raises:
        UserError: BAD_PARAMETER for NaN or infinite returns, or less than one trial.
    """
    row, known, plan = checked_returns(returns), evidence or Evidence(), resampling or Resampling()
    check_least("per_year", per_year, 1e-9)
    ratios = np.zeros(0) if trial_sharpes is None else np.asarray(trial_sharpes, np.float64)
    if np.isinf(ratios).any():
        raise bad("trial_sharpes", "infinite", "Sharpe ratios, NaN where undefined")
    tried = float(max(1, len(ratios)) if trials is None else trials)
    check_least("trials", tried, 1.0)
    intervals = bootstrap(row, {**METRICS, "sharpe": partial(sharpe, per_year=per_year)}, plan)
    ratio, sample = intervals.pop("sharpe"), sharpe_sample(row)
    measured = _measure(sample, len(row), tried, ratios[np.isfinite(ratios)], per_year)
    return HonestScore(
        value=ratio.value,
        low=ratio.low,
        high=ratio.high,
        returns=len(row),
        independent_returns=len(row) if sample is None else sample.length,
        per_year=per_year,
        trials=tried,
        intervals=intervals,
        evidence=known,
        caveats=tuple(_caveats(sample, len(row), tried, ratios, known)),
        **measured,
    )


def _measure(
    sample: SharpeSample | None, returns: int, trials: float, ratios: Floats, per_year: float
) -> dict[str, float | None]:
    names = ("probability", "trial_deviation", "expected_best", "deflated", "luck", "minimum_length")
    if sample is None or sample.length <= 1.0:
        return dict.fromkeys(names)
    root = math.sqrt(per_year)
    spread = trial_deviation(ratios) / root if len(ratios) > 1 else 1.0 / math.sqrt(sample.length - 1.0)
    needed = _needed(sample, returns)
    values = (
        probabilistic_sharpe(sample),
        spread * root,
        expected_maximum_sharpe(trials, spread) * root,
        deflated_sharpe(sample, trials, spread),
        luck(sample, trials),
        needed,
    )
    return dict(zip(names, values, strict=True))


def _needed(sample: SharpeSample, returns: int) -> float | None:
    # In returns as they are: independent ones are rarer.
    found = minimum_track_record(sample, confidence=CONFIDENCE)
    return None if found is None else found * returns / sample.length


def _caveats(
    sample: SharpeSample | None, returns: int, trials: float, ratios: Floats, evidence: Evidence
) -> list[Caveat]:
    found = []
    if sample is None:
        found.append(Caveat("NO_RATIO", "There is no Sharpe ratio: fewer than two returns, or all are equal."))
    elif sample.length < FEWEST_RETURNS:
        found.append(
            Caveat("FEW_RETURNS", f"{returns} returns tell as much as {sample.length:.0f} independent ones: too few.")
        )
    needed = None if sample is None else _needed(sample, returns)
    if needed is not None and returns < needed:
        found.append(Caveat("SHORT_RECORD", f"There are {returns} returns; a ratio like this needs {needed:.0f}."))
    if trials > 1.0 and np.isfinite(ratios).sum() < 2:
        found.append(Caveat("UNKNOWN_TRIALS", "The trials' own ratios are not known; chance's spread stands for them."))
    return found + _evidence_caveats(returns, evidence)


def _evidence_caveats(returns: int, evidence: Evidence) -> list[Caveat]:
    found, trades = [], evidence.closed_trades
    if evidence.causality == "leaky":
        found.append(Caveat("LOOKAHEAD", "The decisions depend on later bars: nobody can earn these numbers."))
    elif evidence.causality == "unknown":
        found.append(Caveat("UNPROVEN", "Nobody has shown that the decisions do not depend on later bars."))
    permutation, startup = evidence.permutation, evidence.startup
    if trades is not None and trades < FEWEST_TRADES:
        found.append(Caveat("FEW_TRADES", f"{returns} returns rest on {trades} closed trades: too few decisions."))
    if permutation is not None and permutation.distinct < FEWEST_DISTINCT:
        found.append(
            Caveat("COARSE_PERMUTATION", f"{permutation.holdings} holdings: chance gives few different results.")
        )
    if startup is not None and startup.verdict == "never":
        found.append(Caveat("NEVER_SETTLES", startup.words))
    return found


def _plain(value: Overfitting | PermutationTest | Startup | str) -> dict[str, Any] | str:
    if isinstance(value, str):
        return value
    return value.to_dict() if isinstance(value, Overfitting) else asdict(value)
