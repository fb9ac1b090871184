import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tallow.core import metrics
from tallow.domain.columns import Bars
from tallow.domain.results import Result
from tallow.domain.timeframes import DAY, parse_timeframe
from tallow.flows.report import performance


def of_equity(result: Result, equity: list[float], step: int = DAY) -> Result:
    values = np.array(equity)
    time = result.run.time[0] + np.arange(len(values)) * step
    return replace(result, run=replace(result.run, time=time, equity=values))


def test_under_water_begins_at_the_cash() -> None:
    fall = performance.under_water(np.array([9_000.0, 10_000.0, 12_000.0, 6_000.0]), 10_000.0)
    assert fall.tolist() == pytest.approx([-10.0, 0.0, 0.0, -50.0])


def test_under_water_passes_over_undefined_equity() -> None:
    fall = performance.under_water(np.array([np.nan, 12_000.0, np.nan, 6_000.0]), 10_000.0)
    assert fall[1:4:2].tolist() == [0.0, -50.0]
    assert np.isnan(fall[[0, 2]]).all()


def test_equity_chart_shows_both_lines_and_the_drawdown(result: Result, bars: Bars) -> None:
    drawing = performance.equity_chart(result, bars)
    assert [drawing.count(f'class="{kind}"') for kind in ("equity", "hold", "under", "water")] == [1, 1, 1, 1]
    without = replace(result, metrics={})
    assert 'class="hold"' not in performance.equity_chart(without, bars)


def test_legend_names_only_what_is_drawn(result: Result) -> None:
    assert [item.split("</svg>")[1] for item in performance.legend(result)] == [
        "Strategy</span>",
        "Buy &amp; hold</span>",
        "Drawdown, %</span>",
    ]
    assert len(performance.legend(replace(result, metrics={}))) == 2


def test_months_print_the_sign_and_shade_by_size(result: Result) -> None:
    found = metrics.monthly_returns(result.run.equity, result.run.time, result.scene.cash)
    table = performance.months(result)
    assert table.count("<td") == 13
    for item in found:
        assert f"{item.return_pct:+.1f}".replace("-", "−") in table
    total = result.metrics["return_pct"]
    assert total is not None
    assert f"{total:+.1f}".replace("-", "−") in table


@pytest.mark.parametrize(
    ("growth", "shade"),
    [(1.001, "p1"), (1.02, "p2"), (1.05, "p3"), (1.10, "p4"), (1.30, "p5"), (0.999, "n1"), (0.8, "n5")],
)
def test_shades_deepen_with_the_return(result: Result, growth: float, shade: str) -> None:
    assert f'<td class="{shade}">' in performance.months(of_equity(result, [10_000 * growth]))


def test_months_of_an_account_that_never_moved_have_no_shade(result: Result) -> None:
    table = performance.months(of_equity(result, [10_000.0]))
    assert "<td>0.00</td>" in table
    assert table.count('class="none"') == 11


def test_rolling_draws_both_figures(result: Result) -> None:
    built = performance.rolling(result)
    assert "Sharpe, 30 days" in built
    assert "Volatility, % a year, 30 days" in built


def test_rolling_needs_a_window(result: Result) -> None:
    assert "this result has 30" in performance.rolling(of_equity(result, list(np.linspace(1e4, 2e4, 30))))


def test_rolling_of_an_account_that_never_moved(result: Result) -> None:
    built = performance.rolling(of_equity(result, [10_000.0] * 40))
    assert "Sharpe: undefined" in built
    assert "<svg" in built


def test_longer_bars_are_not_called_days(result: Result) -> None:
    weekly = replace(result, scene=replace(result.scene, timeframe=parse_timeframe("1w")))
    moved = of_equity(weekly, [10_000.0 * (1 + 0.01 * (i % 7)) for i in range(60)], 7 * DAY)
    assert "Sharpe, 30 bars" in performance.rolling(moved)
    assert "<dt>Bars</dt><dd>60</dd>" in performance.distribution(moved)


def test_distribution_states_extremes(result: Result) -> None:
    built = performance.distribution(of_equity(result, [10_000.0, 11_000.0, 9_900.0, 9_900.0]))
    for name, value in (("Gaining", "1"), ("Losing", "1"), ("Best", "+10.00\u00a0%"), ("Worst", "−10.00\u00a0%")):
        assert f"<dt>{name}</dt><dd>{value}</dd>" in built


@pytest.mark.parametrize("equity", [[10_000.0], [10_000.0, 10_000.0], []])
def test_distribution_without_movement_says_so(result: Result, equity: list[float]) -> None:
    assert "Needs at least two days" in performance.distribution(of_equity(result, equity))


def test_drawdowns_are_listed_deepest_first(result: Result) -> None:
    table = performance.drawdown_table(of_equity(result, [10_000.0, 9_000.0, 10_000.0, 5_000.0]))
    assert table.index("−50.00") < table.index("−10.00")
    assert table.count("<tr><td") == 2
    assert "<td class=text>–<td" in table


def test_drawdowns_are_at_most_ten(result: Result) -> None:
    assert performance.drawdown_table(result).count("<tr><td") == 10


def test_no_drawdown_is_said(result: Result) -> None:
    assert "None: equity never fell" in performance.drawdown_table(of_equity(result, [10_000.0, 10_001.0]))


def test_nothing_to_show_without_bars(few_bars: Callable[..., Bars], result_of: Callable[..., Result]) -> None:
    nothing = result_of(few_bars(0))
    for part in (performance.months, performance.rolling, performance.distribution, performance.drawdown_table):
        assert 'class="empty"' in part(nothing)


def test_unchanged_days_are_counted_and_not_drawn_as_gains(result: Result) -> None:
    built = performance.distribution(of_equity(result, [10_000.0] * 50 + [9_000.0, 9_900.0]))
    assert "<dt>Unchanged</dt><dd>50</dd>" in built
    assert re.findall(r": (\d+) days?</title>", built) == ["1", "1"]
