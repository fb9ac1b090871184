from collections.abc import Callable
from dataclasses import replace

import pytest

from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate
from tallow.domain.results import Result, Run
from tallow.flows.report import fragment


def test_fragment_is_small_and_asks_for_nothing(result: Result, bars: Bars) -> None:
    built = fragment(result, bars)
    assert len(built.encode()) <= 200_000
    assert "<script" not in built
    for word in ("http:", "https:", "//", "url(", "@import", "src="):
        assert word not in built


def test_fragment_stays_small_on_a_year_of_minutes(
    few_bars: Callable[..., Bars], result_of: Callable[..., Result], run_of: Callable[..., Run]
) -> None:
    bars = few_bars(200_000, timeframe="1m")
    assert len(fragment(result_of(bars, run_of(bars)), bars).encode()) <= 200_000


def test_fragment_brings_both_themes_under_its_own_name(result: Result, bars: Bars) -> None:
    style = fragment(result, bars).split("</style>")[0].removeprefix("<style>")
    assert "[data-jp-theme-light=false] .tallow-report" in style
    assert ".vscode-dark .tallow-report" in style
    assert "@media (prefers-color-scheme:dark){.tallow-report{" in style
    selectors = [line.split("{")[0] for line in style.splitlines() if line and not line.startswith(("@", "  "))]
    assert all(".tallow-report" in part for selector in selectors for part in selector.split(","))


def test_fragment_says_what_must_be_said(result: Result, bars: Bars) -> None:
    built = fragment(replace(result, certificate=Certificate("leaky", "Row 3 moved.")), bars)
    for words in ("SIMULATED", "Lost to buy &amp; hold by", "These numbers are void", "✗ Leaky", result.digest[:12]):
        assert words in built
    assert 'class="plot"' in built


def test_fragment_has_no_links_that_lead_nowhere(result: Result, bars: Bars) -> None:
    assert "href=" not in fragment(result, bars)


def test_fragment_escapes_names(result: Result, bars: Bars) -> None:
    hostile = replace(result, scene=replace(result.scene, strategy="</style><script>alert(1)</script>"))
    built = fragment(hostile, bars)
    assert "<script" not in built
    assert built.count("</style>") == 1


def test_fragment_without_bars(few_bars: Callable[..., Bars], result_of: Callable[..., Result]) -> None:
    bars = few_bars(0)
    assert "There are no bars in this range." in fragment(result_of(bars), bars)


def test_fragment_refuses_other_bars(result: Result, bars: Bars) -> None:
    with pytest.raises(UserError) as caught:
        fragment(result, bars[:100])
    assert caught.value.code == "BARS_MISMATCH"
    assert caught.value.facts == {"received": "100 bars", "result has": "8,760 bars"}
