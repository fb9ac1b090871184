"""Whether a strategy's timing beats random entries that are in the market as long, as often and at the same cost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from tallow.core.honesty.inputs import bad, check_count, check_least
from tallow.core.honesty.randomness import advance, shuffle, stream, uniform
from tallow.core.indicators.compiled import compiled
from tallow.domain.columns import Floats, Targets, Times

Statistic = Callable[[Floats], float]
"""Makes one number, the higher the better, from a target a row."""

Method = Literal["random entries", "shuffled bars", "rotated weights"]

_TIE = 1e-12  # two results closer than this differ by the order of the same factors


@dataclass(frozen=True)
class PermutationTest:
    """How a strategy stands among random arrangements.

    Attributes:
        p_value: (1 + random ones at least as good) / (1 + permutations); None when the strategy never held anything.
        observed: the strategy's own number.
        median: that of the random ones; None without any.
        high: what 95 % of the random ones stay below; None without any.
        permutations: random arrangements tried.
        holdings: spells in the market, longs and shorts counted apart.
        exposure: share of rows with a position.
        distinct: different results among the arrangements; few of them make the p-value coarse.
        method: ``random entries``, ``shuffled bars`` or ``rotated weights``.
    """

    p_value: float | None
    observed: float
    median: float | None
    high: float | None
    permutations: int
    holdings: int
    exposure: float
    distinct: int
    method: Method = "random entries"


class _Spells(NamedTuple):
    """Runs of one sign, flat ones left out, and the chains they make where no flat row lies between them.

    `by_sign` has the numbers of the `longs` long spells, then of the short ones. `gaps` are the flat rows after every
    chain; the last entry is what lies outside of the first and last chain.
    """

    start: Times
    length: Times
    sign: Times
    by_sign: Times
    longs: int
    chain_start: Times
    chain_size: Times
    gaps: Times


def permutation_test(
    targets: Targets, close: Floats, *, cost_rate: float = 0.0, permutations: int = 2_000, seed: int = 0
) -> PermutationTest:
    """Compare the compounded return from close to close with that of random entries.

    The row's target earns the change of close to the next row; every change of the target costs `cost_rate` of the
    changed fraction. For the rules of the engine in place of these, see `permutation_test_by`.

    Args:
        targets: fraction of equity held after each row; NaN keeps the last.
        close: a price a row.
        cost_rate: fee and slippage of one side, a fraction.
        permutations: random arrangements, at least 100.
        seed: the same seed gives the same p-value.

    Example:
        >>> rng = np.random.default_rng(3)
        >>> change = rng.normal(0.0, 0.01, 400)
        >>> seen = np.repeat(np.sign(change.reshape(-1, 4).sum(axis=1)), 4)  # knows the next four rows
        >>> permutation_test(seen, 100 * np.cumprod(1 + np.concatenate(([0.0], change[:-1])))).p_value < 0.001
        True

    Raises:
        UserError: BAD_PARAMETER for prices that are not positive, targets of another length, infinite targets.
    """
    prices = np.ascontiguousarray(close, np.float64)
    if prices.shape != np.shape(targets):
        raise bad("targets", f"of shape {np.shape(targets)}", f"one a price: {prices.shape}")
    if not (np.isfinite(prices).all() and (prices > 0.0).all()):
        raise bad("close", "0, negative or not finite", "positive prices")
    check_least("cost_rate", cost_rate, 0.0)
    line, changes = resolved(targets), np.diff(prices) / prices[:-1]

    def fill(spells: _Spells, found: Floats) -> None:
        _compound_all(line, changes, cost_rate, spells, seed, found)

    return _compare(line, float(compounded(line, changes, cost_rate)), fill, permutations, seed)


def permutation_test_by(
    targets: Targets, statistic: Statistic, *, permutations: int = 2_000, seed: int = 0
) -> PermutationTest:
    """Compare any number made from targets with that of random entries.

    A random arrangement has the same spells of holding, with their sizes inside, and the same flat spells, both in
    random order: equal exposure, number and length of holdings, and number of changes. Where a long meets a short
    without a flat row between, they still meet. The flat rows before the first and after the last holding count as
    one spell, cut anywhere. P-value with the strategy itself among the arrangements (B. Phipson and G. Smyth, 2010).

    Args:
        targets: fraction of equity held after each row; NaN keeps the last.
        statistic: called with targets of the same length, in an array that is used again; compiled functions are
            welcome.
        permutations: random arrangements, at least 100.
        seed: the same seed gives the same p-value.

    Raises:
        UserError: BAD_PARAMETER.
    """
    line = resolved(targets)
    drawn = np.empty(len(line))

    def fill(spells: _Spells, found: Floats) -> None:
        for number in range(len(found)):
            _arrange(line, drawn, spells, seed, number)
            found[number] = statistic(drawn)

    return _compare(line, float(statistic(line)), fill, permutations, seed)


def _compare(
    line: Floats, observed: float, fill: Callable[[_Spells, Floats], None], permutations: int, seed: int
) -> PermutationTest:
    check_count("permutations", permutations, 100)
    check_count("seed", seed, 0)
    spells, found = _spells(line), np.empty(permutations)
    if not len(spells.start):
        return PermutationTest(None, observed, None, None, 0, 0, 0.0, 0)
    fill(spells, found)
    return ranked(observed, found, len(spells.start), float(np.mean(line != 0.0)))


def ranked(observed: float, found: Floats, holdings: int, exposure: float) -> PermutationTest:
    """Compare a number with those of random arrangements; what is equal up to rounding counts as good."""
    as_good = int(np.sum(found >= observed - _TIE * max(1.0, abs(observed))))
    median, high = np.quantile(found, [0.5, 0.95]).tolist()
    return PermutationTest(
        p_value=(1 + as_good) / (1 + len(found)),
        observed=observed,
        median=median,
        high=high,
        permutations=len(found),
        holdings=holdings,
        exposure=exposure,
        distinct=len(np.unique(found.round(12))),
    )


def resolved(targets: Targets) -> Floats:
    """Give targets with NaN replaced by the last value, 0 before the first.

    Raises:
        UserError: BAD_PARAMETER for infinite targets, or more than one row.
    """
    line = np.asarray(targets, np.float64)
    if line.ndim != 1 or np.isinf(line).any():
        raise bad("targets", "infinite or of another shape", "one finite fraction a row, or NaN")
    last = np.maximum.accumulate(np.where(np.isnan(line), -1, np.arange(len(line))))
    return np.where(last < 0, 0.0, line[last])


def _spells(line: Floats) -> _Spells:
    sign = np.sign(line).astype(np.int64)
    start = np.flatnonzero(np.concatenate(([True], sign[1:] != sign[:-1]))) if len(line) else np.zeros(0, np.int64)
    length, held = np.diff(np.append(start, len(line))), sign[start] != 0
    start, length = start[held], length[held]
    end = start + length
    # A chain begins where the spell does not touch the one before.
    first = np.flatnonzero(np.concatenate(([True], start[1:] != end[:-1]))) if len(start) else start
    gaps = start[first][1:] - end[first[1:] - 1]
    outside = len(line) - (end[-1] - start[0]) if len(start) else len(line)
    chain_size = np.diff(np.append(first, len(start)))
    signs = sign[start]
    by_sign, longs = np.argsort(-signs, kind="stable"), int(np.sum(signs > 0))
    return _Spells(start, length, signs, by_sign, longs, first, chain_size, np.append(gaps, outside))


@compiled
def _arrange(line: Floats, drawn: Floats, spells: _Spells, seed: int, number: int) -> None:  # pragma: no cover
    """Write one random arrangement of the spells of `line` to `drawn`."""
    counter = stream(seed, number)
    # Longs change places with longs, shorts with shorts; `order` has them behind each other, chains and gaps after.
    count, chains = len(spells.start), len(spells.chain_start)
    order = np.concatenate((spells.by_sign, np.arange(chains), spells.gaps))
    # Without a flat row outside, a gap that went there would let two chains meet.
    moving = chains if spells.gaps[-1] > 0 else chains - 1
    ends = (0, spells.longs, count, count + chains, count + chains + moving)
    for part in range(4):
        counter = shuffle(order[ends[part] : ends[part + 1]], counter)
    counter = advance(counter)
    place = int(uniform(counter) * (order[-1] + 1))
    drawn[:] = 0.0
    next_long, next_short = 0, spells.longs
    for at in range(chains):
        chain = order[count + at]
        first = spells.chain_start[chain]
        for slot in range(first, first + spells.chain_size[chain]):
            if spells.sign[slot] > 0:
                spell = order[next_long]
                next_long += 1
            else:
                spell = order[next_short]
                next_short += 1
            for row in range(spells.start[spell], spells.start[spell] + spells.length[spell]):
                drawn[place] = line[row]
                place += 1
        place += order[count + chains + at]


@compiled
def compounded(line: Floats, changes: Floats, cost_rate: float) -> float:  # pragma: no cover
    """Compound what every target earns until the next row, less the cost of its change; -1 once all is lost."""
    value, held = 1.0, 0.0
    for row in range(len(changes)):
        value *= 1.0 + line[row] * changes[row] - cost_rate * abs(line[row] - held)
        held = line[row]
        if value <= 0.0:
            return -1.0
    return value - 1.0


@compiled
def _compound_all(
    line: Floats, changes: Floats, cost_rate: float, spells: _Spells, seed: int, found: Floats
) -> None:  # pragma: no cover
    drawn = np.empty(len(line))
    for number in range(len(found)):
        _arrange(line, drawn, spells, seed, number)
        found[number] = compounded(drawn, changes, cost_rate)
