"""Whether a rule finds more in the order of the bars than in the same bars in random order."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tallow.core.honesty.inputs import check_count, check_least
from tallow.core.honesty.permutation import PermutationTest, compounded, ranked, resolved
from tallow.core.honesty.randomness import shuffle, stream
from tallow.domain.columns import COLUMNS, Bars, Floats, Targets
from tallow.domain.errors import UserError

Rule = Callable[[Bars], Targets]
"""Gives one target a bar, decided with what is known at that bar's close."""


def path_permutation_test(
    run: Rule, bars: Bars, *, cost_rate: float = 0.0, permutations: int = 200, seed: int = 0
) -> PermutationTest:
    """Compare the compounded return of a rule with what it earns on shuffled bars.

    A shuffled market has the first bar and then the moves of all others in random order: gap from the close before,
    open to high, low and close, volumes. It ends at the same price, so that being in a market that rose is no merit.
    The rule decides anew on each. For rules that look at prices this test keeps its level where random entries do
    not, as long as bars do not depend on each other in other ways than the rule could use.

    Args:
        run: the rule; it is run `permutations` + 1 times.
        bars: the market, at least 3 bars.
        cost_rate: fee and slippage of one side, a fraction.
        permutations: random markets, at least 100.
        seed: the same seed gives the same p-value.

    Example:
        >>> steps = np.tile([0.01] * 5 + [-0.009] * 5, 20)  # five up, five down
        >>> close = 100.0 * np.cumprod(1.0 + steps)
        >>> bars = Bars.of(np.arange(200), (close, close, close, close, close))
        >>> path_permutation_test(lambda bars: np.sign(np.diff(bars.close, prepend=100.0)), bars).p_value < 0.01
        True

    Raises:
        UserError: TOO_FEW_BARS; BAD_OUTPUT when the rule does not give one target a bar; BAD_PARAMETER; what the
            rule raises.
    """
    check_least("cost_rate", cost_rate, 0.0)
    check_count("permutations", permutations, 100)
    check_count("seed", seed, 0)
    if len(bars) < 3:
        raise UserError("TOO_FEW_BARS", f"{len(bars)} bars have no order", facts={"needed": 3})
    line, observed = _result(run, bars, cost_rate)
    found = np.array([_result(run, shuffled(bars, seed, number), cost_rate)[1] for number in range(permutations)])
    turns = np.sign(line)
    holdings = int(np.sum((turns != 0.0) & (turns != np.concatenate(([0.0], turns[:-1])))))
    result = ranked(observed, found, holdings, float(np.mean(line != 0.0)))
    return replace(result, method="shuffled bars")


def shuffled(bars: Bars, seed: int, number: int) -> Bars:
    """Give the bars with their moves in the random order `number` of a seed, under the times as they were.

    Example:
        >>> close = np.array([1.0, 2.0, 6.0, 24.0])
        >>> bars = Bars.of(np.arange(4), (close, close, close, close, close))
        >>> shuffled(bars, 0, 0).close[[0, -1]].tolist(), sorted(shuffled(bars, 0, 0).volume[1:].tolist())
        ([1.0, 24.0], [2.0, 6.0, 24.0])
    """
    order = np.arange(1, len(bars))
    shuffle(order, np.uint64(stream(seed, number)))
    before = bars.close[order - 1]
    # One product after the other, as the other prices are made: no close is above its high by a rounding.
    close = np.cumprod(np.concatenate((bars.close[:1], bars.close[order] / before)))
    opens, highs, lows = (
        np.concatenate((column[:1], close[:-1] * (column[order] / before)))
        for column in (bars.open, bars.high, bars.low)
    )
    moved = np.concatenate(([0], order))
    known = {name: getattr(bars, name)[moved] for name in COLUMNS[6:]}
    return Bars.of(bars.time, (opens, highs, lows, np.asarray(close, np.float64), bars.volume[moved]), **known)


def _result(run: Rule, bars: Bars, cost_rate: float) -> tuple[Floats, float]:
    line = resolved(run(bars))
    if len(line) != len(bars):
        raise UserError("BAD_OUTPUT", f"{len(line)} targets", facts={"valid": f"one a bar: {len(bars)}"})
    return line, float(compounded(line, np.diff(bars.close) / bars.close[:-1], cost_rate))
