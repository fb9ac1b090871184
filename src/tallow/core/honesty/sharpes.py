"""What a Sharpe ratio is worth: its probability, deflated for the trials, and the record it takes.

Every ratio here is per return, not annualised, as in the papers; `score` annualises what it shows.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from tallow.core.honesty.dependence import independent_count
from tallow.core.honesty.inputs import bad, check_fraction, check_least, checked_returns
from tallow.core.metrics.returns import deviation as sample_deviation
from tallow.core.metrics.returns import sharpe
from tallow.domain.columns import Floats

_NORMAL = NormalDist()
_CLONE_DECIMALS = 3  # of an annual ratio: trials that agree so far are one for their spread
_EULER = 0.5772156649015329  # Euler's constant, from the expected largest of many normal numbers


class SharpeSample(NamedTuple):
    """What the formulas need to know of returns.

    Attributes:
        ratio: mean / sample deviation per return.
        length: returns, or the number of independent returns they are worth.
        skewness: 0 for a normal distribution.
        kurtosis: 3 for a normal distribution.
    """

    ratio: float
    length: float
    skewness: float = 0.0
    kurtosis: float = 3.0


def sharpe_sample(returns: Floats, *, independent: bool = False) -> SharpeSample | None:
    """Measure returns; None for fewer than two or when all are equal.

    Args:
        returns: fractions, one a period.
        independent: take the returns as independent; otherwise `length` is what `independent_count` gives, because
            returns that follow each other make the papers' formulas too sure.

    Example:
        >>> found = sharpe_sample(np.array([0.0, 0.0, 0.0, 4.0]))
        >>> round(found.ratio, 6), found.length, round(found.skewness, 6), round(found.kurtosis, 6)
        (0.5, 4.0, 1.154701, 2.333333)

    Raises:
        UserError: BAD_PARAMETER for NaN or infinite returns.
    """
    row = checked_returns(returns)
    ratio = sharpe(row, 1.0)
    if ratio is None:
        return None
    scores = (row - np.mean(row)) / np.std(row)
    length = float(len(row)) if independent else independent_count(row)
    return SharpeSample(ratio, length, float(np.mean(scores**3)), float(np.mean(scores**4)))


def probabilistic_sharpe(sample: SharpeSample, benchmark: float = 0.0) -> float:
    """Give the confidence that the true Sharpe ratio lies above `benchmark` (per return).

    Phi((s - benchmark) sqrt(n - 1) / sqrt(1 - g3 s + (g4 - 1) / 4 s^2)) with skewness g3 and kurtosis g4 (D. Bailey
    and M. Lopez de Prado, 2012).

    Example:
        >>> round(probabilistic_sharpe(SharpeSample(0.458, 24, -2.448, 10.164)), 3)
        0.913
    """
    distance = sample.ratio - benchmark
    error = _error(sample)
    if error == 0.0:
        return 0.5 if distance == 0.0 else float(distance > 0.0)
    return _NORMAL.cdf(distance / error)


def trial_deviation(ratios: Floats) -> float:
    """Give the standard deviation of the trials' annual Sharpe ratios; those that agree to three decimals count once.

    Clones of one trial, as by a parameter that does nothing, would shrink the spread and so excuse the others. 0 where
    fewer than two ratios differ; NaN and infinite ones are left out.

    Example:
        >>> trial_deviation(np.array([1.0, 2.0, 3.0])) == trial_deviation(np.array([1.0, 2.0, 3.0, 3.0, 3.0]))
        True
    """
    known = np.asarray(ratios, np.float64)
    return sample_deviation(np.unique(np.round(known[np.isfinite(known)], _CLONE_DECIMALS))) or 0.0


def expected_maximum_sharpe(trials: float, deviation: float) -> float:
    """Give the Sharpe ratio that the best of `trials` strategies without edge is expected to show.

    deviation x ((1 - g) Z(1 - 1 / N) + g Z(1 - 1 / (N e))) with Euler's g and the normal quantile Z (Bailey and
    Lopez de Prado, 2014); never below 0, and 0 for one trial. It is an approximation for large N: 2 % above the exact
    value for 10 trials.

    Args:
        trials: independent trials; an effective number such as `effective_trials` gives need not be whole.
        deviation: standard deviation of the trials' Sharpe ratios, in the unit the result shall have.

    Raises:
        UserError: BAD_PARAMETER for less than one trial or a negative deviation.
    """
    check_least("trials", trials, 1.0)
    check_least("deviation", deviation, 0.0)
    if trials == 1.0:
        return 0.0
    usual, far = _NORMAL.inv_cdf(1.0 - 1.0 / trials), _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return deviation * max(0.0, (1.0 - _EULER) * usual + _EULER * far)


def deflated_sharpe(sample: SharpeSample, trials: float, deviation: float) -> float:
    """Give the confidence that the true Sharpe ratio beats what the best of `trials` without edge would show.

    The probabilistic Sharpe ratio above `expected_maximum_sharpe(trials, deviation)` (Bailey and Lopez de Prado,
    2014).

    Example:
        >>> sample = SharpeSample(2.5 / 250**0.5, 1_250, -3.0, 10.0)
        >>> round(deflated_sharpe(sample, 100, (0.5 / 250) ** 0.5), 4)
        0.9004

    Raises:
        UserError: BAD_PARAMETER for less than one trial or a negative deviation.
    """
    return probabilistic_sharpe(sample, expected_maximum_sharpe(trials, deviation))


def luck(sample: SharpeSample, trials: float) -> float:
    """Give how often the best of `trials` independent strategies without edge shows this Sharpe ratio or a higher one.

    1 - p^N, with p the probabilistic Sharpe ratio above 0 (Z. Sidak, 1967); positive skewness counts as 0, because the
    best of many has it by luck as well. For one trial it is the p-value of the ratio. Of strategies without edge, 5 in
    100 fall below 0.05, whatever the number of trials; fewer where returns are skewed or have fat tails.

    Raises:
        UserError: BAD_PARAMETER for less than one trial.
    """
    check_least("trials", trials, 1.0)
    # From the small tail: for many trials 1 - p is all that counts.
    mirrored = SharpeSample(-sample.ratio, sample.length, max(0.0, -sample.skewness), sample.kurtosis)
    tail = probabilistic_sharpe(mirrored)
    return 1.0 if tail >= 1.0 else -math.expm1(trials * math.log1p(-tail))


def minimum_track_record(sample: SharpeSample, benchmark: float = 0.0, confidence: float = 0.95) -> float | None:
    """Give how many returns it takes until `probabilistic_sharpe(sample, benchmark)` reaches `confidence`.

    1 + (1 - g3 s + (g4 - 1) / 4 s^2) (Z(confidence) / (s - benchmark))^2 (Bailey and Lopez de Prado, 2012), if ratio,
    skewness and kurtosis stay as they are. None when the ratio is not above the benchmark: no record is long enough.

    Example:
        >>> day = 252**-0.5
        >>> round(minimum_track_record(SharpeSample(2 * day, 100), 1 * day) / 252, 2)
        2.73

    Raises:
        UserError: BAD_PARAMETER for a confidence outside 0 to 1.
    """
    check_fraction("confidence", confidence)
    distance = sample.ratio - benchmark
    if distance <= 0.0:
        return None
    return 1.0 + _spread(sample) * (_NORMAL.inv_cdf(confidence) / distance) ** 2


def effective_trials(trials: float, correlation: float) -> float:
    """Give the number of independent trials that correlated ones are worth: c + (1 - c) N.

    An interpolation between none alike and all alike (Bailey and Lopez de Prado, 2014, appendix 3), at least 1 and
    at most `trials`.

    Args:
        trials: trials made.
        correlation: mean correlation between their returns, such as `mean_correlation` gives.

    Raises:
        UserError: BAD_PARAMETER for less than one trial or a correlation outside -1 to 1.
    """
    check_least("trials", trials, 1.0)
    if not -1.0 <= correlation <= 1.0:
        raise bad("correlation", correlation, "-1 to 1")
    share = max(0.0, correlation)
    return share + (1.0 - share) * trials


def mean_correlation(returns: Floats) -> float | None:
    """Give the mean correlation between different columns of a table of returns, rows x trials.

    Takes the variance of the sum of standardised columns, so that no table of trials x trials is made. Columns whose
    returns are all equal are left out; None when fewer than two are left.
    """
    table = np.asarray(returns, np.float64)
    total, kept = np.zeros(len(table)), 0
    for column in table.T:
        spread = float(np.std(column)) if sharpe(column, 1.0) is not None else 0.0
        if spread > 0.0:
            total += (column - np.mean(column)) / spread
            kept += 1
    if kept < 2:
        return None
    found = (float(np.mean(total * total)) - kept) / (kept * (kept - 1))
    return max(-1.0, min(1.0, found))


def _spread(sample: SharpeSample) -> float:
    # Variance of the estimated ratio, times n - 1; kurtosis >= 1 + skewness^2 keeps it from being negative.
    ratio = sample.ratio
    return max(0.0, 1.0 - sample.skewness * ratio + (sample.kurtosis - 1.0) / 4.0 * ratio * ratio)


def _error(sample: SharpeSample) -> float:
    return math.sqrt(_spread(sample) / (sample.length - 1.0)) if sample.length > 1.0 else math.inf
