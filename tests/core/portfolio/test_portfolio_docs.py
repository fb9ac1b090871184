"""docs/portfolio.md says what the code does."""

import re
from pathlib import Path

import pandas as pd

from tallow.core import portfolio
from tallow.core.portfolio import rules

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "portfolio.md").read_text(encoding="utf-8")


def test_the_examples_run():
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.S):
        exec(compile(block, "portfolio.md", "exec"), names)
    closes = {"A": [1.0, 1.0, 2.0], "B": [3.0, 3.0, 3.0]}
    table = names["weights"]({name: pd.DataFrame({"close": close}) for name, close in closes.items()}, window=1)
    assert table.to_numpy().tolist() == [[0.0, 0.0], [0.9, 0.9], [0.9, 0.0]]


def test_every_call_and_every_rule_is_named():
    hidden = {"Panel", "PortfolioFills", "PortfolioRun", "Rebalance", "Weigh", "BUILT_IN"}
    assert [name for name in portfolio.__all__ if name not in hidden and name not in TEXT] == []
    assert [name for name in rules.AccountRules.__dataclass_fields__ if f"{name}" not in TEXT] == []
