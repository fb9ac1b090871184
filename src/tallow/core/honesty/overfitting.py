"""How often the best of many trials in one half of the data is below the middle in the other half."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tallow.core.honesty.inputs import bad, checked_returns
from tallow.core.indicators.compiled import compiled
from tallow.domain.columns import Floats, Times
from tallow.domain.errors import UserError

MOST_BLOCKS = 20
_CHUNK = 512  # trials whose block sums fit into the first caches together
_EQUAL = 1e-14  # a variance below this part of the mean square is what rounding left of equal returns


class BlockSums(NamedTuple):
    """What remains of the trials' returns: enough for the Sharpe ratio of any union of blocks.

    Attributes:
        rows: rows of every block.
        mean: mean of every trial over all rows.
        sums: blocks x trials: sum of (return - mean).
        squares: blocks x trials: sum of (return - mean)^2.
    """

    rows: Times
    mean: Floats
    sums: Floats
    squares: Floats


@dataclass(frozen=True, eq=False)
class Overfitting:
    """The probability of backtest overfitting, and what it was made from.

    Attributes:
        probability: share of the halvings in which the trial that is best in one half has at best the middle rank in
            the other.
        slope: change of the chosen trial's Sharpe ratio out of sample per unit in sample (least squares over the
            halvings); None when it is the same in all.
        intercept: its ratio out of sample at a ratio of 0 in sample.
        loss_probability: share of the halvings in which the chosen trial loses out of sample.
        logits: ln(w / (1 - w)) with w = rank of the chosen trial out of sample / (trials + 1), per halving.
        in_sample: Sharpe ratio per return of the chosen trial in the half it was chosen in.
        out_of_sample: its ratio in the other half.
        chosen: number of the chosen trial.
        trials: how many trials there were.
        blocks: how many blocks the rows were cut into.
    """

    probability: float
    slope: float | None
    intercept: float | None
    loss_probability: float
    logits: Floats
    in_sample: Floats
    out_of_sample: Floats
    chosen: NDArray[np.int64]
    trials: int
    blocks: int

    @property
    def halvings(self) -> int:
        """How many ways there are to choose half of the blocks."""
        return len(self.logits)

    def to_dict(self) -> dict[str, float | None]:
        """Give the single numbers, for JSON."""
        names = ("probability", "slope", "intercept", "loss_probability", "trials", "blocks", "halvings")
        return {name: getattr(self, name) for name in names}


def block_sums(returns: Floats | Iterable[Floats], blocks: int = 16) -> BlockSums:
    """Reduce the returns of trials to sums per block.

    One trial is read at a time: an iterator needs no table of rows x trials. All rows are used; blocks differ by at
    most one row.

    Args:
        returns: a table of rows x trials, or the returns of one trial after the other; all of the same periods.
        blocks: consecutive pieces, an even number from 2 to 20.

    Raises:
        UserError: BAD_PARAMETER for another number of blocks, NaN or infinite returns, trials of unequal length;
            TOO_FEW_BARS for blocks of less than two rows.
    """
    if blocks % 2 or not 2 <= blocks <= MOST_BLOCKS:
        raise bad("blocks", blocks, f"an even number from 2 to {MOST_BLOCKS}")
    trials = iter(returns.T) if isinstance(returns, np.ndarray) else iter(returns)
    means, sums, squares, starts, rows = [], [], [], np.zeros(0, np.int64), -1
    for number, trial in enumerate(trials):
        row = checked_returns(trial)
        if number == 0:
            rows, starts = len(row), np.arange(blocks) * len(row) // blocks
            if rows < 2 * blocks:
                raise UserError(
                    "TOO_FEW_BARS", f"{rows} returns are too few for {blocks} blocks", facts={"needed": 2 * blocks}
                )
        elif len(row) != rows:
            raise bad(f"trial {number}", f"{len(row)} returns long", f"{rows}, as the first one")
        means.append(float(np.mean(row)))
        centred = row - means[-1]
        sums.append(np.add.reduceat(centred, starts))
        squares.append(np.add.reduceat(centred * centred, starts))
    if len(means) < 2:
        raise bad("trials", len(means), "at least 2: one trial is not chosen among others")
    table = np.ascontiguousarray
    return BlockSums(
        np.diff(np.append(starts, rows)), np.array(means), table(np.array(sums).T), table(np.array(squares).T)
    )


def overfitting(returns: "Floats | Iterable[Floats] | BlockSums", blocks: int = 16) -> Overfitting:
    """Give the probability of backtest overfitting by combinatorially symmetric cross-validation.

    The rows are cut into blocks; every half of the blocks is once the sample in which the trial with the best Sharpe
    ratio is chosen, and the other half shows what became of it (D. Bailey, J. Borwein, M. Lopez de Prado and Q. Zhu,
    2015). Equal ratios share their mean rank. A trial that stands still in the rows concerned has a ratio of 0.

    Args:
        returns: a table of rows x trials, the returns of one trial after the other, or what `block_sums` made.
        blocks: consecutive pieces, an even number from 2 to 20; 16 give 12,870 halvings.

    Example:
        >>> noise = np.random.default_rng(5).standard_normal((400, 20))
        >>> edge = noise + np.where(np.arange(20) == 7, 0.3, 0.0)
        >>> overfitting(noise, 8).probability > 0.2, overfitting(edge, 8).probability
        (True, 0.0)

    Raises:
        UserError: BAD_PARAMETER, TOO_FEW_BARS, as `block_sums`.
    """
    sums = returns if isinstance(returns, BlockSums) else block_sums(returns, blocks)
    count, trials = len(sums.rows), len(sums.mean)
    halves = np.array(list(itertools.combinations(range(count), count // 2)), np.int64)
    # The mirror image of a half stands at the mirrored place: its rest is the sample of that place.
    rests = halves[::-1]
    chosen, inside, outside = np.zeros(len(halves), np.int64), np.full(len(halves), -np.inf), np.zeros(len(halves))
    for start in range(0, trials, _CHUNK):
        _choose(sums, start, min(start + _CHUNK, trials), halves, chosen, inside)
    _chosen_outside(sums, rests, chosen, outside)
    ranks = np.ones(len(halves))
    for start in range(0, trials, _CHUNK):
        _rank(sums, start, min(start + _CHUNK, trials), rests, outside, ranks)
    # Every trial equal to the chosen one counts half, itself among them: take it off again.
    shares = (ranks - 0.5) / (trials + 1)
    logits = np.log(shares / (1.0 - shares))
    slope, intercept = _line(inside, outside)
    return Overfitting(
        probability=float(np.mean(logits <= 0.0)),
        slope=slope,
        intercept=intercept,
        loss_probability=float(np.mean(outside < 0.0)),
        logits=logits,
        in_sample=inside,
        out_of_sample=outside,
        chosen=chosen,
        trials=trials,
        blocks=count,
    )


def _line(inside: Floats, outside: Floats) -> tuple[float | None, float | None]:
    centred = inside - inside.mean()
    spread = float(np.sum(centred * centred))
    if spread <= _EQUAL * float(np.sum(inside * inside)):
        return None, None
    slope = float(np.sum(centred * outside)) / spread
    return slope, float(outside.mean() - slope * inside.mean())


@compiled
def _pooled_sharpe(rows: float, mean: float, total: float, squares: float) -> float:  # pragma: no cover
    # `metrics.sharpe` per return, from sums of distances to `mean` instead of the returns; a test compares the two.
    shift = total / rows
    variance = (squares - total * shift) / (rows - 1.0)
    average = mean + shift
    if variance <= _EQUAL * (squares / rows + mean * mean):
        return 0.0
    return average / math.sqrt(variance)


@compiled
def _pool(sums: BlockSums, start: int, half: Times, totals: Floats, squares: Floats) -> float:  # pragma: no cover
    # Add up the blocks of a half for the trials from `start` on; give its rows.
    rows = 0.0
    totals[:] = 0.0
    squares[:] = 0.0
    for block in half:
        rows += float(sums.rows[block])
        for at in range(len(totals)):
            totals[at] += sums.sums[block, start + at]
            squares[at] += sums.squares[block, start + at]
    return rows


@compiled
def _choose(
    sums: BlockSums, start: int, stop: int, halves: Times, chosen: Times, best: Floats
) -> None:  # pragma: no cover
    """Keep for every half the best trial so far and its ratio, looking at the trials from `start` to `stop`."""
    totals, squares = np.empty(stop - start), np.empty(stop - start)
    for number in range(len(halves)):
        rows = _pool(sums, start, halves[number], totals, squares)
        for at in range(stop - start):
            totals[at] = _pooled_sharpe(rows, sums.mean[start + at], totals[at], squares[at])
        for at in range(stop - start):
            if totals[at] > best[number]:
                best[number], chosen[number] = totals[at], start + at


@compiled
def _chosen_outside(sums: BlockSums, rests: Times, chosen: Times, outside: Floats) -> None:  # pragma: no cover
    """Give the ratio of every chosen trial in the other half."""
    total, squares = np.empty(1), np.empty(1)
    for number in range(len(rests)):
        rows = _pool(sums, chosen[number], rests[number], total, squares)
        outside[number] = _pooled_sharpe(rows, sums.mean[chosen[number]], total[0], squares[0])


@compiled
def _rank(
    sums: BlockSums, start: int, stop: int, rests: Times, outside: Floats, ranks: Floats
) -> None:  # pragma: no cover
    """Add to every rank the trials from `start` to `stop` below the chosen one, and half of those equal to it."""
    totals, squares = np.empty(stop - start), np.empty(stop - start)
    for number in range(len(rests)):
        rows = _pool(sums, start, rests[number], totals, squares)
        below, own = 0.0, outside[number]
        for at in range(stop - start):
            ratio = _pooled_sharpe(rows, sums.mean[start + at], totals[at], squares[at])
            below += 1.0 if ratio < own else (0.5 if ratio == own else 0.0)
        ranks[number] += below
