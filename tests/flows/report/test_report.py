"""The three forms of one result that the real engine computed."""

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import tallow.flows.report as report
from tallow.core.engine import ENGINE_VERSION, run
from tallow.core.metrics import summary
from tallow.domain.columns import Bars
from tallow.domain.market import Instrument
from tallow.domain.results import EXIT_REASONS, Result
from tallow.domain.scene import Execution, Scene
from tallow.domain.timeframes import parse_timeframe

DOCS = Path(__file__).parents[3] / "docs" / "report.md"
SETTINGS = {
    "plain": Execution(),
    "optimistic": Execution(fill="close", slippage_bps=5.0),
    "short with stops": Execution(allow_short=True, stop_loss=0.02, take_profit=0.03),
    "liquidated": Execution(leverage=50.0, allow_short=True),
}


def computed(bars: Bars, execution: Execution) -> Result:
    """Follow the last day's direction with all that is allowed."""
    moved = np.concatenate([np.zeros(24), bars.close[24:] - bars.close[:-24]])
    lowest = -execution.leverage if execution.allow_short else 0.0
    targets = np.where(moved > 0, execution.leverage, lowest)
    scene = Scene("day_before", Instrument("binance", "BTC", "USDT"), parse_timeframe("1h"), execution=execution)
    done = run(bars, targets, execution, cash=scene.cash)
    return Result(
        key="0f" * 32,
        digest=done.digest(),
        scene=scene,
        strategy_source="",
        strategy_hash="",
        engine_version=ENGINE_VERSION,
        table_versions={},
        data_digest="cd" * 32,
        origin="binance",
        bars_origin="native",
        metrics=summary(done, bars, scene.timeframe, execution, scene.cash),
        run=done,
    )


@pytest.fixture(scope="module", params=SETTINGS)
def made(request: pytest.FixtureRequest, bars: Bars) -> Result:
    return computed(bars[:2_000], SETTINGS[request.param])


def test_all_forms_state_the_same_return(made: Result, bars: Bars) -> None:
    value = made.metrics["return_pct"]
    assert value is not None
    printed = f"{value:+,.2f}"
    typeset = printed.replace("-", "−")
    assert typeset in report.render(made, bars[:2_000])
    assert typeset in report.fragment(made, bars[:2_000])
    assert printed in report.text(made)


def test_every_trade_is_in_the_table(made: Result, bars: Bars) -> None:
    page = report.render(made, bars[:2_000])
    table = page.split('<table id="trade-rows"')[1].split("</table>")[0]
    log = made.run.trades
    assert table.count("<tr><td") == len(log)
    for reason in {EXIT_REASONS[i] for i in log.reason.tolist()}:
        assert f"<td class=text>{reason.replace('_', ' ')}" in table


def test_a_liquidation_leads(bars: Bars) -> None:
    lost = computed(bars[:2_000], SETTINGS["liquidated"])
    assert EXIT_REASONS.index("liquidation") in lost.run.trades.reason
    assert "Liquidated: " in report.text(lost)
    assert "✕ liquidation" in report.render(lost, bars[:2_000])


def test_optimistic_fills_are_labelled_in_every_form(bars: Bars) -> None:
    made = computed(bars[:500], SETTINGS["optimistic"])
    for form in (report.render(made, bars[:500]), report.fragment(made, bars[:500]), report.text(made)):
        assert "OPTIMISTIC FILL" in form


def test_a_market_without_label_is_not_called_simulated(made: Result, bars: Bars) -> None:
    assert "SIMULATED" not in report.text(made)
    assert "SIMULATED" not in report.render(made, bars[:2_000]).split("<script")[0].split("</style>")[1]


def test_every_execution_setting_is_on_the_page(made: Result, bars: Bars) -> None:
    page = report.render(made, bars[:2_000])
    for field in fields(Execution):
        assert f"<dt>{field.name.replace('_', ' ')}</dt>" in page


def test_the_example_of_the_docs_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, str] = {}
    exec(compile(block, str(DOCS), "exec"), names)
    assert names["page"].startswith("<!doctype html>")
    assert names["cell"].startswith("<style>")
    assert "SIMULATED" in names["words"]


def test_exports() -> None:
    assert sorted(report.__all__) == ["describe", "fragment", "render", "text"]
