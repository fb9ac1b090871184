import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.core.search import axes_of
from tallow.domain.scene import Scene
from tallow.domain.sweep import Search
from tallow.flows.sweep import Folding, cross_validate
from tallow.flows.sweep.cross_plain import (
    SHOWN_SPLITS,
    choices,
    describe,
    headline,
    kept,
    losing,
    scaled,
    split_cells,
    spread,
    text,
)
from tallow.flows.sweep.cross_values import CrossSplit, CrossValidationResult
from tallow.ports import Strategy

NAN = float("nan")
SEARCH = Search(axes_of({"fast": [2, 3], "slow": [7, 12]}), constraints=("fast < slow",))


@pytest.fixture
def done(hall: Any, cross: Strategy, cross_scene: Scene) -> CrossValidationResult:
    return cross_validate(cross_scene, cross, SEARCH, Folding(4, 2, 1, 1), hall.studio())


def held_out(trained: float, tested: float, rows: int = 10, **values: Any) -> CrossSplit:
    return CrossSplit((0,), (range(rows, 90),), (range(rows),), values, trained, tested, 0.0)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([4.0], (4.0, 4.0, 4.0, 4.0, 4.0)),
        ([0.0, 4.0, 1.0, 2.0, 3.0], (0.0, 1.0, 2.0, 3.0, 4.0)),
        ([NAN, 1.0], (1.0, 1.0, 1.0, 1.0, 1.0)),
        ([NAN], (None, None, None, None, None)),
    ],
)
def test_a_spread_has_its_quartiles(values: list[float], expected: tuple[float | None, ...]) -> None:
    assert spread(np.array(values)) == expected


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        ([held_out(0.2, 0.1), held_out(0.4, 0.2)], 0.5),
        ([held_out(1.0, 1.0, rows=30), held_out(1.0, 0.0)], 0.75),
        ([held_out(0.2, -0.1), held_out(NAN, 5.0), held_out(5.0, NAN)], -0.5),
        ([held_out(-0.2, 0.1)], None),
        ([held_out(NAN, 0.1)], None),
    ],
)
def test_what_is_kept_is_a_share_of_a_gain(
    done: CrossValidationResult, splits: list[CrossSplit], expected: float | None
) -> None:
    changed = replace(done, splits=tuple(splits))
    assert kept(changed) == (None if expected is None else pytest.approx(expected))
    said = {None: "nothing was gained", 0.5: "50 % of what", 0.75: "75 % of what", -0.5: "Nothing of what"}
    assert said[expected] in headline(changed).replace("\u00a0", " ")


def test_choices_are_counted(done: CrossValidationResult) -> None:
    splits = (held_out(1, 1, fast=2), held_out(1, 1, fast=3), held_out(1, 1, fast=3), held_out(NAN, NAN))
    assert choices(replace(done, splits=splits)) == [({"fast": 3}, 2), ({"fast": 2}, 1), ({}, 1)]


@pytest.mark.parametrize(
    ("returns", "said"),
    [
        ([1.0, 2.0, 3.0], "None of 3 paths loses money; "),
        ([-1.0, 2.0, 3.0], "1 of 3 paths loses money; "),
        ([-1.0, -2.0, 3.0], "2 of 3 paths lose money; "),
    ],
)
def test_the_headline_counts_the_paths_that_lose(done: CrossValidationResult, returns: list[float], said: str) -> None:
    paths = tuple(
        replace(path, metrics={**path.metrics, "return_pct": gain, "sharpe": gain})
        for path, gain in zip(done.paths, returns, strict=True)
    )
    changed = replace(done, paths=paths)
    assert losing(changed) == sum(gain < 0 for gain in returns)
    assert headline(changed).startswith(said)


def test_without_any_ratio_none_is_told(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    flat = cross_validate(cross_scene, cross, Search(axes_of({"slow": [150]})), Folding(4, 2), hall.studio())
    words = headline(flat)
    assert words == "None of 3 paths loses money. On training nothing was gained on average."
    assert "none: flat" in text(flat)


def test_values_are_plain(done: CrossValidationResult) -> None:
    found = json.loads(json.dumps(describe(done), allow_nan=False))
    assert (found["kind"], found["groups"], found["test_groups"], found["purge"], found["embargo"]) == (
        "cross-validation", 4, 2, 1, 1,
    )  # fmt: skip
    assert [split["groups"] for split in found["splits"]] == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert len(found["paths"]) == 3
    assert found["spread"]["sharpe"]["middle"] == pytest.approx(np.median(done.numbers("sharpe")))
    assert sum(choice["splits"] for choice in found["choices"]) == 6
    assert found["metrics"] == found["paths"][found["middle"]]["metrics"]
    assert found["score"]["trials"] == 5.0


def test_the_text_has_every_split_and_path(done: CrossValidationResult) -> None:
    lines = text(done).splitlines()
    assert lines[0].endswith(
        "1h, cross-validation: 6 splits of 4 groups with 2 held out, purge 1 bar, embargo 1 bar; 4 combinations by grid"
    )
    assert sum(line.lstrip().startswith(("1, ", "2, ", "3, ")) for line in lines) == 6
    assert f"The path in the middle, number {done.middle + 1}:" in lines
    assert lines[-1] == f"  repeat    tallow results replay {done.result.key[:12]}"
    many = replace(done, splits=done.splits * 5)
    assert f"and {30 - SHOWN_SPLITS} more splits: --json has them all" in text(many)


@pytest.mark.parametrize(("goal", "expected"), [("total_return", "12.00"), ("bar_sharpe", "11.231"), ("wins", "0")])
def test_numbers_are_written_as_people_read_them(done: CrossValidationResult, goal: str, expected: str) -> None:
    changed = replace(done, search=replace(SEARCH, goal=goal))
    assert scaled(changed, 0.12) == expected
    cells = split_cells(changed, held_out(0.12, NAN, fast=2, level=0.5))
    assert (cells[0], cells[1], cells[3]) == ("1", "fast 2, level 0.5", "-")
