from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.search import (
    axes_of,
    check_axes,
    grid,
    latin_points,
    parse_axis,
    parse_constraint,
    place,
    random_points,
    sample,
    size,
)
from tallow.domain.errors import UserError
from tallow.domain.sweep import Axis


def anything(row: object) -> bool:
    return True


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("fast=5..50:5", (5, 10, 15, 20, 25, 30, 35, 40, 45, 50)),
        ("fast=5..12:5", (5, 10)),
        ("fast = 1 .. 4", (1, 2, 3, 4)),
        ("x=0.1..0.5:0.1", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("x=-1..1:0.5", (-1.0, -0.5, 0.0, 0.5, 1.0)),
        ("x=1e-3..3e-3:1e-3", (0.001, 0.002, 0.003)),
        ("x=3..3", (3,)),
        ("x=0.5..0.5", (0.5,)),
        ("kind=sma,ema", ("sma", "ema")),
        ("n=3", (3,)),
        ("n=3, 5 ,3", (3, 5)),
        ("on=true,false", ("true", "false")),
        ("x=.5,1.5", (0.5, 1.5)),
    ],
)
def test_an_axis_is_read(text: str, values: tuple[object, ...]) -> None:
    axis = parse_axis(text)
    assert axis.values == values
    assert [type(value) for value in axis.values] == [type(value) for value in values]


def test_a_range_with_a_fraction_and_no_step_is_open() -> None:
    axis = parse_axis("x=0.1..0.9")
    assert (axis.is_open, axis.low, axis.high) == (True, 0.1, 0.9)


@pytest.mark.parametrize(
    "text",
    [
        "fast", "=3", "fast=", "2fast=3", "fast=5..", "fast=5..x", "fast=9..5", "fast=1..9:0", "fast=1..9:-1",
        "fast=1,,2", "fast=0..1e9:1e-9", "fast=1..2e5:1e-999999", "a b=3",
    ],
)  # fmt: skip
def test_a_text_that_is_no_axis_is_refused_with_what_is_valid(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_axis(text)
    assert caught.value.code == "BAD_RANGE"
    assert caught.value.facts["received"] == text
    assert "5..50:5" in caught.value.facts["valid"]


def test_axes_are_read_from_iterables_texts_and_single_values() -> None:
    axes = axes_of({"a": range(1, 4), "b": "0.1..0.3:0.1", "c": np.array([1.5, 2.5]), "d": True, "e": ["x", "y", "x"]})
    assert [axis.values for axis in axes] == [(1, 2, 3), (0.1, 0.2, 0.3), (1.5, 2.5), (True,), ("x", "y")]
    assert [type(value) for value in axes[2].values] == [float, float]


@pytest.mark.parametrize("bad", [{}, {"a": []}, {"a": [None]}, {"a": [[1]]}, {"a": {"b": 1}.items()}])
def test_a_mapping_without_values_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(UserError, match="BAD_RANGE"):
        axes_of(bad)


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(UserError, match="twice"):
        check_axes([Axis("a", (1,)), Axis("a", (2,))])


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("fast < slow", True), ("fast > slow", False), ("fast<=5", True), ("5 >= fast", True), ("fast == 5", True),
        ("fast != 5", False), ("2 < fast < slow <= 20", True), ("2 < fast < slow < 20", False), ("x < 1.5e0", True),
        ("flag == 1", True),
    ],
)  # fmt: skip
def test_a_constraint_compares(text: str, holds: bool) -> None:
    values = {"fast": 5, "slow": 20, "x": 0.5, "flag": True, "kind": "sma"}
    assert parse_constraint(text, values).holds(values) is holds


@pytest.mark.parametrize(
    "text",
    ["fast", "", "fast <", "fast = slow", "fats < slow", "kind == 1", "fast < slow + 1", "__import__('os') < 1",
     "fast < slow and slow < 9", "fast << slow"],
)  # fmt: skip
def test_a_constraint_is_nothing_but_comparisons(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_constraint(text, {"fast": 1, "slow": 2, "kind": "sma"})
    assert caught.value.code == "BAD_CONSTRAINT"
    assert caught.value.facts["received"] == text


def test_a_mistyped_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError) as caught:
        parse_constraint("fsat < slow", {"fast": 1, "slow": 2})
    assert caught.value.facts["nearest"] == "fast"


def test_a_grid_holds_every_allowed_combination_once_in_order() -> None:
    axes = (Axis("a", (3, 1)), Axis("b", ("x", "y")), Axis("c", (True,)))
    assert grid(axes, anything) == [(3, "x", True), (3, "y", True), (1, "x", True), (1, "y", True)]
    assert grid(axes, lambda row: row[0] == 1) == [(1, "x", True), (1, "y", True)]
    assert size(axes) == 4
    assert size((Axis("x", low=0.0, high=1.0),)) is None


def test_a_grid_needs_steps_and_a_bearable_size() -> None:
    with pytest.raises(UserError, match="BAD_RANGE"):
        grid([Axis("x", low=0.0, high=1.0)], anything)
    with pytest.raises(UserError) as caught:
        grid([Axis(name, tuple(range(1_000))) for name in "abc"], anything)
    assert caught.value.code == "TOO_MANY_COMBINATIONS"


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32), trials=st.integers(1, 40))
def test_drawn_combinations_are_distinct_allowed_and_the_same_for_the_same_seed(seed: int, trials: int) -> None:
    axes = (Axis("a", (1, 2, 3, 4, 5)), Axis("b", (1, 2, 3, 4, 5)), Axis("x", low=-1.0, high=1.0))

    def draw() -> list[tuple[object, ...]]:
        return list(sample(axes, random_points(3, seed), trials, lambda row: row[0] < row[1]))

    rows = draw()
    assert rows == draw()
    assert len(set(rows)) == len(rows) == trials
    assert all(row[0] < row[1] and -1.0 <= row[2] <= 1.0 for row in rows)


def test_more_draws_keep_the_earlier_ones() -> None:
    axes = (Axis("x", low=0.0, high=1.0),)
    assert sample(axes, random_points(1, 3), 500, anything)[:100] == sample(axes, random_points(1, 3), 100, anything)


def test_blocks_with_something_new_never_end_the_drawing() -> None:
    axes = (Axis("x", low=0.0, high=1.0),)
    points = (np.full((1, 1), share) for share in np.linspace(0.0, 0.99, 200))
    assert len(sample(axes, points, 150, anything)) == 150


def test_drawing_ends_when_nothing_new_is_left_or_the_points_end() -> None:
    axes = (Axis("a", (1, 2, 3)),)
    assert sorted(sample(axes, random_points(1, 0), 10, anything)) == [(1,), (2,), (3,)]
    assert sample(axes, iter([np.array([[0.0], [0.9]])]), 10, anything) == [(1,), (3,)]


@pytest.mark.parametrize(
    ("axis", "share", "value"),
    [
        (Axis("a", (1, 2, 3, 4)), 0.0, 1), (Axis("a", (1, 2, 3, 4)), 0.5, 3), (Axis("a", (1, 2, 3, 4)), 0.999, 4),
        (Axis("a", (1, 2)), 1.0, 2), (Axis("x", low=2.0, high=4.0), 0.25, 2.5),
        (Axis("x", low=2.0, high=4.0), 1.0, 4.0),
    ],
)  # fmt: skip
def test_a_share_of_an_axis_is_a_value(axis: Axis, share: float, value: float) -> None:
    assert place(axis, share) == value


def test_each_slice_of_a_latin_hypercube_holds_one_point() -> None:
    points = next(latin_points(3, 10, seed=4))
    assert points.shape == (10, 3)
    for column in points.T:
        assert sorted((column * 10).astype(int).tolist()) == list(range(10))
    first, second = islice(latin_points(2, 4, seed=1), 2)
    assert not np.array_equal(first, second)
