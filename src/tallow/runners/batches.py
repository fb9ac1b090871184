"""Evaluate combinations of a strategy's parameters, one after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from tallow.core.decisions import measure
from tallow.core.engine import Market, Summary, prepare
from tallow.core.indicators.sharing import LineStore, sharing
from tallow.core.strategies import DECIDE_ON, bind
from tallow.core.sweep import by_shared_lines, crossings
from tallow.core.sweep.crossings import can_cross
from tallow.domain.columns import COLUMNS, Bars, FundingRates
from tallow.domain.errors import Error, UserError
from tallow.domain.fill_rules import PLAIN_TERMS, Terms
from tallow.domain.scene import Execution, Value
from tallow.domain.sweep import Evaluated, Row
from tallow.ports import Strategy
from tallow.runners.adapters import Setting
from tallow.runners.frames import keeping_frame
from tallow.runners.inline import BuiltInStrategy, Conditions, FileStrategy, declaring, under

WHOLE = slice(None)
_CROSSING = {"sma_cross": "sma", "ema_cross": "ema"}


@dataclass
class Ground:
    """What combinations are evaluated on: bars, checked once for each stretch of them, and the conditions."""

    bars: Bars
    execution: Execution
    cash: float
    funding: FundingRates | None = None
    setting: Setting = field(default_factory=Setting)
    terms: Terms = PLAIN_TERMS
    _cut: tuple[slice, Bars, Market] | None = field(default=None, init=False, repr=False)
    _store: tuple[Bars, LineStore] | None = field(default=None, init=False, repr=False)

    @cached_property
    def conditions(self) -> Conditions:
        """What a path-dependent strategy trades under."""
        return Conditions(self.execution, self.cash, self.funding, self.setting, self.terms)

    def store(self, rows: slice) -> LineStore:
        """Give the store of indicator lines over a stretch of the bars; it lasts as long as the stretch is kept."""
        bars, _ = self.cut(rows)
        if self._store is None or self._store[0] is not bars:
            self._store = (bars, LineStore([getattr(bars, name) for name in COLUMNS]))
        return self._store[1]

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
    subject, combinations = under(strategy, ground.conditions), [dict(zip(names, row, strict=True)) for row in rows]
    crossed = _crossings(subject, combinations, market, ground)
    if crossed:
        numbers[:, list(crossed)] = np.array(list(crossed.values())).T

    def compute(place: int) -> Summary:
        decisions = variant(subject, combinations[place]).targets(cut)
        execution, cash, terms = ground.execution, ground.cash, ground.terms
        return measure(market, decisions, execution, cash=cash, periods_per_year=1.0, terms=terms)

    left = [place for place in by_shared_lines(combinations, ground.store(bars).capacity) if place not in crossed]
    with keeping_frame():
        for place in left:
            begin(place)
            try:
                numbers[:, place] = _computed(partial(compute, place), ground.store(bars))
            except Error as problem:
                failed[place] = f"{problem.code}: {problem.message}"
    columns = dict(zip(Summary._fields, numbers, strict=True))
    return Evaluated(names, tuple(rows), columns, dict(sorted(failed.items())))


def _computed(compute: Callable[[], Summary], store: LineStore) -> Summary:
    try:
        with sharing(store):
            return compute()
    except UserError as problem:
        # Shared lines are read-only; alone the strategy gets lines of its own, and may well change them.
        if problem.code != "STRATEGY_FAILED":
            raise
        return compute()


def _crossings(
    strategy: Strategy, combinations: Sequence[dict[str, Value]], market: Market, ground: Ground
) -> dict[int, tuple[float, ...]]:
    """Give the numbers of those combinations that are crossings of two averages, and nothing but that."""
    average = _CROSSING.get(strategy.name) if isinstance(strategy, BuiltInStrategy) else None
    if average is None or ground.terms.rules is not None or not can_cross(market, ground.execution):
        return {}
    plain = ((place, one) for place, one in enumerate(combinations) if not one["short"] and DECIDE_ON not in one)
    pairs = {place: (int(one["fast"]), int(one["slow"])) for place, one in plain}
    pairs = {place: pair for place, pair in pairs.items() if 0 < pair[0] < pair[1]}
    found = crossings(market, list(pairs.values()), ground.execution, cash=ground.cash, average=average)
    return dict(zip(pairs, zip(*(column.tolist() for column in found.values()), strict=True), strict=True))


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
