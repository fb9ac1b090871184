"""How much of the best of many is chance."""

import math
from dataclasses import dataclass

import numpy as np

from tallow.core.honesty import deflated_sharpe, expected_maximum_sharpe, sharpe_sample, trial_deviation
from tallow.core.metrics import growth
from tallow.domain.columns import Floats
from tallow.domain.results import Result


@dataclass(frozen=True)
class Luck:
    """The best of many trials beside what chance alone would have shown. Ratios are per bar.

    Attributes:
        trials: distinct trials on the data.
        deviation: standard deviation of their Sharpe ratios, clones taken once.
        expected: ratio that the best of as many trials without edge is expected to show.
        observed: ratio of the best.
        deflated: confidence, 0 to 1, that the true ratio of the best is above `expected`.
    """

    trials: int
    deviation: float
    expected: float
    observed: float
    deflated: float


def luck_of(result: Result | None, trials: int, sharpes: Floats) -> Luck | None:
    """Deflate the Sharpe ratio of a result for the trials among which it was chosen; all trials count as independent.

    `sharpes` are those of the trials, a year.

    None without a result, when its ratio is undefined, or when fewer than two trials have one.
    """
    if result is None or np.isfinite(sharpes).sum() < 2:
        return None
    sample = sharpe_sample(growth(result.run.equity, result.scene.cash))
    if sample is None:
        return None
    deviation = trial_deviation(sharpes) / math.sqrt(result.scene.timeframe.per_year)
    expected = expected_maximum_sharpe(trials, deviation)
    return Luck(trials, deviation, expected, sample.ratio, deflated_sharpe(sample, trials, deviation))
