from collections.abc import Sequence

import numpy as np
import pytest

from tallow.core.search import axes_of
from tallow.domain.columns import Floats
from tallow.domain.sweep import Axis, Row, Search
from tallow.flows.sweep.proposals import BATCH, propose

optuna = pytest.importorskip("optuna")
AXES = (*axes_of({"a": "1..50", "kind": ["x", "y"]}), Axis("level", low=0.0, high=1.0))


class Judge:
    """Scores rows by a hill at a = 40, level = 0.5, and notes them."""

    def __init__(self) -> None:
        self.batches: list[list[Row]] = []

    def __call__(self, rows: Sequence[Row]) -> Floats:
        self.batches.append(list(rows))
        return np.array([-abs(row[0] - 40) - abs(row[2] - 0.5) - (row[1] == "y") for row in rows])  # type: ignore[operator]


def test_proposals_climb_towards_the_better() -> None:
    judge = Judge()
    rows = propose(Search(AXES, "optuna", 96, 1), lambda row: True, judge)
    assert len(rows) == len(set(rows)) == 96
    assert all(len(batch) <= BATCH for batch in judge.batches)
    early, late = (np.mean([abs(row[0] - 40) for row in part]) for part in (rows[:16], rows[-32:]))  # type: ignore[operator]
    assert late < early / 2
    assert {type(value) for row in rows for value in row} == {int, str, float}


def test_the_same_seed_proposes_the_same() -> None:
    search = Search(AXES, "optuna", 40, 7)
    assert propose(search, lambda row: True, Judge()) == propose(search, lambda row: True, Judge())
    assert propose(search, lambda row: True, Judge()) != propose(
        Search(AXES, "optuna", 40, 8), lambda row: True, Judge()
    )


def test_what_is_not_allowed_is_never_scored_and_undefined_scores_do_no_harm() -> None:
    seen: list[Row] = []

    def score(rows: Sequence[Row]) -> Floats:
        seen.extend(rows)
        return np.full(len(rows), np.nan)

    rows = propose(Search(AXES, "optuna", 20, 1), lambda row: row[1] == "x", score)
    assert {row[1] for row in [*rows, *seen]} == {"x"}
    assert len(rows) == 20


def test_a_small_space_ends_the_search() -> None:
    rows = propose(
        Search(axes_of({"a": [1, 2, 3]}), "optuna", 50, 0), lambda row: True, lambda rows: np.zeros(len(rows))
    )
    assert sorted(rows) == [(1,), (2,), (3,)]
