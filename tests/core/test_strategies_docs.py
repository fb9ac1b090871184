"""The pages on indicators, metrics and strategies: every name is there, every code block runs."""

import inspect
import re
from pathlib import Path

import pytest

from tallow.core import indicators
from tallow.core.metrics import METRICS
from tallow.core.strategies import BUILT_IN

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("indicators.md", "metrics.md", "strategies.md")
BLOCKS = [
    pytest.param(block, id=f"{page}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL))
]


def table_names(page):
    """The names in backticks in the first column of the page's tables."""
    rows = re.findall(r"^\| (`[^|]*) \|", (DOCS / page).read_text("utf-8"), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)", row)}


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("indicators.md", {name for name in indicators.__all__ if name.islower() and name != "rolling_min"}),
        ("metrics.md", METRICS),
        ("strategies.md", BUILT_IN),
    ],
)
def test_every_name_has_a_row(page, names):
    assert set(names) <= table_names(page)


def test_the_defaults_of_built_in_rules_are_the_ones_in_the_table():
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)`", (DOCS / "strategies.md").read_text("utf-8"), re.MULTILINE))
    for name, rule in BUILT_IN.items():
        defaults = {key: item.default for key, item in inspect.signature(rule).parameters.items() if key != "bars"}
        written = ", ".join(key if value is False else f"{key}={value:g}" for key, value in defaults.items())
        assert rows.get(name, "") == written


@pytest.mark.parametrize("block", BLOCKS)
def test_code_blocks_run(block, capsys):
    exec(compile(block, "block", "exec"), {"__name__": "block"})
    assert capsys.readouterr().out
