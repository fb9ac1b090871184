import ast
import html
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.core.search import axes_of, parse_axis
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate
from tallow.domain.market import parse_symbol
from tallow.domain.ranges import parse_timerange
from tallow.domain.results import Result
from tallow.domain.scene import Scene
from tallow.domain.sweep import Axis, Search, SweepResult
from tallow.flows.sweep import sweep
from tallow.flows.sweep.luck import Luck
from tallow.flows.sweep.page import (
    FAILED_ROWS,
    around,
    axis_text,
    best_table,
    capitalised,
    chance,
    command,
    deflation,
    failures,
    headline,
    is_own,
    render,
    reproduce,
    spread,
    strip,
)
from tallow.ports import Strategy

Make = Callable[..., SweepResult]
NAN = float("nan")
GRID = {"fast": [2, 3], "slow": [5, 9]}


def rows(page: str) -> list[list[str]]:
    """The words of every cell of a table's body."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    lines = (re.split(r"<td[^>]*>", line)[1:] for line in body.split("<tr>")[1:])
    return [[plain(cell) for cell in line] for line in lines]


def plain(page: str) -> str:
    """A piece of a page without its markup."""
    return html.unescape(re.sub(r"<[^>]*>", "", page)).replace("\u00a0", " ")


def facts(page: str) -> dict[str, str]:
    return {plain(name): plain(value) for name, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)}


def cells(page: str) -> dict[str, tuple[str, str]]:
    """Name of an answer of the strip -> the answer and its note."""
    found = re.findall(r'<h3>(.*?)</h3><p class="big">(.*?)</p><p class="note">(.*?)</p>', page)
    return {plain(name): (plain(answer), plain(note)) for name, answer, note in found}


@pytest.fixture
def real(hall: Any, cross: Strategy, cross_scene: Scene) -> SweepResult:
    """A sweep with a result; nothing failed, and the best is certified."""
    done = sweep(cross_scene, cross, Search(axes_of({"fast": "2..4", "slow": [9, 14]})), hall.studio())
    assert done.result is not None
    return replace(done, result=replace(done.result, certificate=Certificate("certified", "all is well", cuts=1_234)))


def judged(done: SweepResult, verdict: Any) -> SweepResult:
    assert isinstance(done.result, Result)
    return replace(done, result=replace(done.result, certificate=Certificate(verdict, "because")))


def test_a_page_is_whole_and_the_same_again(real: SweepResult) -> None:
    page = render(real)
    assert page == render(real)
    assert "<title>Sweep of sma_cross on binance:BTC/USDT 1h" in page
    names = ["map", "best", "around", "chance", "spread", "reproduce"]
    assert re.findall(r'<section id="(\w+)"', page) == ["verdict", *names]
    assert re.findall(r'<li><a href="#(\w+)"', page) == names
    assert set(re.findall(r'href="#(\w+)"', page)) <= {"verdict", *names}
    assert "2024-01-01 00:00 to 2024-01-09 08:00 UTC · 196 bars" in page
    assert 'role="alert"' not in page
    assert "https://" not in page.replace("http://www.w3.org", "")
    with pytest.raises(UserError, match="UNKNOWN_PALETTE"):
        render(real, colours="pink")


def test_a_page_without_a_result_and_with_failures(made: Make) -> None:
    page = render(made(GRID, [NAN] * 4, failed={0: "BAD_PARAMETER: <no>"}))
    assert 'id="failures"' in page
    assert "BAD_PARAMETER: &lt;no&gt;" in page
    assert "None of 4 combinations has a return %." in page
    assert "500 bars" in page
    assert "Its Sharpe ratio cannot be deflated: too few trials have one." in page


def test_a_leak_is_shouted_and_an_unknown_one_is_said(real: SweepResult) -> None:
    leaky = render(judged(real, "leaky"))
    assert re.findall(r'<p class="callout bad" role="alert">(.*?)</p>', leaky) == [
        "These numbers are void: the strategy uses the future. Because."
    ]
    unknown = render(judged(real, "unknown"))
    assert 'role="alert"' not in unknown
    assert '<p class="callout warn">Because.</p>' in unknown


def test_the_headline_names_the_best(made: Make) -> None:
    done = made({"fast": [2, 3], "level": [0.1, 0.25]}, [0.1, 0.2, 0.3, 0.4])
    assert headline(done) == "The best of 4 combinations is fast 3, level 0.25: +40.0\u00a0%."


def test_the_strip_answers_in_the_units_of_a_reader(made: Make) -> None:
    done = made(GRID, [0.1, NAN, -0.05, 0.25], failed={1: "no"}, trials=1_234)
    found = cells(strip(done, Luck(1_234, 0.1, 0.2, 0.3, 0.961)))
    assert found == {
        # The only neighbour with a number lost 5 %; the middle of 10, -5 and 25 is 10.
        "Return": ("25.00 %", "−5.00 on average around it"),
        "Max drawdown": ("−10.00 %", "−10.00 % in the middle of all"),
        "Combinations": ("4", "grid, 1 failed"),
        "Trials on this data": ("1,234", "of any strategy, ever"),
        "Better than luck": ("96.1 %", "deflated Sharpe ratio"),
        "Causality of the best": ("? Unproven", "no look-ahead check was run"),
    }
    assert 'class="good">96.1' in strip(done, Luck(9, 0.1, 0.2, 0.3, 0.961))
    assert 'class="warn">94.0' in strip(done, Luck(9, 0.1, 0.2, 0.3, 0.94))


def test_the_strip_of_a_certified_best_and_of_none(made: Make, real: SweepResult) -> None:
    assert cells(strip(real, None))["Causality of the best"] == ("✓ Certified", "1,234 futures changed")
    assert next(iter(cells(strip(made(GRID, [NAN] * 4), None)))) == "Combinations"
    alone = cells(strip(made({"fast": [2]}, [0.5]), None))
    assert alone["Return"] == ("50.00 %", "no neighbours")
    assert alone["Combinations"] == ("1", "grid, none failed")


def test_the_best_come_first(made: Make) -> None:
    page = best_table(made(GRID, [0.1, NAN, -0.05, 0.25]))
    year = 8_760**0.5
    assert rows(page) == [
        ["3", "9", "25.00", f"{0.025 * year:.3f}", "−10.00", "4", "1,234.50"],
        ["2", "5", "10.00", f"{0.01 * year:.3f}", "−10.00", "4", "1,234.50"],
        ["3", "5", "−5.00", f"−{0.005 * year:.3f}", "−10.00", "4", "1,234.50"],
    ]
    assert "The 3 best combinations" in page
    assert "No combination has a return %." in best_table(made(GRID, [NAN] * 4))


def test_around_the_best_says_how_far_it_falls(made: Make) -> None:
    page = around(made(GRID, [0.1, 0.15, -0.05, 0.25]))
    assert [line[:2] for line in rows(page)] == [
        ["the best", "25.00"],
        ["fast 3 → 2", "15.00"],
        ["slow 9 → 5", "−5.00"],
    ]
    assert "The neighbours have 5.00 on average (return %), the best 25.00." in plain(page)
    # Neighbours that failed leave no mean.
    bare = around(made({"fast": [2, 3]}, [0.1, NAN], failed={1: "no"}))
    assert "on average" not in bare
    assert rows(bare)[1][1] == "–"
    for empty in (made({"fast": [2]}, [0.1]), made(GRID, [NAN] * 4)):
        assert "There is nothing beside the best." in around(empty)


def test_chance_is_put_into_numbers_a_year(made: Make) -> None:
    done = made({"fast": [2, 3]}, [0.1, 0.2], trials=40)
    found = facts(chance(done, Luck(40, 0.01, 0.02, 0.03, 0.875)))
    year = 8_760**0.5
    assert found == {
        "distinct trials on this data": "40",
        "standard deviation of their Sharpe ratios": f"{0.01 * year:.3f} a year",
        "best of as many without edge": f"{0.02 * year:.3f} a year",
        "this best": f"{0.03 * year:.3f} a year",
        "deflated Sharpe ratio": "87.5 %",
    }
    assert "too few trials" in chance(done, None)
    assert deflation(Luck(1_000, 0.0, 0.0, 0.0, 0.5)) == (
        "Deflated for 1,000 trials, the confidence that it is better than luck is 50.0\u00a0%."
    )


def test_the_spread_counts_what_gained_and_what_lost(made: Make) -> None:
    page = spread(made({"fast": "1..6"}, [0.1, -0.2, 0.0, 0.3, NAN, 0.05]))
    assert facts(page) == {
        "Gaining": "3",
        "Losing": "1",
        "Unchanged": "1",
        "Median": "+5.00 %",
        "Best": "+30.00 %",
        "Worst": "−20.00 %",
    }
    assert "Returns of 5 combinations between −20.00" in page


@pytest.mark.parametrize("returns", [[0.1, NAN], [0.0, 0.0]])
def test_a_spread_needs_two_returns(made: Make, returns: list[float]) -> None:
    assert "Fewer than two combinations have a return." in spread(made({"fast": [1, 2]}, returns))


def test_failures_are_listed_up_to_a_limit(made: Make) -> None:
    count = FAILED_ROWS + 3
    done = made({"fast": f"1..{count + 1}"}, [*[NAN] * count, 0.5], failed=dict.fromkeys(range(count), "why"))
    page = failures(done)
    assert rows(page) == [[str(number), "why"] for number in range(1, FAILED_ROWS + 1)]
    assert "3 more failed." in page
    assert "more failed" not in failures(made({"fast": [1, 2]}, [NAN, 0.5], failed={0: "why"}))


def test_what_a_sweep_rests_on_is_listed(made: Make, real: SweepResult) -> None:
    assert isinstance(real.result, Result)
    found = facts(reproduce(replace(real, notes=("NO COSTS",))))
    assert found["sweep"] == real.key
    assert found["result of the best"] == real.result.key
    assert found["data digest"] == real.result.data_digest
    assert found["strategy hash"] == real.result.strategy_hash
    assert found["causality"] == "Certified: All is well."
    assert found["note"] == "NO COSTS"
    assert "seed" not in found
    assert facts(reproduce(made({"fast": [2]}, [0.1], method="random"))) == {"sweep": "k" * 64, "seed": "7"}


def test_the_command_has_everything_that_differs_from_the_defaults(made: Make) -> None:
    plain_one = made({"fast": "2..6:2", "slow": [5, 9]}, [0.1] * 6, goal="bar_sharpe")
    start = "tallow sweep sma_cross fast=2..6:2 slow=5,9 -s binance:BTC/USDT -t 1h"
    assert command(plain_one) == f"{start} --set short=False"
    scene = replace(
        plain_one.scene,
        strategy="mine",
        parameters={"fast": 2, "kind": "a b"},
        range=parse_timerange("2024-01-01..2025-01-01"),
    )
    done = made(
        {"fast": "0.5..2.5"}, [0.1], rows=[(1.0,)], method="sobol", trials_wanted=64, goal="wins",
        constraints=("fast < 3", "fast != 1"),
    )  # fmt: skip
    words = shlex.split(command(replace(done, scene=scene)))
    assert words == [
        "tallow", "sweep", "mine.py", "fast=0.5..2.5", "-s", "binance:BTC/USDT", "-t", "1h",
        "--timerange", "2024-01-01..2025-01-01", "--method", "sobol", "--seed", "7", "--trials", "64",
        "--metric", "wins", "--constraint", "fast < 3", "--constraint", "fast != 1", "--set", "kind=a b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        (Axis("a", (2, 4, 6)), "a=2..6:2"),
        (Axis("a", (2, 4)), "a=2,4"),
        (Axis("a", (6, 4, 2)), "a=6,4,2"),
        (Axis("a", (1, 2, 4)), "a=1,2,4"),
        (Axis("a", (0.1, 0.2, 0.3)), "a=0.1,0.2,0.3"),
        (Axis("a", ("x", "y", "z")), "a=x,y,z"),
        (Axis("a", low=0.1, high=1e-7 + 1.0), "a=0.1..1.0000001"),
        (Axis("a", (-3, 0, 3)), "a=-3..3:3"),
    ],
)
def test_an_axis_is_written_as_it_is_read(axis: Axis, expected: str) -> None:
    assert axis_text(axis) == expected
    back = parse_axis(expected)
    assert back.values == axis.values
    np.testing.assert_equal((back.low, back.high), (axis.low, axis.high))


def test_a_capital_begins_a_heading() -> None:
    assert [capitalised(words) for words in ("bar Sharpe", "", "x")] == ["Bar Sharpe", "", "X"]


def test_own_candles_are_repeated_by_a_call_that_python_reads(made: Make) -> None:
    done = made(
        {"fast": "2..6:2", "slow": [5, 9]}, [0.1] * 6, goal="wins", method="random", trials_wanted=6,
        constraints=("fast < 9",),
    )  # fmt: skip
    assert not is_own(done)
    own = replace(done, scene=replace(done.scene, instrument=parse_symbol("BTC/USDT", "own")))
    assert is_own(own)
    said = command(own)
    assert "tallow sweep " not in said
    call = ast.parse(said, mode="eval").body
    assert isinstance(call, ast.Call)
    assert [ast.literal_eval(word) for word in call.args] == [
        "sma_cross", {"fast": "2..6:2", "slow": "5,9"}, "BTC/USDT", "1h",
    ]  # fmt: skip
    named = {word.arg: ast.unparse(word.value) for word in call.keywords}
    assert named == {
        "data": "candles", "params": "{'short': False}", "method": "'random'", "seed": "7", "trials": "6",
        "metric": "'wins'", "constraints": "['fast < 9']",
    }  # fmt: skip
    assert "are in no lake" in reproduce(own)
    assert "are in no lake" not in reproduce(done)
