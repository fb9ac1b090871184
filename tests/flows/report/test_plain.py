from collections.abc import Callable
from dataclasses import replace

from tallow.domain.columns import Bars
from tallow.domain.evidence import Certificate, Incident
from tallow.domain.results import Result
from tallow.domain.scene import Execution
from tallow.flows.report import text


def test_metrics_are_aligned(result: Result) -> None:
    lines = text(result).splitlines()
    rows = [line for line in lines if line.startswith(("  Return", "  Max drawdown", "  Sharpe", "  Trades"))]
    names = ("Return", "Max drawdown", "Sharpe", "Trades")
    ends = [len(row.split("  95 %")[0].rstrip()) for row in rows]
    assert [row.split("  ")[1] for row in rows] == list(names)
    assert len(set(ends)) == 1


def test_first_lines_say_what_was_tested_on_what(result: Result) -> None:
    lines = text(result).splitlines()
    assert lines[0] == "moving_average on simulated:BTC/USDT 1h"
    assert lines[1] == "2024-01-01 00:00 to 2024-12-31 00:00 UTC, 8,760 bars"
    assert lines[2].startswith("SIMULATED: ")
    assert lines[4].startswith("Lost to buy & hold by ")


def test_labels_are_worn_in_plain_text_too(result: Result) -> None:
    scene = replace(result.scene, execution=Execution(fill="close"))
    words = text(replace(result, scene=scene, bars_origin="1m"))
    assert "OPTIMISTIC FILL: " in words
    assert "RESAMPLED FROM 1m: " in words


def test_verdict_digest_and_command_close_the_table(result: Result) -> None:
    words = text(
        replace(result, certificate=Certificate("leaky", "Row 3 moved."), incidents=(Incident("GAP", 0, 1, 1),))
    )
    assert words.endswith("✗ causality leaky: Row 3 moved.")
    assert result.digest in words
    assert "tallow results replay 4f4f4f4f4f4f" in words
    assert "1, 0 with an open position" in words
    assert "? causality unproven" in text(result)


def test_undefined_metrics_are_a_dash(result: Result) -> None:
    words = text(replace(result, metrics=dict.fromkeys(result.metrics)))
    assert "nan" not in words.lower()
    assert [line.split() for line in words.splitlines() if line.startswith("  Return")] == [["Return", "–"]]


def test_minus_is_one_that_programs_read(result: Result) -> None:
    words = text(result)
    assert "\u2212" not in words
    assert f"{result.metrics['max_drawdown_pct']:.2f} %" in words


def test_control_characters_never_reach_the_terminal(result: Result) -> None:
    scene = replace(result.scene, strategy="evil\x1b[2J\u202e")
    words = text(replace(result, scene=scene, certificate=Certificate("unknown", "see\x1b]0;title\x07")))
    assert all(character.isprintable() for character in words.replace("\n", ""))


def test_no_bars(few_bars: Callable[..., Bars], result_of: Callable[..., Result]) -> None:
    words = text(result_of(few_bars(0)))
    assert words.splitlines()[1] == "no bars"
    assert "There are no bars in this range." in words
