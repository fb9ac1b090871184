from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tallow.domain.columns import Bars
from tallow.domain.evidence import Certificate, Finding, Incident
from tallow.domain.results import Result, Run
from tallow.domain.scene import Execution
from tallow.flows.report import verdict


def with_metrics(result: Result, **metrics: float | None) -> Result:
    return replace(result, metrics={**result.metrics, **metrics})


@pytest.mark.parametrize(
    ("certificate", "word", "tone", "symbol"),
    [
        (None, "Unproven", "warn", "?"),
        (Certificate("certified", "Nothing changed."), "Certified", "good", "✓"),
        (Certificate("leaky", "It changed."), "Leaky", "bad", "✗"),
        (Certificate("unknown", "It reads a file."), "Unknown", "warn", "?"),
    ],
)
def test_judge(certificate: Certificate | None, word: str, tone: str, symbol: str) -> None:
    judgement = verdict.judge(certificate)
    assert (judgement.word, judgement.tone, judgement.symbol) == (word, tone, symbol)
    assert judgement.sentence == (certificate.reason if certificate else verdict.UNPROVEN.sentence)


@pytest.mark.parametrize(
    ("origin", "bars_origin", "fill", "expected"),
    [
        ("binance", "native", "next_open", []),
        ("simulated", "native", "next_open", ["SIMULATED"]),
        ("binance", "1m", "close", ["OPTIMISTIC FILL", "RESAMPLED FROM 1m"]),
        ("binance", "trades", "next_open", ["BUILT FROM TRADES"]),
    ],
)
def test_notices(result: Result, origin: str, bars_origin: str, fill: str, expected: list[str]) -> None:
    scene = replace(result.scene, execution=Execution(fill=fill))
    worn = verdict.notices(replace(result, origin=origin, bars_origin=bars_origin, scene=scene))
    assert [name for name, _ in worn] == expected


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"return_pct": 5.0, "buy_hold_pct": 17.04}, "Lost to buy & hold by 12.0 percentage points after"),
        ({"return_pct": 5.0, "buy_hold_pct": -1.26}, "Beat buy & hold by 6.3 percentage points after"),
        ({"return_pct": 5.0, "buy_hold_pct": 5.04}, "Matched buy & hold after"),
        ({"return_pct": 5.0, "buy_hold_pct": None}, "Returned +5.0\u00a0% after"),
    ],
)
def test_headline(result: Result, metrics: dict[str, float | None], expected: str) -> None:
    priced = with_metrics(result, fees=200.0, slippage=14.0, funding=None, **metrics)
    assert verdict.headline(priced) == f"{expected} 214.00 USDT of costs."


def test_headline_of_an_undefined_return(result: Result) -> None:
    words = verdict.headline(with_metrics(result, return_pct=None, fees=1.0, slippage=None))
    assert words == "The return is undefined; costs were 1.00 USDT."


def test_headline_of_a_liquidation(result: Result) -> None:
    reason = result.run.trades.reason.copy()
    reason[-1] = 4
    run = replace(result.run, trades=replace(result.run.trades, reason=reason))
    gone = with_metrics(replace(result, run=run), return_pct=-100.0)
    assert verdict.liquidations(gone) == 1
    assert verdict.headline(gone).startswith("Liquidated: the account ended at −100.0\u00a0%")


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "There are no bars in this range."), (10, "Never traded in 10 bars.")]
)
def test_headline_without_trades(
    few_bars: Callable[..., Bars], result_of: Callable[..., Result], count: int, expected: str
) -> None:
    bars = few_bars(count)
    assert verdict.headline(result_of(bars)) == expected


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        (Certificate("certified", "Fine."), ""),
        (Certificate("leaky", "Row 3 moved."), "These numbers are void: the strategy uses the future. Row 3 moved."),
        (Certificate("unknown", "It is random."), "It is random."),
        (None, verdict.UNPROVEN.sentence),
    ],
)
def test_caution(result: Result, certificate: Certificate | None, expected: str) -> None:
    assert verdict.caution(replace(result, certificate=certificate)) == expected


@pytest.mark.parametrize(("low", "high", "expected"), [(-2.5, 1.25, "−2.50 to 1.25"), (None, 1.0, ""), (0.5, None, "")])
def test_interval(result: Result, low: float | None, high: float | None, expected: str) -> None:
    assert verdict.interval(with_metrics(result, sharpe_low=low, sharpe_high=high)) == expected


def test_strip_answers_in_order(result: Result) -> None:
    built = verdict.strip(result)
    names = ("Return", "Max drawdown", "Sharpe", "Trades", "Causality check", "Data incidents", "Digest")
    found = [built.index(f">{name}</a>") for name in names]
    assert found == sorted(found)
    assert "? Unproven" in built
    assert result.digest[:12] in built


def test_strip_without_links_for_notebooks(result: Result) -> None:
    assert "href" not in verdict.strip(result, linked=False)


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        (Certificate("certified", "x", cuts=598, runs=1_197), "598 futures changed, 1,197 runs"),
        (Certificate("unknown", "x"), "see the reason below"),
        (
            Certificate("leaky", "x", cuts=3, findings=(Finding(1, 2, 3, "down", 1.0, 0.0, "later", 1),)),
            "1 finding, 3 futures",
        ),
    ],
)
def test_strip_says_what_was_tested(result: Result, certificate: Certificate, expected: str) -> None:
    assert expected in verdict.strip(replace(result, certificate=certificate))


def test_strip_of_a_result_that_fell_short_of_everything(
    few_bars: Callable[..., Bars], result_of: Callable[..., Result]
) -> None:
    built = verdict.strip(result_of(few_bars(1)))
    assert "never below the peak" in built
    assert "no interval" in built


def test_strip_counts_incidents_and_open_trades(
    bars: Bars, result_of: Callable[..., Result], run_of: Callable[..., Run]
) -> None:
    incidents = (Incident("GAP", 0, 1, 1, exposed=True), Incident("GAP", 2, 3, 1))
    built = verdict.strip(result_of(bars, run_of(bars, last_open=True), incidents=incidents))
    assert "1 with an open position" in built
    assert "· 1 open" in built


def test_strip_with_all_metrics_undefined(result: Result) -> None:
    built = verdict.strip(replace(result, metrics=dict.fromkeys(result.metrics)))
    assert built.count("–") >= 4
    assert "nan" not in built


def test_costs_add_up(result: Result) -> None:
    assert verdict.costs(with_metrics(result, fees=1.0, slippage=2.0, funding=-0.5)) == 2.5
    assert verdict.costs(replace(result, metrics={})) == 0.0
    assert not np.isnan(verdict.costs(result))


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("no tested future changed the past", "No tested future changed the past."),
        ("It changed!", "It changed!"),
        ("", "No reason was given."),
    ],
)
def test_reasons_stand_as_sentences(reason: str, expected: str) -> None:
    assert verdict.judge(Certificate("certified", reason)).sentence == expected


def test_rules_of_the_venue_are_said_wherever_a_result_is_shown(result: Result) -> None:
    notes = ("VENUE RULES 2 of 2 versions used, given by hand", "VENUE RULES before 2024-01-03 are not known", "other")
    assert [worn for worn in verdict.notices(replace(result, notes=notes)) if worn[0] == "VENUE RULES"] == [
        ("VENUE RULES", "2 of 2 versions used, given by hand."),
        ("VENUE RULES", "Before 2024-01-03 are not known."),
    ]
