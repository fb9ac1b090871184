import sys
from types import SimpleNamespace

import numpy as np

from tallow.runners.inline import load
from tallow.runners.watch import Watcher, watch


def by_name(steps, line):
    return {step.name: step.value for step in steps if step.line == line and step.visit == 0}


def test_each_line_leaves_its_numbers(write, bars):
    text = "def signals(bars):\n    a = bars.close + 1\n    b = a.mean()\n    return a > b\n"
    steps = watch(load(write(text)), bars)
    assert np.array_equal(by_name(steps, 2)["a."], bars.close + 1)
    assert by_name(steps, 3)["b."].tolist() == [(bars.close + 1).mean()]
    assert set(by_name(steps, 4)["return."]) <= {0.0, 1.0}
    assert np.array_equal(by_name(steps, 2)["bars.open"], bars.open)


def test_a_line_in_a_loop_is_watched_on_its_first_turns(write, bars):
    text = "def signals(bars):\n    total = 0\n    for i in range(50):\n        total += i\n    return [total] * 200\n"
    visits = [step.visit for step in watch(load(write(text)), bars) if step.line == 4 and step.name == "total."]
    assert visits == [0, 1]


def test_functions_of_the_file_are_watched_and_foreign_ones_not(write, bars):
    text = "def lag(x, k):\n    return x.shift(k)\ndef signals(bars):\n    return lag(bars.close, 1)\n"
    assert {step.line for step in watch(load(write(text)), bars)} == {2, 4}


def test_a_copy_is_kept_of_what_changes_later(write, bars):
    text = "import numpy as np\ndef signals(bars):\n    out = np.zeros(len(bars))\n    out[0] = 5\n    return out\n"
    steps = watch(load(write(text)), bars)
    assert by_name(steps, 3)["out."][0] == 0
    assert by_name(steps, 4)["out."][0] == 5


def test_what_is_no_number_is_left_out(write, bars):
    text = "def signals(bars):\n    word = 'a'\n    pairs = [[1], [2, 3]]\n    return bars.close\n"
    assert not {step.name for step in watch(load(write(text)), bars)} & {"word.", "pairs."}


def test_a_strategy_that_raises_shows_how_far_it_came(write, bars):
    text = "def signals(bars):\n    a = 3\n    return a / 0\n"
    assert by_name(watch(load(write(text)), bars), 2)["a."].tolist() == [3]


def test_a_built_in_strategy_leaves_nothing_and_tracing_is_put_back(bars):
    before = sys.gettrace()
    assert watch(load("sma_cross"), bars) == ()
    assert sys.gettrace() is before


def frame(line, path="mine.py", name="signals", **values):
    return SimpleNamespace(f_code=SimpleNamespace(co_filename=path, co_name=name), f_lineno=line, f_locals=values)


def test_a_line_is_recorded_when_it_has_ended():
    watcher, inside = Watcher("mine.py"), frame(1)
    assert watcher.enter(inside, "call", None) == watcher.inside
    inside.f_lineno = 2
    watcher.inside(inside, "line", None)
    assert watcher.steps == []
    inside.f_lineno, inside.f_locals = 3, {"a": 4, "word": "x"}
    watcher.inside(inside, "line", None)
    watcher.inside(inside, "exception", None)
    watcher.inside(inside, "return", 7.5)
    recorded = [(step.line, step.visit, step.name, step.value.tolist()) for step in watcher.steps]
    assert recorded == [(2, 0, "a.", [4.0]), (3, 0, "a.", [4.0]), (3, 0, "return.", [7.5])]


def test_foreign_frames_and_the_import_are_passed_by():
    watcher = Watcher("mine.py")
    assert watcher.enter(frame(1, path="pandas.py"), "call", None) is None
    assert watcher.enter(frame(1, name="<module>"), "call", None) is None
