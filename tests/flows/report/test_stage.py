from collections.abc import Callable
from dataclasses import replace

import pytest

from tallow.domain.columns import Bars
from tallow.domain.evidence import Incident
from tallow.domain.results import Result
from tallow.flows.report import stage


def test_equity_stands_beside_the_other_figures(result: Result, bars: Bars) -> None:
    built = stage.equity(result, bars)
    assert 'id="equity-stage"' in built
    assert 'class="plot"' in built
    for label in ("Final equity", "Sortino", "Profit factor", "Time in market", "Break-even cost"):
        assert f">{label}</a>" in built
    assert ">Max drawdown</a>" not in built


def test_a_metric_without_definition_is_not_hidden(result: Result, bars: Bars) -> None:
    strange = replace(result, metrics={**result.metrics, "tail_ratio": 1.25})
    assert ">tail ratio</a>" in stage.equity(strange, bars)


def test_canvas_can_be_reached_and_controlled_without_a_mouse(result: Result, bars: Bars) -> None:
    built = stage.equity(result, bars)
    assert '<canvas tabindex="0" role="application" aria-label=' in built
    for action in ("left", "right", "in", "out", "all"):
        assert f'data-act="{action}"' in built
    assert 'id="equity-keys"' in built


@pytest.mark.parametrize(
    ("incidents", "liquidated", "expected"), [((), False, 0), ((Incident("GAP", 0, 1, 1),), True, 1)]
)
def test_price_legend_names_only_what_is_drawn(
    result: Result, bars: Bars, incidents: tuple[Incident, ...], liquidated: bool, expected: int
) -> None:
    reason = result.run.trades.reason.copy()
    reason[0] = 4 if liquidated else 0
    run = replace(result.run, trades=replace(result.run.trades, reason=reason))
    built = stage.price(replace(result, run=run, incidents=incidents), bars)
    assert built.count("liquidation") == expected
    assert built.count("data incident") == expected
    assert "buy, below the bar" in built
    assert "sell, above the bar" in built


def test_nothing_is_drawn_where_no_price_is_known(result: Result, bars: Bars) -> None:
    blank = replace(bars, close=bars.close * float("nan"))
    assert "<canvas" not in stage.equity(result, blank)
    assert "No price is known" in stage.price(result, blank)


def test_nothing_is_drawn_without_bars(few_bars: Callable[..., Bars], result_of: Callable[..., Result]) -> None:
    bars = few_bars(0)
    for part in (stage.equity, stage.price):
        built = part(result_of(bars), bars)
        assert "nothing to draw" in built
        assert "<canvas" not in built
