import html
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.core.search import axes_of
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate
from tallow.domain.scene import Scene
from tallow.domain.sweep import Search
from tallow.flows.backtest import pin, read_market
from tallow.flows.sweep import Folding, cross_validate
from tallow.flows.sweep.cross_page import MOST_LINES, MOST_ROWS, render, strip_plot
from tallow.flows.sweep.cross_values import CrossValidationResult
from tallow.ports import Strategy

SEARCH = Search(axes_of({"fast": [2, 3], "slow": [7, 12]}), constraints=("fast < slow",))


@pytest.fixture
def bars(hall: Any, cross_scene: Scene) -> Bars:
    return read_market(hall.lake, cross_scene, pin(hall.lake, cross_scene)).bars


@pytest.fixture
def done(hall: Any, cross: Strategy, cross_scene: Scene) -> CrossValidationResult:
    return cross_validate(cross_scene, cross, SEARCH, Folding(4, 2), hall.studio())


def plain(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", " ", page)).replace("\u00a0", " ")


def test_the_page_draws_every_path_and_says_how_to_repeat_it(done: CrossValidationResult, bars: Bars) -> None:
    page = render(done, bars)
    assert page == render(done, bars)
    assert len(re.findall(r'<path d="M[^"]*L[^"]*" class="path"', page)) == 2
    assert page.count('class="dot"') == 2
    assert page.count('class="dot middle"') == 1
    for name in ("paths", "spread", "choices", "splits", "honesty", "costs", "incidents", "reproduce"):
        assert f'<section id="{name}"' in page
    words = plain(page)
    assert "Cross-validation of sma_cross" in words
    assert f"tallow results replay {done.result.key[:12]}" in words
    assert "4, of which 2 are held out: 6 splits" in words
    assert "6 splits chose" in words
    assert "No look-ahead check was run" in words


@pytest.mark.parametrize(("verdict", "tone"), [("leaky", "bad"), ("unknown", "warn"), ("certified", None)])
def test_what_speaks_against_it_stands_on_top(
    done: CrossValidationResult, bars: Bars, verdict: Any, tone: str | None
) -> None:
    judged = replace(done, result=replace(done.result, certificate=Certificate(verdict, "because")))
    top = render(judged, bars).partition("</header>")[0]
    assert (f"callout {tone}" in top) is (tone is not None)


def test_one_that_is_not_stored_has_no_command(done: CrossValidationResult, bars: Bars) -> None:
    own = replace(done, result=replace(done.result, table_versions={}))
    page = plain(render(own, bars))
    assert "the cross-validation is not stored" in page
    assert "tallow results replay" not in page


def test_flat_paths_have_no_ratio_to_draw(hall: Any, cross: Strategy, cross_scene: Scene, bars: Bars) -> None:
    flat = cross_validate(cross_scene, cross, Search(axes_of({"slow": [150]})), Folding(4, 2), hall.studio())
    page = plain(render(flat, bars))
    assert "No path has a Sharpe ratio." in page
    assert "none: flat" in page
    nothing = replace(flat, paths=tuple(replace(path, equity=path.equity * np.nan) for path in flat.paths))
    assert "No equity is known, so nothing to draw." in plain(render(nothing, bars))


def test_what_is_too_much_for_a_page_is_counted(done: CrossValidationResult, bars: Bars) -> None:
    many = replace(done, paths=done.paths * 30, splits=done.splits * 100)
    words = plain(render(many, bars))
    assert f"{90 - MOST_LINES} more paths are not drawn." in words
    assert f"{600 - MOST_ROWS} more splits are not shown." in words


def test_dots_lie_where_their_values_do() -> None:
    # From 0 to 2 with 6 % of room on both sides.
    page = strip_plot(np.array([1.0, 2.0, np.nan]), 1)
    assert re.findall(r'cx="([\d.]+)%"', page) == ["50.00", "94.64"]
    assert 'class="dot middle"' in page
    assert "Sharpe ratios of 2 paths from 1.00 to 2.00, median 1.50" in page


def test_an_unknown_palette_is_refused(done: CrossValidationResult, bars: Bars) -> None:
    with pytest.raises(UserError, match="UNKNOWN_PALETTE"):
        render(done, bars, colours="pink")
