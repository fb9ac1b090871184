"""What a cross-validation leaves behind: every split with its choice, every path with its account."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tallow.core.splits import CombinatorialPurged
from tallow.domain.columns import Floats, Times
from tallow.domain.results import Result
from tallow.domain.scene import Value
from tallow.domain.sweep import Search


@dataclass(frozen=True)
class CrossSplit:
    """One split of a cross-validation: what was chosen on its training rows, and what that did on those held out.

    Attributes:
        groups: numbers of the groups held out, from 0.
        train: pieces of rows on which the parameters were chosen.
        test: rows of each group held out.
        parameters: the best on `train`; empty when no combination had the number looked for: the tests are flat then.
        trained: the number looked for, on `train`; of several pieces a Sharpe ratio is the mean by rows, a drawdown
            the deepest.
        tested: the same number on the groups held out, one after the other; NaN where it is undefined.
        test_return: what they changed, a fraction.
    """

    groups: tuple[int, ...]
    train: tuple[range, ...]
    test: tuple[range, ...]
    parameters: Mapping[str, Value]
    trained: float
    tested: float
    test_return: float


@dataclass(frozen=True)
class CrossPath:
    """One whole history made of the groups that the splits held out, carried out as one account.

    Attributes:
        splits: for every group the number of the split whose choice traded it, from 0.
        digest: sha256 of every number of the account.
        bar_sharpe: mean / sample deviation of its returns from bar to bar; NaN where that is undefined.
        metrics: every metric of the account.
        equity: at the rows that the result of the cross-validation keeps.
    """

    splits: tuple[int, ...]
    digest: str
    bar_sharpe: float
    metrics: Mapping[str, float | int | None]
    equity: Floats


@dataclass(frozen=True)
class CrossValidationResult:
    """What choosing on some groups of the data and holding out others has earned, over every way to hold them out.

    Attributes:
        plan: groups, groups held out at a time, purge and embargo in rows.
        result: the account of the path in the middle: half of the paths have a Sharpe ratio at least as high. Its
            digest is that of all paths.
        middle: number of that path, from 0.
        rows: of the bars, kept of every path's equity; all of them where they are few.
        combinations: tried on every split.
        computed: combinations that were not stored before, over all pieces of training rows.
        seconds: time spent on computing them.
    """

    search: Search
    plan: CombinatorialPurged
    result: Result
    splits: tuple[CrossSplit, ...]
    paths: tuple[CrossPath, ...]
    middle: int
    rows: Times
    combinations: int
    computed: int
    seconds: float

    def numbers(self, metric: str) -> Floats:
        """Give one metric of every path; NaN where it is undefined."""
        found = (path.metrics.get(metric) for path in self.paths)
        return np.array([math.nan if value is None else value for value in found], np.float64)
