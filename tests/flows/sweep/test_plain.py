import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.core.search import axes_of
from tallow.domain.evidence import Certificate
from tallow.domain.scene import Scene
from tallow.domain.sweep import Search, SweepResult
from tallow.flows.sweep import sweep
from tallow.flows.sweep.plain import describe, heading, headings, record, shown, text, verdict, warning, written
from tallow.ports import Strategy

Make = Callable[..., SweepResult]
NAN = float("nan")
YEAR = math.sqrt(8_760)  # hours: bars are an hour


@pytest.fixture
def done(made: Make) -> SweepResult:
    returns = [0.1, NAN, -0.05, 0.25]
    return made({"fast": [2, 3], "slow": [5, 9]}, returns, failed={1: "BAD_PARAMETER: no"}, trials=12)


def test_values_are_plain_and_the_best_come_first(done: SweepResult) -> None:
    found = describe(done, 2)
    assert found["key"] == "k" * 64
    assert (found["strategy"], found["instrument"], found["timeframe"]) == ("sma_cross", "binance:BTC/USDT", "1h")
    assert (found["bars"], found["combinations"], found["computed"], found["failed"]) == (500, 4, 4, 1)
    assert (found["method"], found["seed"], found["metric"], found["trials"]) == ("grid", 7, "total_return", 12)
    assert found["axes"] == ["fast=2,3", "slow=5,9"]
    assert found["combinations_per_second"] == 2.0
    assert found["best"] == {"fast": 3, "slow": 9}
    assert [row["parameters"] for row in found["rows"]] == [{"fast": 3, "slow": 9}, {"fast": 2, "slow": 5}]
    assert [row["total_return"] for row in found["rows"]] == [0.25, 0.1]
    assert found["failures"] == [{"parameters": {"fast": 2, "slow": 9}, "reason": "BAD_PARAMETER: no"}]
    # Of the neighbours (2, 9) failed; (3, 5) lost 5 %.
    assert found["around_the_best"] == -0.05
    assert (found["result"], found["certificate"], found["luck"]) == (None, None, None)


def test_without_a_limit_all_rows_come_in_the_order_of_the_search(done: SweepResult) -> None:
    found = describe(done)
    assert [row["total_return"] for row in found["rows"]] == [0.1, None, -0.05, 0.25]
    assert len(found["failures"]) == 1


def test_a_row_holds_the_number_looked_for(made: Make) -> None:
    done = made({"fast": [2, 3]}, [0.3, NAN], goal="return_over_drawdown")
    assert record(done, 0)["return_over_drawdown"] == pytest.approx(3.0)
    assert record(done, 1)["return_over_drawdown"] is None


def test_the_text_has_the_best_in_the_units_that_people_read(done: SweepResult) -> None:
    lines = text(done, 2).splitlines()
    assert lines[:3] == [
        "sma_cross on binance:BTC/USDT 1h, 500 bars",
        "4 combinations by grid over fast=2,3  slow=5,9",
        "4 computed in 2.0 s (2.0 combinations/s, 0.0M bar x combinations/s)",
    ]
    assert lines[4].split("  ")[0] == "fast"
    cells = lines[4].replace("max drawdown %", "drawdown").replace("bar Sharpe a year", "Sharpe").split()
    assert cells == ["fast", "slow", "return", "%", "Sharpe", "drawdown", "trades", "fees"]
    assert lines[5].split() == ["3", "9", "25.00", written("bar_sharpe", 0.025 * YEAR), "-10.00", "4", "1,234.50"]
    assert lines[6].split()[:3] == ["2", "5", "10.00"]
    assert lines[8] == "1 combination failed, first fast=2, slow=9: BAD_PARAMETER: no"
    assert lines[10].startswith("  12 distinct trials were made on this data so far.")
    assert lines[11] == "  Around the best: return % -5.00 on average one step aside."
    assert len(lines) == 12


@pytest.mark.parametrize(
    ("changes", "line", "said"),
    [
        ({"computed": 0}, 2, "all of them were stored: nothing was computed"),
        ({"computed": 1}, 2, "1 computed in 2.0 s (0.5 combinations/s, 0.0M bar x combinations/s), 1 were stored"),
        ({"seconds": 0.0}, 2, "2 computed in 0.0 s"),
        ({"constraints": ("fast < slow",)}, 2, "only where fast < slow"),
        ({"notes": ("NO COSTS",)}, 3, "note: NO COSTS"),
    ],
)
def test_what_was_computed_and_noted_is_told(made: Make, changes: dict[str, Any], line: int, said: str) -> None:
    assert text(made({"fast": [2, 3]}, [0.1, 0.2], **changes)).splitlines()[line] == said


def test_a_sweep_without_a_best_says_so(made: Make) -> None:
    done = made({"fast": [2, 3]}, [NAN, NAN])
    assert "no combination has a total_return" in text(done)
    assert describe(done)["best"] is None
    assert verdict(done) == [f"  {warning(done)}"]


def test_the_best_is_judged_by_luck_and_by_its_certificate(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    done = sweep(cross_scene, cross, Search(axes_of({"fast": "2..4", "slow": [9, 14]})), hall.studio())
    assert done.result is not None
    certified = replace(done.result, certificate=Certificate("certified", "no future changed the past", cuts=9))
    done = replace(done, result=certified)
    luck = describe(done)["luck"]
    lines = verdict(done)
    assert lines[1] == (
        f"  Better than luck: {100 * luck['deflated']:.1f} % (deflated Sharpe ratio; the best of 6 without edge would "
        f"show {luck['expected'] * YEAR:.3f} a year, this one {luck['observed'] * YEAR:.3f})."
    )
    assert lines[-1] == "  ✓ causality of the best certified: No future changed the past."
    assert describe(done)["certificate"]["verdict"] == "certified"
    assert describe(done)["result"] == certified.key


def test_numbers_are_shown_in_units_and_decimals_of_their_own(made: Make) -> None:
    done = made({"fast": [2]}, [0.5], goal="bar_sharpe")
    assert headings(done) == ("bar_sharpe", "total_return", "max_drawdown", "trades", "fees")
    assert shown(done, "total_return").tolist() == [50.0]
    np.testing.assert_allclose(shown(done, "bar_sharpe"), 0.05 * YEAR, rtol=1e-12)
    assert np.isnan(shown(done, "wins")).all()
    assert (heading("bar_sharpe"), heading("return_over_drawdown")) == ("bar Sharpe a year", "return over drawdown")
    written_ = [written(*pair) for pair in (("trades", 1234.0), ("bar_sharpe", 0.12345), ("fees", 2.0), ("fees", NAN))]
    assert written_ == ["1,234", "0.123", "2.00", "-"]


def test_fractions_among_the_parameters_are_short(made: Make) -> None:
    assert text(made({"level": [0.1, 0.30000000000000004]}, [0.1, 0.2])).splitlines()[5].split()[0] == "0.3"
