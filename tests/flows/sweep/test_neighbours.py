from collections.abc import Callable

import numpy as np
import pytest

from tallow.domain.sweep import SweepResult
from tallow.flows.sweep.neighbours import NEAREST, neighbours, plateau, shares

Make = Callable[..., SweepResult]
AXES = {"fast": [2, 3, 4], "slow": [30, 10, 20]}
# Rows in order: (2, 30) (2, 10) (2, 20) (3, 30) (3, 10) (3, 20) (4, 30) (4, 10) (4, 20)


def steps(done: SweepResult) -> dict[str, int]:
    return {one.step: one.row for one in neighbours(done)}


def test_neighbours_are_one_step_aside_in_the_order_of_the_values(made: Make) -> None:
    done = made(AXES, [0, 0, 0, 0, 0, 1, 0, 0, 0])
    assert steps(done) == {"fast 3 → 2": 2, "fast 3 → 4": 8, "slow 20 → 10": 4, "slow 20 → 30": 3}


def test_at_an_edge_there_is_one_side_only(made: Make) -> None:
    done = made(AXES, [0, 0, 0, 0, 0, 0, 1, 0, 0])
    assert steps(done) == {"fast 4 → 3": 3, "slow 30 → 20": 8}


def test_words_keep_the_order_in_which_they_were_given(made: Make) -> None:
    done = made({"kind": ["sma", "ema", "wma"], "level": [0.25, 0.5]}, [0, 0, 1, 0, 0, 0])
    assert steps(done) == {"kind ema → sma": 0, "kind ema → wma": 4, "level 0.25 → 0.5": 3}


def test_what_a_constraint_left_out_is_no_neighbour(made: Make) -> None:
    done = made(AXES, [0, 1, 0], rows=[(2, 20), (3, 20), (3, 10)])
    assert steps(done) == {"fast 3 → 2": 0, "slow 20 → 10": 2}


def test_drawn_combinations_have_nearest_ones_by_shares_of_the_axes(made: Make) -> None:
    # Shares of the axes from (50, 5): 0.1; 0.5; 0.02 + 0.25; 1 + 1.
    rows = [(50, 5), (60, 5), (50, 7), (52, 6), (150, 9)]
    done = made({"fast": "1..200", "slow": "1..20"}, [9, 1, 1, 1, 1], rows=rows, method="random")
    assert [(one.row, one.step) for one in neighbours(done)] == [
        (1, "fast → 60"),
        (3, "fast → 52, slow → 6"),
        (2, "slow → 7"),
        (4, "fast → 150, slow → 9"),
    ]


def test_axes_without_values_have_nearest_ones_too(made: Make) -> None:
    done = made({"level": "0.5..2.5"}, [0.1, 0.3, 0.2], rows=[(0.5,), (1.5,), (2.25,)], method="random")
    assert [(one.row, one.step) for one in neighbours(done)] == [(2, "level → 2.25"), (0, "level → 0.5")]


def test_of_many_drawn_ones_only_the_nearest_are_given(made: Make) -> None:
    done = made({"fast": "1..200"}, [0.0] * 10 + [1.0] + [0.0] * 9, rows=[(n,) for n in range(20)], method="random")
    assert [one.row for one in neighbours(done)] == [9, 11, 8, 12, 7, 13]
    assert len(neighbours(done)) == NEAREST


def test_a_grid_without_a_row_one_step_aside_falls_back_on_the_nearest(made: Make) -> None:
    done = made(AXES, [0, 1, 0], rows=[(2, 30), (3, 20), (4, 10)])
    assert [one.row for one in neighbours(done)] == [0, 2]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5, 10, 25], [0.25, 0.0, 0.75]),
        (["a", "b", "a"], [1.0, 0.0, 1.0]),
        ([True, False, False], [1.0, 0.0, 0.0]),
        ([4, 4, 4], [0.0, 0.0, 0.0]),
    ],
)
def test_distances_are_shares_of_the_axis(made: Make, values: list[object], expected: list[float]) -> None:
    done = made({"fast": list(dict.fromkeys(values))}, [0, 1, 0], rows=[(value,) for value in values])
    assert shares(done, 0).tolist() == expected


def test_the_plateau_is_the_mean_of_the_neighbours_that_have_the_number(made: Make) -> None:
    done = made({"fast": [2, 3, 4]}, [0.2, 0.9, 0.4])
    assert plateau(done, np.array([0.2, 0.9, 0.4])) == pytest.approx(0.3)
    assert plateau(done, np.array([np.nan, 0.9, 0.4])) == 0.4
    assert plateau(done, np.array([np.nan, 0.9, np.nan])) is None


def test_without_a_best_or_beside_nothing_there_are_none(made: Make) -> None:
    assert neighbours(made({"fast": [2, 3]}, [np.nan, np.nan])) == []
    alone = made({"fast": [2]}, [0.5])
    assert neighbours(alone) == []
    assert plateau(alone, np.array([0.5])) is None
