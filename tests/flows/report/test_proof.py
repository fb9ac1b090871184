from dataclasses import replace

import pytest

from tallow.domain.evidence import Certificate, Finding, Incident
from tallow.domain.results import Result
from tallow.domain.scene import Execution
from tallow.domain.timeframes import HOUR
from tallow.flows.report import proof


def finding(row: int, **changes: object) -> Finding:
    values = {"row": row, "time": row * HOUR, "cut": row + 3, "method": "down", "before": 1.0, "after": 0.0}
    return Finding(**{**values, "kind": "reads later bars", "rows_changed": 32, **changes})  # type: ignore[arg-type]


def test_without_certificate_the_result_is_unproven() -> None:
    built = proof.causality(None)
    assert "? Unproven." in built
    assert "callout warn" in built
    assert "tallow check" in built


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [("certified", "callout good"), ("leaky", "callout bad"), ("unknown", "callout warn")],
)
def test_verdict_has_its_tone_and_reason(verdict: str, expected: str) -> None:
    built = proof.causality(Certificate(verdict, "Because of <this>.", rows=8_760, runs=1_197))  # type: ignore[arg-type]
    assert expected in built
    assert "Because of &lt;this&gt;." in built
    assert "<dd>8,760</dd>" in built
    assert "<table" not in built


def test_findings_show_both_values_the_line_and_the_kind() -> None:
    certificate = Certificate("leaky", "x", findings=(finding(5, location="idea.py:7", before=-0.25, after=None),))
    built = proof.causality(certificate)
    for text in ("<td>5<td class=text>1970-01-01 05:00<td>8<td>−0.25<td>–<td>32", "reads later bars", "idea.py:7"):
        assert text in built


def test_the_cause_is_shown_once_with_what_to_write_instead() -> None:
    same = {
        "location": "idea.py:7",
        "source": "close.shift(-1) > 1",
        "hint": "close.shift(1)",
        "replay": "tallow check x",
    }
    built = proof.causality(Certificate("leaky", "x", findings=tuple(finding(i, **same) for i in range(5))))
    assert built.count("close.shift(-1) &gt; 1") == 1
    assert "Instead: close.shift(1)" in built
    assert "tallow check x" in built


def test_many_findings_are_paged_and_cut_off_in_words() -> None:
    built = proof.causality(Certificate("leaky", "x", findings=tuple(finding(i) for i in range(130))))
    assert built.count("<tr><td") == proof.FINDINGS_SHOWN
    assert "30 more findings are not shown." in built
    assert 'data-page="10"' in built


def test_no_incident_is_said(result: Result) -> None:
    assert "None: no gap" in proof.incidents(result)


def test_incidents_say_what_happened_and_what_it_did(result: Result) -> None:
    gap = Incident("GAP", 0, 4 * HOUR, 4, exposed=True, profit=-12.5)
    odd = Incident("ODD_<KIND>", HOUR, 2 * HOUR, 1)
    built = proof.incidents(replace(result, incidents=(gap, odd)))
    assert "<td class=text>4 h<td>4<td class=text>yes<td>−12.50" in built
    assert "ODD_&lt;KIND&gt;" in built
    assert "<td class=text>no<td>–" in built
    assert "nothing was filled in" in built
    assert "data-page" not in built


def test_many_incidents_are_paged(result: Result) -> None:
    many = tuple(Incident("GAP", i * HOUR, (i + 1) * HOUR, 1) for i in range(60))
    built = proof.incidents(replace(result, incidents=many))
    assert built.count("<tr><td") == 60
    assert 'data-page="25"' in built


def test_reproduce_names_everything_that_fixes_the_result(result: Result) -> None:
    built = proof.reproduce(replace(result, created=1_709_643_600_000_000, notes=("held <overnight>",)))
    for text in (
        "tallow results replay 4f4f4f4f4f4f",
        result.key,
        result.digest,
        result.strategy_hash,
        "gold.candles",
        "version 12",
        "2024-03-05 13:00 UTC",
        "held &lt;overnight&gt;",
        "10,000.00 USDT",
        "simulated:BTC/USDT",
    ):
        assert text in built


@pytest.mark.parametrize(
    ("execution", "expected"),
    [
        (Execution(), "<dt>stop loss</dt><dd>off</dd>"),
        (Execution(stop_loss=0.05), "<dt>stop loss</dt><dd>0.05</dd>"),
        (Execution(allow_short=True), "<dt>allow short</dt><dd>yes</dd>"),
        (Execution(fill="close"), "<dt>fill</dt><dd>close</dd>"),
        (Execution(taker_fee=0.00075), "<dt>taker fee</dt><dd>0.00075</dd>"),
    ],
)
def test_every_execution_setting_is_shown(result: Result, execution: Execution, expected: str) -> None:
    built = proof.reproduce(replace(result, scene=replace(result.scene, execution=execution)))
    assert expected in built


def test_strategy_source_is_shown_as_text(result: Result) -> None:
    built = proof.reproduce(replace(result, strategy_source="a = 1 < 2\nb = '</code>'"))
    assert "Strategy source, 2 lines" in built
    assert "a = 1 &lt; 2\nb = &#x27;&lt;/code&gt;&#x27;" in built
    assert "<details>" not in proof.reproduce(replace(result, strategy_source=""))


def test_a_label_and_a_note_that_say_the_same_are_written_once(result: Result) -> None:
    built = proof.reproduce(replace(result, notes=("SIMULATED market: made up", "other")))
    assert "SIMULATED market: made up" in built
    assert "<dt>simulated</dt>" not in built
    assert "<dt>simulated</dt>" in proof.reproduce(replace(result, notes=("other", "")))


def test_time_of_computing_is_written_to_the_second(result: Result) -> None:
    assert "2024-03-05 13:00:01 UTC" in proof.reproduce(replace(result, created=1_709_643_601_682_157))


def test_profit_made_inside_incidents_is_told(result: Result) -> None:
    start = int(result.run.time[3])
    held = replace(result, incidents=(Incident("GAP", start, start + 1, 1, True, 1.0),))
    change = float(result.run.equity[3] - result.run.equity[2])
    profit = float(result.run.equity[-1]) - result.scene.cash
    words = proof.inside_words(held)
    assert words.endswith(" USDT was made inside incidents")
    assert words.startswith(f"{change:+,.2f}".replace("-", "\u2212") if abs(change) >= 0.005 else "0.00")
    assert f"{profit:+,.2f}".replace("-", "\u2212") in words
    assert words in proof.incidents(held)


def test_margin_tiers_are_written_out() -> None:
    built = proof.execution(Execution(tiers=((0, 0.004, 125), (50_000, 0.005))))  # type: ignore[arg-type]
    assert "0.004 from 0, 0.005 from 50000" in built
    assert proof.tier_words(()) is None
