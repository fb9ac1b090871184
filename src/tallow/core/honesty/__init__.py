"""How far a result can be trusted: scores that count the trials, intervals, tests against chance."""

from tallow.core.honesty.bootstrap import METRICS, Interval, Metric, Resampling, bootstrap
from tallow.core.honesty.dependence import block_length, independent_count
from tallow.core.honesty.overfitting import BlockSums, Overfitting, block_sums, overfitting
from tallow.core.honesty.paths import path_permutation_test
from tallow.core.honesty.permutation import PermutationTest, permutation_test, permutation_test_by
from tallow.core.honesty.rotation import rotation_test
from tallow.core.honesty.score import Caveat, Evidence, HonestScore, score
from tallow.core.honesty.sharpes import (
    SharpeSample,
    deflated_sharpe,
    effective_trials,
    expected_maximum_sharpe,
    luck,
    mean_correlation,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_sample,
    trial_deviation,
)
from tallow.core.honesty.startup import LeadIn, Startup, startup_sensitivity
from tallow.core.honesty.words import MEANINGS, Line, lines

__all__ = [
    "MEANINGS", "METRICS", "BlockSums", "Caveat", "Evidence", "HonestScore", "Interval", "LeadIn",
    "Line", "Metric", "Overfitting", "PermutationTest", "Resampling", "SharpeSample", "Startup",
    "block_length", "block_sums",
    "bootstrap", "deflated_sharpe", "effective_trials", "expected_maximum_sharpe", "independent_count", "lines",
    "luck", "mean_correlation", "minimum_track_record", "overfitting", "path_permutation_test", "permutation_test",
    "permutation_test_by", "probabilistic_sharpe", "rotation_test", "score", "sharpe_sample", "startup_sensitivity",
    "trial_deviation",
]  # fmt: skip
