import re
from collections.abc import Callable

import numpy as np
import pytest

from tallow.domain.sweep import SweepResult
from tallow.flows.sweep.heat import (
    CLASSES,
    MOST_CELLS,
    MOST_PAIRS,
    cells,
    figures_after_point,
    heat_maps,
    pairs,
    shades,
    side,
)

Make = Callable[..., SweepResult]
NAN = float("nan")


def table(page: str) -> list[list[str]]:
    """The text of every cell, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]


def test_numbers_are_sorted_and_words_are_not(made: Make) -> None:
    done = made({"slow": [30, 10, 20.5], "kind": ["z", "a"]}, [0.0] * 6)
    assert (side(done, 0).labels, side(done, 0).of_row) == (("10", "20.5", "30"), (2, 2, 0, 0, 1, 1))
    assert (side(done, 1).labels, side(done, 1).of_row) == (("z", "a"), (0, 1, 0, 1, 0, 1))


def test_many_numbers_are_put_into_equal_classes(made: Make) -> None:
    done = made({"fast": "0..120:4"}, [0.0] * 31)
    found = side(done, 0)
    assert len(found.labels) == CLASSES
    assert (found.labels[0], found.labels[-1]) == ("0 to 10", "110 to 120")
    # 0, 4, 8 | 12, 16 | 20, 24, 28 | 32 ...; the last value, an edge, belongs to the last class.
    assert found.of_row[:9] == (0, 0, 0, 1, 1, 2, 2, 2, 3)
    assert found.of_row[-1] == CLASSES - 1


def test_words_beyond_the_limit_have_no_line(made: Make) -> None:
    names = [f"w{place}" for place in range(MOST_CELLS + 2)]
    found = side(made({"kind": names}, [0.0] * len(names)), 0)
    assert found.labels == tuple(names[:MOST_CELLS])
    assert found.of_row[-3:] == (MOST_CELLS - 1, -1, -1)


def test_a_cell_holds_the_largest_number(made: Make) -> None:
    done = made({"fast": [1, 2], "slow": [5, 6], "kind": ["a", "b"]}, [1, 4, 3, 2, NAN, NAN, -5, NAN])
    found = cells(done.found.columns["total_return"], side(done, 0), side(done, 1))
    np.testing.assert_array_equal(found, [[4.0, 3.0], [NAN, -5.0]])


def test_rows_without_a_line_are_in_no_cell(made: Make) -> None:
    names = [f"w{place}" for place in range(MOST_CELLS + 1)]
    done = made({"kind": names}, [*[0.0] * MOST_CELLS, 9.0])
    across = side(done, 0)
    assert cells(done.found.columns["total_return"], across, across).max(initial=-1, where=np.eye(24) > 0) == 0.0


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ({"a": [1, 2], "b": [1, 2], "c": [1, 2]}, [(0, 1), (0, 2), (1, 2)]),
        ({"a": [1, 2], "b": [1], "c": [1, 2]}, [(0, 2)]),
        ({"a": [1], "b": [1, 2]}, [(1, 1)]),
        ({"a": [1]}, []),
    ],
)
def test_only_what_varies_is_paired(made: Make, axes: dict[str, list[int]], expected: list[tuple[int, int]]) -> None:
    count = int(np.prod([len(values) for values in axes.values()]))
    assert pairs(made(axes, [0.0] * count)) == expected


def test_pairs_have_a_limit(made: Make) -> None:
    axes = {name: [1, 2] for name in "abcdefg"}
    assert len(pairs(made(axes, [0.0] * 128))) == MOST_PAIRS


def test_a_map_shows_every_pair_of_values_and_marks_the_best(made: Make) -> None:
    page = str(heat_maps(made({"fast": [1, 2], "slow": [5, 6]}, [0.1, -0.05, 0.25, NAN])))
    assert table(page) == [["fast ↓ slow →", "5", "6"], ["1", "+10.0", "−5.0"], ["2", "+25.0", "·"]]
    assert re.findall(r'<td[^>]*class="([^"]*)"', page) == ["p2", "n1", "p5 best", "none"]
    assert page.count('title="the best"') == 1
    assert "<caption>return % by slow and fast</caption>" in page
    assert "select" not in page


def test_one_parameter_gives_one_line(made: Make) -> None:
    page = str(heat_maps(made({"fast": [1, 2], "slow": [5]}, [12.5, 20.0], goal="final_equity")))
    assert table(page) == [["fast →", "1", "2"], ["final equity", "135,000", "210,000"]]


def test_with_three_parameters_a_pair_is_chosen(made: Make) -> None:
    page = str(heat_maps(made({"a": [1, 2], "b": [3, 4], "c": [5, 6]}, [float(n) for n in range(8)])))
    assert re.findall(r"<option[^>]*>(.*?)</option>", page) == ["a × b", "a × c", "b × c"]
    assert re.findall(r'data-pair="(\d)"', page) == ["0", "1", "2"]
    assert "Every cell holds the best over all other parameters." in page


@pytest.mark.parametrize(("axes", "returns"), [({"fast": [1]}, [0.5]), ({"fast": [1, 2]}, [NAN, NAN])])
def test_nothing_to_compare_is_said(made: Make, axes: dict[str, list[int]], returns: list[float]) -> None:
    assert "Nothing varies" in str(heat_maps(made(axes, returns)))


@pytest.mark.parametrize(
    ("goal", "known", "expected"),
    [
        ("trades", [1.0], 0),
        ("final_equity", [-1_000.0], 0),
        ("total_return", [12.0], 1),
        ("bar_sharpe", [1.0], 2),
        ("bar_sharpe", [], 2),
    ],
)
def test_decimals_follow_the_number(goal: str, known: list[float], expected: int) -> None:
    assert figures_after_point(goal, np.array(known)) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-2.0, 1.0, 0.0, NAN], [-5, 3, 0, 0]),
        ([1.0, 1.1, 2.0], [0, 1, 5]),
        ([-1.0, -3.0, -2.0], [0, -5, -3]),
        ([7.0, 7.0], [0, 0]),
        ([-7.0, -7.0], [0, 0]),
        ([NAN], [0]),
    ],
)
def test_shades_are_shares_of_the_range(values: list[float], expected: list[int]) -> None:
    assert shades(np.array([values])).tolist() == [expected]
