import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tallow
from tallow.core.strategies import sma_cross
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.runners.inline import load
from tallow.runners.texts import load_object, load_stored, load_text, text_of

FACTOR = 0.5
TABLE = {"a": 1}
VALUES = np.arange(100.0, 160.0)
BARS = Bars.of(np.arange(60) * 3_600_000_000, (VALUES, VALUES + 1, VALUES, VALUES + 0.5, VALUES))


def half(values: pd.Series) -> pd.Series:
    return values * FACTOR


def uses_everything(bars: pd.DataFrame, *, level: float = 1.0) -> pd.Series:
    return half(pd.Series(np.sign(bars.close), bars.index)) * math.floor(level)


def uses_a_table(bars: pd.DataFrame) -> pd.Series:
    return bars.close * TABLE["a"]


class Late(tallow.Strategy):
    wait = tallow.Int(5, 1, 50)

    def next(self) -> None:
        self.target = FACTOR if len(self.bars.close) > self.wait else 0.0


def test_a_function_is_written_down_with_all_it_uses() -> None:
    strategy = load_object(uses_everything, {"level": 1.5})
    assert strategy.targets(BARS).tolist() == [0.5] * 60
    assert strategy.parameters == {"level": 1.5}
    assert "FACTOR = 0.5" in strategy.source
    assert "import numpy as np" in strategy.source


def test_a_class_is_written_down_with_its_base() -> None:
    targets = load_object(Late, {"wait": 10}).targets(BARS)
    assert targets[9] == 0.0
    assert targets[20] == 0.5


def test_the_text_alone_gives_the_same_strategy() -> None:
    again = load_text("uses_everything", text_of(uses_everything), {"level": 1.5})
    assert again.targets(BARS).tolist() == load_object(uses_everything, {"level": 1.5}).targets(BARS).tolist()


def closure() -> Callable[..., Any]:
    inner = object()
    return lambda bars: bars.close * id(inner)


@pytest.mark.parametrize("code", [uses_a_table, closure()])
def test_what_cannot_be_written_down_is_refused_with_the_reason(code: Callable[..., Any]) -> None:
    with pytest.raises(UserError, match="BAD_STRATEGY"):
        load_object(code, {})


def test_tallow_functions_are_imported_not_copied() -> None:
    assert "def sma(" not in text_of(sma_cross)


def test_modules_beside_a_file_come_along(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("FACTOR = 0.25\n")
    (tmp_path / "mine.py").write_text(
        "import helper\n\ndef signals(bars):\n    return bars.close * 0 + helper.FACTOR\n"
    )
    stored = load(str(tmp_path / "mine.py"), {})
    (tmp_path / "helper.py").unlink()
    assert load_stored("mine", stored.source, {}).targets(BARS).tolist() == [0.25] * 60


def test_a_built_in_strategy_is_found_by_name_unless_it_changed() -> None:
    stored = load("buy_and_hold", {})
    assert load_stored("buy_and_hold", stored.source, {}).targets(BARS).tolist() == [1.0] * 60
    with pytest.raises(UserError, match="STRATEGY_CHANGED"):
        load_stored("buy_and_hold", stored.source.replace("ones", "zeros"), {})
