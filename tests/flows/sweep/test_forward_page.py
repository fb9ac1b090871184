import html
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.core.search import axes_of
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate
from tallow.domain.scene import Scene
from tallow.domain.sweep import Fold, Search, WalkForwardResult
from tallow.flows.backtest import pin, read_market
from tallow.flows.sweep import Walk, walk_forward
from tallow.flows.sweep.forward_page import describe, headline, kept, render, text
from tallow.ports import Strategy

NAN = float("nan")
YEAR = math.sqrt(8_760)
SEARCH = Search(axes_of({"fast": "2..4", "slow": [9, 14]}), constraints=("fast < slow",))


@pytest.fixture
def bars(hall: Any, cross_scene: Scene) -> Bars:
    return read_market(hall.lake, cross_scene, pin(hall.lake, cross_scene)).bars


@pytest.fixture
def walked(hall: Any, cross: Strategy, cross_scene: Scene) -> Callable[..., WalkForwardResult]:
    def build(search: Search = SEARCH, **changes: Any) -> WalkForwardResult:
        return walk_forward(cross_scene, cross, search, Walk(100, 48, **changes), hall.studio())

    return build


def fold(trained: float, tested: float) -> Fold:
    return Fold(range(100), range(100, 148), {"fast": 2}, trained, tested, 0.0)


def judged(done: WalkForwardResult, verdict: Any) -> WalkForwardResult:
    return replace(done, result=replace(done.result, certificate=Certificate(verdict, "because")))


def plain(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", page)).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("folds", "expected"),
    [
        ([(0.2, 0.1), (0.4, 0.2)], 0.5),
        ([(0.2, -0.1)], -0.5),
        ([(0.2, 0.1), (NAN, 0.9), (0.9, NAN)], 0.5),
        ([(-0.2, 0.1)], None),
        ([(0.0, 0.1)], None),
        ([(NAN, 0.1)], None),
    ],
)
def test_what_is_kept_is_a_share_of_a_gain(
    walked: Callable[..., WalkForwardResult], folds: list[tuple[float, float]], expected: float | None
) -> None:
    done = replace(walked(), folds=tuple(fold(*pair) for pair in folds))
    share = kept(done)
    assert share == (None if expected is None else pytest.approx(expected))
    words = headline(done)
    said = {None: None, 0.5: "50 % of what training promised was left.", -0.5: "Nothing of what training promised"}
    if expected is None:
        assert "training" not in words
    else:
        assert said[expected] in words.replace("\u00a0", " ")  # type: ignore[operator]


def test_values_are_plain(walked: Callable[..., WalkForwardResult]) -> None:
    done = walked(anchored=True)
    found = json.loads(json.dumps(describe(done), allow_nan=False))
    assert (found["key"], found["digest"]) == (done.result.key, done.result.digest)
    assert (found["strategy"], found["instrument"], found["timeframe"]) == ("sma_cross", "binance:BTC/USDT", "1h")
    assert (found["metric"], found["method"], found["seed"], found["anchored"]) == ("bar_sharpe", "grid", 0, True)
    assert (found["axes"], found["constraints"]) == (["fast=2..4:1", "slow=9,14"], ["fast < slow"])
    assert (found["combinations"], found["computed"]) == (6, 12)
    assert [one["train"] for one in found["folds"]] == [[0, 100], [0, 148]]
    assert [one["test"] for one in found["folds"]] == [[100, 148], [148, 196]]
    assert [one["parameters"] for one in found["folds"]] == [dict(one.parameters) for one in done.folds]
    assert [one["tested"] for one in found["folds"]] == [one.tested for one in done.folds]
    assert found["metrics"]["final_equity"] == done.result.run.equity[-1]
    assert found["certificate"] is None
    assert describe(judged(done, "leaky"))["certificate"]["verdict"] == "leaky"


def test_a_flat_walk_has_no_numbers(walked: Callable[..., WalkForwardResult], bars: Bars) -> None:
    done = walked(Search(axes_of({"slow": [150]})))
    found = describe(done)
    # Both tests are flat: their returns do not vary, so that no ratio exists.
    assert [one["parameters"] for one in found["folds"]] == [None, None]
    assert [(one["trained"], one["tested"], one["test_return"]) for one in found["folds"]] == [(None, None, 0.0)] * 2
    assert found["kept"] is None
    lines = [line.split() for line in text(done).splitlines() if "none: flat" in line]
    assert [line[-3:] for line in lines] == [["-", "-", "0.00"]] * 2
    assert "On training nothing was gained on average." in render(done, bars)


def test_the_text_has_a_line_for_every_step(walked: Callable[..., WalkForwardResult]) -> None:
    done = walked()
    lines = text(done).splitlines()
    assert lines[0] == "sma_cross on binance:BTC/USDT 1h, rolling walk forward in 2 steps of 6 combinations by grid"
    assert "note: parameters were chosen anew 2 times, each time on the past alone" in lines
    head = next(place for place, line in enumerate(lines) if "test from" in line)
    one, other = (re.split(r"\s{2,}", line.strip()) for line in lines[head + 1 : head + 3])
    # Row 100 is the first after the hole of four hours.
    assert (one[0], one[1], other[0], other[1]) == (
        "2024-01-05 08:00",
        "2024-01-07 08:00",
        "2024-01-07 08:00",
        "2024-01-09 08:00",
    )
    for cells, step in zip((one, other), done.folds, strict=True):
        assert cells[2] == ", ".join(f"{name} {value}" for name, value in step.parameters.items())
        assert cells[3] == f"{step.trained * YEAR:.3f}"
        assert cells[4] == f"{step.tested * YEAR:.3f}"
        assert cells[5] == f"{100 * step.test_return:,.2f}"
    end = next(place for place, line in enumerate(lines) if line.startswith("  return "))
    assert lines[end].startswith(f"  return {done.result.metrics['return_pct']:,.2f} %, buy & hold ")
    assert lines[end + 1].startswith("  ? causality of the last choice unproven:")
    assert any(line.startswith("  Deflated Sharpe ratio") for line in lines)
    assert lines[-1] == f"  repeat    tallow results replay {done.result.key[:12]}"
    assert "anchored walk forward" in text(walked(anchored=True))


def test_goals_in_per_cent_and_fractions_are_scaled(walked: Callable[..., WalkForwardResult]) -> None:
    done = walked(replace(SEARCH, goal="total_return"))
    step = replace(done.folds[0], parameters={"level": 0.1}, trained=0.125, tested=-0.5, test_return=-0.5)
    line = next(line for line in text(replace(done, folds=(step,))).splitlines() if "level 0.1" in line)
    assert re.split(r"\s{2,}", line.strip())[2:] == ["level 0.1", "12.50", "-50.00", "-50.00"]


def test_a_page_is_whole_and_the_same_again(walked: Callable[..., WalkForwardResult], bars: Bars) -> None:
    done = walked()
    page = render(done, bars)
    assert page == render(done, bars)
    names = ["equity", "folds", "honesty", "costs", "months", "drawdowns", "incidents", "reproduce"]
    assert re.findall(r'<section id="(\w+)"', page) == ["verdict", *names]
    assert set(re.findall(r'href="#(\w+)"', page)) <= {"verdict", *names}
    assert "2024-01-05 08:00 to 2024-01-09 08:00 UTC · 96 bars" in page
    assert '<p class="callout warn">No look-ahead check was run' in page
    facts = {plain(name): plain(value) for name, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)}
    assert (facts["walk"], facts["digest"]) == (done.result.key, done.result.digest)
    assert (facts["axes"], facts["constraints"]) == ("fast=2..4:1 slow=9,14", "fast < slow")
    assert facts["method"] == "grid, seed 0, 6 combinations a step"
    body = page.partition("Steps of the walk")[2].partition("<tbody>")[2].partition("</tbody>")[0]
    lines = [[plain(cell) for cell in re.split(r"<td[^>]*>", line)[1:]] for line in body.split("<tr>")[1:]]
    assert [line[:2] for line in lines] == [
        ["2024-01-05 08:00", "2024-01-07 08:00"],
        ["2024-01-07 08:00", "2024-01-09 08:00"],
    ]
    returns = [f"{100 * one.test_return:,.2f}".replace("-", "−") for one in done.folds]
    assert [line[5] for line in lines] == returns
    with pytest.raises(UserError, match="UNKNOWN_PALETTE"):
        render(done, bars, colours="pink")


def test_a_page_judges_the_last_choice(walked: Callable[..., WalkForwardResult], bars: Bars) -> None:
    done = walked()
    assert '<p class="callout bad">These numbers are void' in render(judged(done, "leaky"), bars)
    good = render(judged(done, "certified"), bars)
    head = good[: good.index("<main")]
    assert 'class="callout' not in head
    assert "Certified: Because." in good


def test_a_simulated_market_is_worn_as_a_badge(walked: Callable[..., WalkForwardResult], bars: Bars) -> None:
    done = walked()
    simulated = replace(done, result=replace(done.result, origin="simulated"))
    assert 'class="badges"' not in render(done, bars)
    assert re.findall(r'<ul class="badges"><li[^>]*>(.*?)</li>', render(simulated, bars)) == ["SIMULATED"]


def test_without_any_price_nothing_is_drawn(walked: Callable[..., WalkForwardResult], bars: Bars) -> None:
    nothing = np.full(len(bars), NAN)
    blank = Bars.of(bars.time, (nothing, nothing, nothing, nothing, bars.volume))
    assert "No price is known, so nothing to draw." in render(walked(), blank)


def test_a_short_last_test_counts_for_as_much_as_it_is_long(walked: Callable[..., WalkForwardResult]) -> None:
    done = walked()
    first = replace(done.folds[0], test=range(90), trained=1.0, tested=0.5)
    stub = replace(first, test=range(90, 100), tested=-10.0)
    assert kept(replace(done, folds=(first, stub))) == pytest.approx(0.9 * 0.5 - 0.1 * 10.0)
    assert kept(replace(done, folds=(first,))) == pytest.approx(0.5)
