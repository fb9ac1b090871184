import builtins
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tallow.core.search import axes_of
from tallow.domain.errors import UserError
from tallow.domain.sweep import Axis, Row, Search
from tallow.flows.sweep.plan import TRIALS, allowed, plan, settle, sobol_points
from tallow.flows.sweep.proposals import propose
from tallow.runners.batches import Ground, Inline
from tallow.runners.inline import load

PARAMETERS = {"fast": 3, "slow": 9, "short": False}
AXES = axes_of({"fast": "1..8", "slow": "1..8"})


@pytest.fixture
def inline() -> Inline:
    return Inline(load("rsi"), Ground(None, None, 1.0))  # type: ignore[arg-type]


def test_axes_take_the_types_that_the_strategy_declares(inline: Inline) -> None:
    search = Search((Axis("low", (20, 20.0, 30)), Axis("window", low=2.0, high=5.0), Axis("high", low=1.5, high=2.5)))
    low, window, high = settle(search, inline).axes
    assert low.values == (20.0, 30.0)
    assert window.values == (2, 3, 4, 5)
    assert (high.is_open, high.low, high.high) == (True, 1.5, 2.5)


@pytest.mark.parametrize(
    ("axis", "code"),
    [
        (Axis("windw", (3,)), "UNKNOWN_PARAMETER"),
        (Axis("window", (2.5,)), "BAD_PARAMETER"),
        (Axis("window", low=2.5, high=9.0), "BAD_PARAMETER"),
    ],
)
def test_axes_that_do_not_fit_are_refused(inline: Inline, axis: Axis, code: str) -> None:
    with pytest.raises(UserError, match=code):
        settle(Search((axis,)), inline)


def test_constraints_may_name_parameters_that_are_not_swept() -> None:
    search = Search(axes_of({"fast": "1..9"}), constraints=("fast < slow", "fast > 6"))
    assert plan(search, PARAMETERS) == [(7,), (8,)]
    assert allowed(search, PARAMETERS)((8,))
    with pytest.raises(UserError, match="BAD_CONSTRAINT"):
        plan(Search(axes_of({"fast": "1..9"}), constraints=("fast < slw",)), PARAMETERS)


def test_a_grid_may_be_cut_short() -> None:
    assert plan(Search(AXES, trials=3), PARAMETERS) == [(1, 1), (1, 2), (1, 3)]


def test_nothing_that_is_allowed_is_told() -> None:
    with pytest.raises(UserError) as caught:
        plan(Search(AXES, constraints=("fast > 100",)), PARAMETERS)
    assert caught.value.code == "NO_COMBINATIONS"
    assert caught.value.facts["constraints"] == "fast > 100"


@pytest.mark.parametrize("method", ["random", "latin", "sobol"])
def test_drawn_searches_repeat_by_seed_and_meet_constraints(method: Any) -> None:
    search = Search(AXES, method, 12, 5, constraints=("fast < slow",))
    rows = plan(search, PARAMETERS)
    assert rows == plan(search, PARAMETERS)
    assert len(set(rows)) == 12
    assert all(row[0] < row[1] for row in rows)  # type: ignore[operator]
    assert rows != plan(Search(AXES, method, 12, 6, constraints=("fast < slow",)), PARAMETERS)
    assert len(plan(Search(AXES, method), PARAMETERS)) == min(TRIALS, 64)


def test_sobol_points_are_spread_evenly() -> None:
    points = next(sobol_points(2, 0))
    counts, _, _ = np.histogram2d(points[:, 0], points[:, 1], bins=4, range=((0, 1), (0, 1)))
    assert set(counts.ravel().tolist()) == {16.0}


def draw_sobol() -> list[Row]:
    return plan(Search(AXES, "sobol", 4), PARAMETERS)


def draw_optuna() -> list[Row]:
    return propose(Search(AXES, "optuna", 4), lambda row: True, lambda rows: np.zeros(len(rows)))


@pytest.mark.parametrize(("package", "draw"), [("scipy", draw_sobol), ("optuna", draw_optuna)])
def test_without_the_extra_the_command_that_brings_it_is_shown(
    monkeypatch: pytest.MonkeyPatch, package: str, draw: Callable[[], list[Row]]
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return real(name, *arguments)

    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError) as caught:
        draw()
    assert caught.value.code == "MISSING_EXTRA"
    assert caught.value.commands[0] == "pip install 'tallow[search]'"
