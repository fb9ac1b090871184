"""Evaluate combinations of a strategy's parameters, one after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from tallow.core.engine import Market, Summary, prepare, summarize
from tallow.core.strategies import bind
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.errors import Error
from tallow.domain.scene import Execution, Value
from tallow.domain.sweep import Evaluated, Row
from tallow.ports import Strategy
from tallow.runners.inline import BuiltInStrategy, Conditions, FileStrategy, declaring, under

WHOLE = slice(None)


@dataclass
class Ground:
    """What combinations are evaluated on: bars, checked once for each stretch of them, and the conditions."""

    bars: Bars
    execution: Execution
    cash: float
    funding: FundingRates | None = None
    _cut: tuple[slice, Bars, Market] | None = field(default=None, init=False, repr=False)

    @cached_property
    def conditions(self) -> Conditions:
        """What a path-dependent strategy trades under."""
        return Conditions(self.execution, self.cash, self.funding)

    def cut(self, rows: slice) -> tuple[Bars, Market]:
        """Give a stretch of the bars, plain and checked; the last stretch asked for is kept.

        Raises:
            DataError: BAD_BARS, BAD_FUNDING.
        """
        if self._cut is None or self._cut[0] != rows:
            bars = self.bars[rows]
            self._cut = (rows, bars, prepare(bars, self.funding))
        return self._cut[1:]


def evaluate(
    ground: Ground,
    strategy: Strategy,
    names: tuple[str, ...],
    rows: Sequence[Row],
    bars: slice = WHOLE,
    begin: Callable[[int], None] = lambda row: None,
) -> Evaluated:
    """Backtest a strategy under every combination; each gives the bits that it gives alone.

    A combination that the strategy or the engine refuses, or that fails, has NaN in every column and its reason in
    `failed`.

    Args:
        ground: bars and conditions.
        strategy: with any parameters; they are replaced.
        names: every parameter.
        rows: one combination each.
        bars: stretch of the bars to work on.
        begin: told the place of each combination before it is evaluated.

    Raises:
        DataError: BAD_BARS, BAD_FUNDING.
    """
    cut, market = ground.cut(bars)
    numbers = np.full((len(Summary._fields), len(rows)), np.nan)
    failed = {}
    subject = under(strategy, ground.conditions)
    for place, row in enumerate(rows):
        begin(place)
        try:
            targets = variant(subject, dict(zip(names, row, strict=True))).targets(cut)
            numbers[:, place] = summarize(market, targets, ground.execution, cash=ground.cash, periods_per_year=1.0)
        except Error as problem:
            failed[place] = f"{problem.code}: {problem.message}"
    return Evaluated(names, tuple(rows), dict(zip(Summary._fields, numbers, strict=True)), failed)


def variant(strategy: Strategy, parameters: Mapping[str, Value]) -> Strategy:
    """Give a strategy with other parameters, which are settled already."""
    assert isinstance(strategy, FileStrategy | BuiltInStrategy)
    return replace(strategy, parameters=dict(parameters))


class Inline:
    """The Evaluator port in this process."""

    def __init__(self, strategy: Strategy, ground: Ground) -> None:
        self.strategy = strategy
        self.ground = ground

    def settle(self, name: str, values: Row) -> Row:
        """Convert values of a parameter to its declared type."""
        with declaring(self.strategy) as code:
            return tuple(bind(code, {name: value})[name] for value in values)

    def variant(self, parameters: Mapping[str, Value]) -> Strategy:
        """Give the strategy with these parameters."""
        return variant(self.strategy, parameters)

    def run(
        self, names: tuple[str, ...], chunks: Iterator[tuple[Row, ...]], total: int, bars: slice
    ) -> Iterator[Evaluated]:
        """Evaluate chunk after chunk."""
        for rows in chunks:
            yield evaluate(self.ground, self.strategy, names, rows, bars)
