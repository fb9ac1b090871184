"""Whether the timing of several weights beats the same weights at other times."""

from dataclasses import replace

import numpy as np

from tallow.core.honesty.inputs import bad, check_count, check_least
from tallow.core.honesty.permutation import PermutationTest, ranked
from tallow.core.honesty.randomness import shuffle, stream
from tallow.core.indicators.compiled import compiled
from tallow.domain.columns import Floats, Times


def rotation_test(
    weights: Floats, close: Floats, *, cost_rate: float = 0.0, permutations: int = 1_000, seed: int = 0
) -> PermutationTest:
    """Compare the compounded return of several weights, from close to close, with that of the same weights rotated.

    The table of weights is turned in time by a random number of rows, what falls off at the end coming first. Every
    instrument then has the same exposure, number, length and size of holdings; what was held side by side still is; and
    every change costs what it did, the one from the last row to the first included, which is charged to all alike. Only
    where the market stands below is random. Each rotation is tried once at most. Weights that never change give the
    same at every place: a p-value of 1, for there is no timing in them.

    Args:
        weights: rows x instruments: fraction of equity held after each row; NaN keeps the last.
        close: rows x instruments: prices; NaN where there is none, which earns nothing.
        cost_rate: fee and slippage of one side, a fraction.
        permutations: rotations, at least 100; all there are when the table has fewer rows.
        seed: the same seed gives the same p-value.

    Example:
        >>> change = np.random.default_rng(3).normal(0.0, 0.01, (400, 2))
        >>> close = 100.0 * np.cumprod(1.0 + np.vstack((np.zeros(2), change[:-1])), axis=0)
        >>> seen = (change > change[:, ::-1]).astype(float)  # all in what will do better
        >>> rotation_test(seen, close).p_value < 0.01, rotation_test(np.full((400, 2), 0.5), close).p_value
        (True, 1.0)

    Raises:
        UserError: BAD_PARAMETER for prices that are not positive, infinite weights, tables of unlike shape.
    """
    prices, table = np.asarray(close, np.float64), np.asarray(weights, np.float64)
    if table.ndim != 2 or prices.shape != table.shape:
        raise bad("weights", f"of shape {table.shape}", f"one row a time and one column an instrument: {prices.shape}")
    if np.isinf(table).any():
        raise bad("weights", "infinite", "finite fractions, or NaN")
    if np.isinf(prices).any() or (prices <= 0.0).any():
        raise bad("close", "0, negative or infinite", "positive prices, or NaN")
    check_least("cost_rate", cost_rate, 0.0)
    check_count("permutations", permutations, 100)
    check_count("seed", seed, 0)
    held, changes = _resolved(table, 0.0), _changes(prices)
    if not len(changes) or not held.any():
        return PermutationTest(None, 0.0, None, None, 0, 0, 0.0, 0, "rotated weights")
    costs = cost_rate * np.abs(held - np.roll(held, 1, axis=0)).sum(axis=1)
    offsets = np.arange(1, len(held))
    shuffle(offsets, np.uint64(stream(seed, 0)))
    offsets = np.concatenate(([0], offsets[:permutations]))
    found = np.empty(len(offsets))
    _compound_rotated(np.ascontiguousarray(held), changes, costs, offsets, found)
    signs = np.sign(held)
    begun = int(np.sum((signs != 0.0) & (signs != np.vstack((np.zeros(held.shape[1]), signs[:-1])))))
    exposure = float(np.mean((held != 0.0).any(axis=1)))
    return replace(ranked(float(found[0]), found[1:], begun, exposure), method="rotated weights")


def _resolved(table: Floats, first: float) -> Floats:
    """Put the last known value of each column where none is, `first` before the first one."""
    rows = np.where(np.isnan(table), -1, np.arange(len(table))[:, None])
    last = np.maximum.accumulate(rows, axis=0)
    known = np.take_along_axis(table, np.maximum(last, 0), axis=0)
    return np.asarray(np.where(last < 0, first, known), np.float64)


def _changes(prices: Floats) -> Floats:
    known = _resolved(prices, np.nan)
    return np.ascontiguousarray(np.nan_to_num(np.diff(known, axis=0) / known[:-1]))


@compiled
def _compound_rotated(
    held: Floats, changes: Floats, costs: Floats, offsets: Times, found: Floats
) -> None:  # pragma: no cover
    rows = len(held)
    for number in range(len(offsets)):
        value = 1.0
        for row in range(rows - 1):
            place = row + offsets[number]
            if place >= rows:
                place -= rows
            gain = 1.0 - costs[place]
            for column in range(held.shape[1]):
                gain += held[place, column] * changes[row, column]
            value *= gain
            if value <= 0.0:
                value = 0.0
                break
        found[number] = value - 1.0
