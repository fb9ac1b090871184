"""How strongly returns depend on those before: block length for resampling, and how many returns they are worth."""

import math
from typing import NamedTuple

import numpy as np

from tallow.core.honesty.inputs import checked_returns
from tallow.domain.columns import Floats

_FEWEST = 10  # returns below which no autocorrelation is estimated
_STEADY = 0.97  # largest coefficient of the autoregression: beyond it the division would blow up
_SIGNIFICANT = 2.0  # threshold of an autocorrelation, in units of sqrt(log10(n) / n)


class _Dependence(NamedTuple):
    """Variance, long-run variance, and the sum of lag times autocovariance."""

    variance: float
    long_run: float
    slope: float


def block_length(returns: Floats) -> float:
    """Give the mean block length with which the stationary bootstrap errs least for the mean.

    D. Politis and H. White (2004) as corrected by A. Patton, D. Politis and H. White (2009): with R(k) the
    autocovariances under a flat-top window that ends where they stop being significant, G = sum of |k| R(k) and
    S = sum of R(k), the length is (G / S)^(2/3) n^(1/3), at least 1 and at most min(3 sqrt(n), n / 3). 1 for fewer
    than 10 returns, and when all are equal.

    Example:
        >>> block_length(np.random.default_rng(1).standard_normal(1_000)) < 10
        True

    Raises:
        UserError: BAD_PARAMETER for NaN or infinite returns.
    """
    row = checked_returns(returns)
    found = _measure(row)
    if found is None:
        return 1.0
    # The window lets the long-run variance come out at 0: then no block is too long.
    cube = (found.slope / found.long_run) ** 2 * len(row) if found.long_run else math.inf
    return max(1.0, min(_longest_block(len(row)), math.cbrt(cube)))


def independent_count(returns: Floats) -> float:
    """Give how many independent returns tell as much about the mean: n x variance / long-run variance, at most n.

    The long-run variance is that of the residuals of a first-order autoregression, under the window of
    `block_length`, divided by (1 - coefficient)^2 (D. Andrews and J. Monahan, 1992). Returns that revert are counted
    as n and not as more. n for fewer than 10 returns, and when all are equal.

    Raises:
        UserError: BAD_PARAMETER for NaN or infinite returns.
    """
    row = checked_returns(returns)
    found = _measure(row)
    if found is None:
        return float(len(row))
    centred = row - row.mean()
    follows = _product(centred[1:], centred[:-1]) / _product(centred, centred)
    follows = max(-_STEADY, min(_STEADY, follows))
    left = _measure(centred[1:] - follows * centred[:-1])
    long_run = found.long_run if left is None else left.long_run / (1.0 - follows) ** 2
    return len(row) / max(1.0, long_run / found.variance)


def _longest_block(count: int) -> float:
    return math.ceil(min(3.0 * math.sqrt(count), count / 3.0))


def _measure(row: Floats) -> _Dependence | None:
    count = len(row)
    centred = row - row.mean() if count else row
    variance = _product(centred, centred) / count if count else 0.0
    if count < _FEWEST or variance <= 1e-24 * _product(row, row) / count:
        return None
    run = max(5, math.ceil(math.sqrt(math.log10(count))))
    lags = min(count - 1, math.ceil(math.sqrt(count)) + run)
    covariances = np.array([_product(centred[lag:], centred[: count - lag]) / count for lag in range(1, lags + 1)])
    width = min(2 * _last_significant(covariances / variance, run, count), lags)
    places = np.arange(1.0, width + 1.0)
    weights = np.clip(2.0 * (1.0 - places / width), 0.0, 1.0)
    weighted = weights * covariances[:width]
    return _Dependence(variance, variance + 2.0 * float(weighted.sum()), 2.0 * _product(places, weighted))


def _product(left: Floats, right: Floats) -> float:
    # Not a dot product: linear algebra libraries add in an order that depends on the processor.
    return float(np.sum(left * right))


def _last_significant(correlations: Floats, run: int, count: int) -> int:
    # The smallest positive lag after which `run` autocorrelations in a row are insignificant; without such a run
    # the last lag that is significant.
    strong = np.abs(correlations) >= _SIGNIFICANT * math.sqrt(math.log10(count) / count)
    for lag in range(1, len(strong) - run + 1):
        if not strong[lag : lag + run].any():
            return lag
    return max(1, int(np.flatnonzero(strong)[-1]) + 1) if strong.any() else 1
