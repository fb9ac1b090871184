"""docs/portfolio.md says what the code does."""

import re
from pathlib import Path

from tallow.core import portfolio
from tallow.core.portfolio import rules

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "portfolio.md").read_text(encoding="utf-8")


def test_the_example_runs():
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    exec(compile(block, "portfolio.md", "exec"), {})


def test_every_call_and_every_rule_is_named():
    hidden = {"Panel", "PortfolioFills", "PortfolioRun", "Rebalance", "Weigh", "BUILT_IN"}
    assert [name for name in portfolio.__all__ if name not in hidden and name not in TEXT] == []
    assert [name for name in rules.AccountRules.__dataclass_fields__ if f"{name}" not in TEXT] == []
