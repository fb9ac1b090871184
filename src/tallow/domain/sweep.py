"""Sweeps: which combinations of parameters to try, and what came of each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from tallow.domain.columns import Floats
from tallow.domain.errors import UserError, nearest
from tallow.domain.results import Result
from tallow.domain.scene import Scene, Value

Method = Literal["grid", "random", "latin", "sobol", "optuna"]
METHODS: tuple[Method, ...] = ("grid", "random", "latin", "sobol", "optuna")
GOALS = ("bar_sharpe", "total_return", "final_equity", "max_drawdown", "return_over_drawdown", "wins", "trades")
"""Numbers that a sweep can look for; the best is the largest."""

Row = tuple[Value, ...]


@dataclass(frozen=True)
class Axis:
    """The values that one parameter takes.

    Attributes:
        values: every one of them; empty when any number from `low` to `high` may be drawn.
        low: smallest number that may be drawn; NaN where there are `values`.
        high: largest one, included.
    """

    name: str
    values: Row = ()
    low: float = math.nan
    high: float = math.nan

    @property
    def is_open(self) -> bool:
        """Whether any number between the limits may be drawn."""
        return not self.values

    def __str__(self) -> str:
        return f"{self.name}={self.low:g}..{self.high:g}" if self.is_open else f"{self.name}={_listed(self.values)}"


def _listed(values: Row) -> str:
    shown = [str(value) for value in values]
    return ",".join(shown if len(shown) <= 8 else [*shown[:3], "...", shown[-1]])


@dataclass(frozen=True)
class Search:
    """How combinations are chosen and compared.

    Attributes:
        axes: one for each parameter swept, in the order in which they were given.
        method: ``grid``: all of them in order; ``random``, ``latin`` and ``sobol``: `trials` drawn by `seed`;
            ``optuna``: `trials` proposed one batch after the other from what the earlier ones gave.
        trials: how many to try; 0 is all of a grid.
        goal: the number whose largest value is the best, one of `GOALS`.
        constraints: comparisons of parameters and numbers that every combination meets.
    """

    axes: tuple[Axis, ...]
    method: Method = "grid"
    trials: int = 0
    seed: int = 0
    goal: str = "bar_sharpe"
    constraints: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise _not_in("method", self.method, METHODS)
        if self.goal not in GOALS:
            raise _not_in("metric", self.goal, GOALS)
        if self.trials < 0 or self.seed < 0:
            name, value = ("trials", self.trials) if self.trials < 0 else ("seed", self.seed)
            raise UserError("BAD_SEARCH", f"{name} = {value} is below 0", facts={"valid": "from 0"})

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters swept."""
        return tuple(axis.name for axis in self.axes)


def _not_in(what: str, name: str, known: Sequence[str]) -> UserError:
    facts = {"nearest": ", ".join(nearest(name, known)), "valid": ", ".join(known)}
    return UserError("BAD_SEARCH", f"{name!r} is no {what} of a sweep", facts=facts)


@dataclass(frozen=True)
class Evaluated:
    """What some combinations gave.

    Attributes:
        names: the parameters that a row has values of.
        rows: one row a combination.
        columns: name of a number -> its value for every row; NaN where it is undefined or the row failed.
        failed: place in `rows` -> why that combination gave nothing.
    """

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    columns: Mapping[str, Floats]
    failed: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class SweepResult:
    """Every combination of a sweep with its numbers.

    Attributes:
        key: content key of scene without the swept parameters, data, source and engine: one cache for every sweep of
            this strategy on this data.
        scene: what was traded; its parameters are those of the best combination.
        found: rows in the order of the search, whatever order they were computed in.
        best: place of the best row; None when no row has the number looked for.
        result: the full backtest of the best, with its look-ahead certificate.
        computed: rows that were not stored before.
        seconds: time spent on computing them.
        bars: candles of the series.
        trials: distinct combinations of any strategy ever tried on any of this data, this sweep included.
        sharpes: Sharpe ratio a year of each of them; NaN where it is undefined.
    """

    key: str
    scene: Scene
    search: Search
    found: Evaluated
    best: int | None
    result: Result | None
    computed: int
    seconds: float
    bars: int
    trials: int
    sharpes: Floats
    notes: tuple[str, ...] = ()

    @property
    def best_parameters(self) -> dict[str, Value]:
        """The values of the best combination; empty without one."""
        return {} if self.best is None else dict(zip(self.search.names, self.found.rows[self.best], strict=True))

    @property
    def rate(self) -> float:
        """Combinations computed a second; 0 when everything was stored."""
        return self.computed / self.seconds if self.computed and self.seconds > 0 else 0.0

    def ranking(self) -> list[int]:
        """Give the rows that have the number looked for, best first; equal ones in the order of the search."""
        column = goal_column(self.found, self.search.goal)
        order = np.argsort(-column, kind="stable")
        return [int(row) for row in order if not math.isnan(column[row])]


@dataclass(frozen=True)
class Fold:
    """One step of a walk forward.

    Attributes:
        train: rows of the bars on which the parameters were chosen.
        test: rows that follow, on which they were applied.
        parameters: the best on `train`; empty when no combination had the number looked for: the test is flat then.
        trained: the number looked for, on `train`.
        tested: the same number on `test`; NaN where it is undefined.
        test_return: change of the joined account over `test`, a fraction.
    """

    train: range
    test: range
    parameters: Mapping[str, Value]
    trained: float
    tested: float
    test_return: float


@dataclass(frozen=True)
class WalkForwardResult:
    """What choosing on the past and applying to what follows has earned.

    Attributes:
        result: the account over all tests joined: one run, positions carried from test to test.
        folds: in time order; their tests follow each other without a gap.
        combinations: tried on every training stretch.
        computed: combinations that were not stored before, over all folds.
        seconds: time spent on computing them.
        train: length of a training stretch as it was given, such as ``180d``.
        test: length of a test.
    """

    search: Search
    result: Result
    folds: tuple[Fold, ...]
    anchored: bool
    combinations: int
    computed: int
    seconds: float
    train: str = ""
    test: str = ""


def goal_column(found: Evaluated, goal: str) -> Floats:
    """Give the number that a search looks for, for every row."""
    if goal != "return_over_drawdown":
        return found.columns.get(goal, np.full(len(found), np.nan))
    gain, fall = (found.columns.get(name, np.full(len(found), np.nan)) for name in ("total_return", "max_drawdown"))
    # Without any fall the ratio has no value; such a row never traded or never lost a bar.
    ratio: Floats = np.full(len(found), np.nan)
    np.divide(gain, -fall, out=ratio, where=fall < 0.0)
    return ratio
