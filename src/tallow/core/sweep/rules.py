"""Many parameter combinations on one series, each with the numbers that a single backtest gives."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tallow.core.engine import Market, Summary, prepare, summarize
from tallow.core.indicators.sharing import LineStore
from tallow.domain.columns import COLUMNS, Bars, Floats, Targets
from tallow.domain.scene import Execution


class Lines:
    """Indicator lines of one series, shared between combinations; the least recently used are forgotten first.

    Attributes:
        bars: the series.
        store: the lines held.

    Example:
        >>> from tallow.core.indicators import sma
        >>> column = np.array([1.0, 2.0, 3.0])
        >>> lines = Lines(Bars.of(np.arange(3), (column, column, column, column, column)))
        >>> lines(sma, "close", 2).tolist(), lines(sma, "close", 2) is lines(sma, "close", 2), lines.store.computed
        ([nan, 1.5, 2.5], True, 1)
    """

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.store = LineStore([getattr(bars, name) for name in COLUMNS])

    def __call__(self, indicator: Callable[..., Floats], column: str, *parameters: float) -> Floats:
        """Give `indicator(bars.column, *parameters)`, computed once while it is held; read only."""
        return self.store.call(indicator, getattr(self.bars, column), *parameters)


class Spread(NamedTuple):
    """Into how many parts the work is cut, and what maps a function over them.

    `ThreadPoolExecutor(2).map` computes two at a time: the kernel lets go of the interpreter.
    """

    parts: int = 1
    map: Callable[..., Iterable[Any]] = map


ALONE = Spread()


Rule = Callable[[Lines, Mapping[str, float]], Targets]
"""Gives the target of every bar from the lines it asks for and one combination of parameters."""


def sweep(
    bars: Bars | Market,
    rule: Rule,
    grid: Sequence[Mapping[str, float]],
    execution: Execution,
    *,
    cash: float,
    spread: Spread = ALONE,
) -> dict[str, Floats]:
    """Backtest a rule under every combination of a grid; give each number as a column in the order of the grid.

    The columns are the fields of `engine.Summary`, bit for bit what one combination alone gives. Instead of its
    Sharpe ratio, which is annualised, there is `bar_sharpe`: mean / sample deviation of the returns from bar to bar.
    The `sharpe` of `metrics.summary` joins bars to days first and is another number. Memory does not depend on the
    number of combinations: one row of targets and a bounded number of indicator lines exist at a time. An undefined
    number is NaN; an empty grid gives no columns.

    Args:
        bars: the series, or what `prepare` made of it and of funding.
        rule: what to trade under one combination.
        grid: one mapping of parameter to value per combination.
        execution: fills and costs, the same for all.
        cash: starting balance in quote units.
        spread: into how many parts the grid is cut, and who computes them; a rule is then called by several at once.

    Raises:
        DataError: BAD_BARS.
        UserError: TARGET_TOO_LARGE, SHORT_NOT_ALLOWED, TARGET_LENGTH, BAD_SETTING.
    """
    market = prepare(bars)
    lines = Lines(market.bars)
    columns = {name: np.full(len(grid), np.nan) for name in Summary._fields if len(grid)}
    order = by_shared_lines(grid, lines.store.capacity // spread.parts)

    def compute(part: Sequence[int]) -> None:
        for row in part:
            found = summarize(market, rule(lines, grid[row]), execution, cash=cash, periods_per_year=1.0)
            for name, value in zip(Summary._fields, found, strict=True):
                columns[name][row] = value

    size = max(1, -(-len(order) // spread.parts))
    list(spread.map(compute, [order[start : start + size] for start in range(0, len(order), size)]))
    return columns


def by_shared_lines(grid: Sequence[Mapping[str, float | str]], capacity: int = 1 << 62) -> list[int]:
    """Order the rows of a grid so that neighbours share as many parameters, and with them lines, as possible.

    The parameter with the most values changes slowest: those of the others are few enough to stay in the cache. Where
    the one with the next most has too many for three quarters of `capacity` lines, it is taken in parts that fit.

    Example:
        >>> by_shared_lines([{"fast": 5, "slow": 20}, {"fast": 9, "slow": 30}, {"fast": 5, "slow": 40}])
        [0, 1, 2]
    """
    values: dict[str, set[float | str]] = {}
    for combination in grid:
        for name, value in combination.items():
            values.setdefault(name, set()).add(value)
    names = sorted(values, key=lambda name: (-len(values[name]), name))
    inner = names[1] if len(names) > 1 else ""
    parts = {value: i // max(1, capacity * 3 // 4) for i, value in enumerate(sorted(values.get(inner, ()), key=_rank))}
    order = sorted(
        range(len(grid)),
        key=lambda row: (
            parts.get(grid[row].get(inner, ""), 0),
            [_rank(grid[row].get(name, -np.inf)) for name in names],
        ),
    )
    return order


def _rank(value: float | str) -> tuple[bool, float | str]:
    # Numbers before words: the two cannot be compared with each other.
    return isinstance(value, str), value
