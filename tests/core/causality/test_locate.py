import numpy as np
import pytest

from tallow.core.causality import Step, as_numbers
from tallow.core.causality.locate import differing_lines, locate, shape_of
from tallow.core.causality.trials import Difference

SOURCE = "def signals(bars):\n    a = bars.close\n    b = a.shift(-1)\n    return b > a\n"


def found(rows, cut, method="down"):
    return Difference(cut, method, np.array(rows), np.zeros(100))


def steps(*values):
    return [Step(line, 0, name, np.array(value, float)) for line, name, value in values]


@pytest.mark.parametrize(
    ("rows", "cut", "method", "shape"),
    [
        ([50], 50, "truncate", "reads the next bars, or treats the last bar apart"),
        ([0], 50, "down", "first row from the end"),
        (range(40), 50, "down", "whole-sample value"),
        ([49, 50], 50, "down", "reads the next bars"),
        ([500, 900], 900, "down", "reads later bars"),
    ],
)
def test_shape_of_a_leak(rows, cut, method, shape):
    assert shape_of(found(rows, cut, method), 1000) == shape


def test_the_first_line_that_differs_in_the_past_is_found():
    true = steps((2, "a.", [1, 2, 3]), (3, "b.", [2, 3, 4]), (4, "return.", [1, 1, 1]))
    changed = steps((2, "a.", [1, 2, 9]), (3, "b.", [2, 9, 4]), (4, "return.", [1, 0, 1]))
    assert differing_lines(true, changed, cut=1) == (3, 4)


def test_a_step_that_only_one_run_reached_says_nothing():
    assert differing_lines(steps((2, "a.", [1])), [], cut=0) == ()


def paths(line):
    return steps((line, "b.", [1, 2])), steps((line, "b.", [5, 2]))


LOOP = "for i in rows:\n    out[i] = close[i + 1]\nreturn_it(out)\n"


@pytest.mark.parametrize(
    ("source", "seen", "line", "kind"),
    [
        (SOURCE, paths(3), 3, "negative shift"),
        (SOURCE, None, 3, "negative shift"),
        (SOURCE.replace("shift(-1)", "shift(k)"), paths(3), 3, "reads the next bars"),
        ("x = open_books(1)\n", None, 0, "reads the next bars"),
        (LOOP, paths(3), 2, "index ahead"),
        ("a = len(x)\nb = x.mean()\n", None, 2, "whole-sample statistic"),
    ],
)
def test_locate_prefers_what_was_seen_and_falls_back_on_rules(source, seen, line, kind):
    place = locate(source, found([50], 50), 1000, seen)
    assert (place.line, place.kind) == (line, kind)
    assert place.advice


def test_length_is_a_hint_only_when_bars_were_taken_away():
    assert locate("n = len(x)\n", found([50], 50, "truncate"), 1000, None).kind == "depends on length"
    assert locate("n = len(x)\n", found([50], 50, "down"), 1000, None).kind == "reads the next bars"


def test_rules_alone_name_the_line_of_a_leak_from_far_away():
    assert locate("a = x.max()\n", found(range(40), 50), 1000, None).line == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, [3.0]), (True, [1.0]), ([1, 2], [1.0, 2.0]), ("text", None), ([[1, 2]], None), ([1, [2]], None), (None, None)],
)
def test_as_numbers(value, expected):
    numbers = as_numbers(value)
    assert (numbers if numbers is None else numbers.tolist()) == expected
