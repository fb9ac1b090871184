"""The page on orders names a test for every rule, and its example runs."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "orders.md").read_text(encoding="utf-8")


def test_every_test_named_on_the_page_exists() -> None:
    places = [*(ROOT / "tests" / "core").rglob("*.py")]
    known = {name for path in places for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)}
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 50
    assert named - known == set()


def test_every_rule_of_bars_and_trades_is_on_the_page() -> None:
    for folder in ("orders", "ticks"):
        text = (ROOT / "tests" / "core" / folder / "test_step.py").read_text(encoding="utf-8")
        assert [name for name in re.findall(r"^def (test_\w+)", text, re.M) if f"`{name}`" not in PAGE] == []


def test_the_examples_run_one_after_the_other() -> None:
    space: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(compile(block, "docs/orders.md", "exec"), space)
