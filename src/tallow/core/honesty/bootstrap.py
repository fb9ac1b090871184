"""Confidence intervals of any number made from returns, by the stationary bootstrap."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tallow.core.honesty.dependence import block_length
from tallow.core.honesty.inputs import check_count, check_fraction, check_least, checked_returns
from tallow.core.honesty.randomness import advance, stream, uniform
from tallow.core.indicators.compiled import compiled
from tallow.core.metrics.drawdowns import drawdowns
from tallow.core.metrics.returns import sharpe
from tallow.domain.columns import Floats

Metric = Callable[[Floats], float | None]
"""Makes one number from returns, or None where it is undefined."""

_CHUNK_BYTES = 4_000_000  # resampled returns held at a time


@dataclass(frozen=True)
class Resampling:
    """How to resample.

    Attributes:
        resamples: how many, at least 100.
        block: mean length of the blocks that stay together; None lets `block_length` choose.
        confidence: share of the resamples that the interval holds.
        seed: the same seed gives the same interval.

    Raises:
        UserError: BAD_PARAMETER.
    """

    resamples: int = 2_000
    block: float | None = None
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every number."""
        check_count("resamples", self.resamples, 100)
        check_count("seed", self.seed, 0)
        check_fraction("confidence", self.confidence)
        if self.block is not None:
            check_least("block", self.block, 1.0)


@dataclass(frozen=True)
class Interval:
    """A number and the range that resampling gives it.

    Attributes:
        value: of the returns as they are; None where it is undefined.
        low: lower end; None where the value is, or where fewer than half of the resamples define it.
        high: upper end.
        confidence: what share of resamples lies between the ends.
        resamples: how many were made.
        block: mean length of blocks, in returns.
        undefined: resamples in which the number is undefined; they are left out.
    """

    value: float | None
    low: float | None
    high: float | None
    confidence: float
    resamples: int
    block: float
    undefined: int = 0


def mean(returns: Floats) -> float | None:
    """Give the mean return; None without returns."""
    return float(np.mean(returns)) if len(returns) else None


def total_return(returns: Floats) -> float:
    """Give what compounding leaves: product of (1 + return), minus 1."""
    return float(np.prod(1.0 + returns)) - 1.0


def max_drawdown(returns: Floats) -> float:
    """Give the deepest fall below the highest equity so far, start included, as a fraction at most 0."""
    equity = np.asarray(np.cumprod(1.0 + returns), np.float64)
    found = drawdowns(equity, np.arange(len(equity)), cash=1.0, count=1)
    return found[0].depth_pct / 100.0 if found else 0.0


METRICS: Mapping[str, Metric] = MappingProxyType(
    {"sharpe": sharpe, "mean": mean, "max_drawdown": max_drawdown, "total_return": total_return}
)
"""The numbers that a score shows with an interval; `sharpe` is annualised with 365 returns a year."""


def bootstrap(
    returns: Floats, metrics: Mapping[str, Metric] = METRICS, resampling: Resampling | None = None
) -> dict[str, Interval]:
    """Give every metric with its percentile interval over resamples of the returns.

    The stationary bootstrap (D. Politis and J. Romano, 1994) joins blocks of geometric length from random places,
    round the end, so that what follows each other mostly still does. All metrics see the same resamples. The same
    returns, seed and settings give the same interval.

    Args:
        returns: fractions, one a period.
        metrics: name -> function of one row of returns, compiled or not.
        resampling: how often, in what blocks.

    Example:
        >>> found = bootstrap(np.tile([0.02, -0.01, 0.0], 40), {"mean": mean})["mean"]
        >>> round(found.value, 6), found.low < found.value < found.high
        (0.003333, True)

    Raises:
        UserError: BAD_PARAMETER for NaN or infinite returns.
    """
    row, plan = checked_returns(returns), resampling or Resampling()
    block = block_length(row) if plan.block is None else plan.block
    found = {name: np.full(plan.resamples, np.nan) for name in metrics}
    rows = np.empty((max(1, _CHUNK_BYTES // (8 * max(1, len(row)))), len(row)))
    for start in range(0, plan.resamples if len(row) > 1 else 0, len(rows)):
        count = min(len(rows), plan.resamples - start)
        _resample(row, rows[:count], start, 1.0 / block, plan.seed)
        for name, metric in metrics.items():
            found[name][start : start + count] = _values(metric, rows[:count])
    return {name: _interval(metric(row), found[name], plan, block) for name, metric in metrics.items()}


def _values(metric: Metric, rows: Floats) -> list[float]:
    values = [metric(row) for row in rows]
    return [np.nan if value is None else value for value in values]


def _interval(value: float | None, found: Floats, plan: Resampling, block: float) -> Interval:
    value = value if value is not None and np.isfinite(value) else None
    defined = found[np.isfinite(found)]
    undefined = plan.resamples - len(defined)
    low, high = None, None
    if value is not None and 2 * undefined < plan.resamples:
        tail = (1.0 - plan.confidence) / 2.0
        low, high = np.quantile(defined, [tail, 1.0 - tail]).tolist()
    return Interval(value, low, high, plan.confidence, plan.resamples, block, undefined)


@compiled
def _resample(row: Floats, rows: Floats, first: int, restart: float, seed: int) -> None:  # pragma: no cover
    # Fill every line with blocks of the row; `first` is the number of the first resample.
    count = len(row)
    for line in range(len(rows)):
        counter = stream(seed, first + line)
        place = 0
        for at in range(count):
            counter = advance(counter)
            place = place + 1 if place + 1 < count else 0
            if at == 0 or uniform(counter) < restart:
                counter = advance(counter)
                place = int(uniform(counter) * count)
            rows[line, at] = row[place]
