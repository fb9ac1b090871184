import math

import numpy as np
import pytest

from tallow.domain.errors import UserError
from tallow.domain.market import parse_symbol
from tallow.domain.scene import Scene
from tallow.domain.sweep import Axis, Evaluated, Search, SweepResult, goal_column
from tallow.domain.timeframes import parse_timeframe

AXES = (Axis("fast", (1, 2, 3)), Axis("x", low=0.1, high=0.9))
SCENE = Scene("s", parse_symbol("BTC/USDT"), parse_timeframe("1h"), {"fast": 1, "x": 0.5})


def done(values: list[float], best: int | None = 0, computed: int = 3, seconds: float = 2.0) -> SweepResult:
    rows = tuple((place,) for place in range(len(values)))
    found = Evaluated(("fast",), rows, {"bar_sharpe": np.array(values)})
    search = Search((Axis("fast", tuple(range(len(values)))),))
    return SweepResult("k", SCENE, search, found, best, None, computed, seconds, 10, 3, np.array(values))


def test_an_axis_says_what_it_takes() -> None:
    assert [str(axis) for axis in AXES] == ["fast=1,2,3", "x=0.1..0.9"]
    assert str(Axis("n", tuple(range(20)))) == "n=0,1,2,...,19"
    assert [axis.is_open for axis in AXES] == [False, True]
    assert Search(AXES).names == ("fast", "x")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": "gird"}, "grid"),
        ({"goal": "sharp"}, "bar_sharpe"),
        ({"trials": -1}, "from 0"),
        ({"seed": -1}, "from 0"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(UserError) as caught:
        Search(AXES, **given)  # type: ignore[arg-type]
    assert caught.value.code == "BAD_SEARCH"
    assert said in str(caught.value)


def test_the_ranking_leaves_out_what_is_undefined_and_keeps_the_order_of_equals() -> None:
    assert done([0.1, math.nan, 0.3, 0.1]).ranking() == [2, 0, 3]
    assert done([math.nan]).ranking() == []


def test_the_best_parameters_and_the_rate() -> None:
    assert done([0.1, 0.2], best=1).best_parameters == {"fast": 1}
    assert done([math.nan], best=None).best_parameters == {}
    assert (done([1.0]).rate, done([1.0], computed=0).rate, done([1.0], seconds=0.0).rate) == (1.5, 0.0, 0.0)


def test_return_over_drawdown_is_undefined_without_a_drawdown() -> None:
    columns = {"total_return": np.array([0.2, 0.1, -0.1]), "max_drawdown": np.array([-0.1, 0.0, -0.2])}
    found = Evaluated(("a",), ((1,), (2,), (3,)), columns)
    assert goal_column(found, "return_over_drawdown").tolist()[::2] == [2.0, -0.5]
    assert math.isnan(goal_column(found, "return_over_drawdown")[1])
    assert np.isnan(goal_column(found, "bar_sharpe")).all()
