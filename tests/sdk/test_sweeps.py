from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tallow
from tallow.domain.errors import UserError

RANGE = "2024-01-01..2024-02-01"


def trend(bars: pd.DataFrame, *, fast: int = 10, slow: int = 30, kind: str = "sma") -> pd.Series:
    lines = [bars.close.rolling(n).mean() if kind == "sma" else bars.close.ewm(span=n).mean() for n in (fast, slow)]
    return (lines[0] > lines[1]).astype(int)


@pytest.fixture
def lake(own_lake: Path) -> "tallow.Lake":
    return tallow.open(str(own_lake))


def test_a_function_is_swept_and_the_best_is_a_result(lake: "tallow.Lake", tmp_path: Path) -> None:
    grid = {"fast": range(4, 13, 4), "slow": np.array([20, 40]), "kind": ["sma", "ewm"]}
    done = tallow.sweep(trend, grid, timerange=RANGE, lake=lake, constraints="fast < slow", workers=1)
    assert list(done.table.columns[:4]) == ["fast", "slow", "kind", "final_equity"]
    assert len(done.table) == done.computed == done.trials == len(done.sharpes) == 12
    assert done.check is not None
    assert done.check.verdict == "certified"
    assert done.best is not None
    top = done.table.sort_values("bar_sharpe", ascending=False).iloc[0]
    assert done.best_parameters == {"fast": top.fast, "slow": top.slow, "kind": top.kind}
    assert done.best.metrics["final_equity"] == top.final_equity
    assert done.failed == {}
    assert "12 combinations by grid" in repr(done)
    assert "<html" in done.save(str(tmp_path / "out" / "page.html")).read_text()
    again = tallow.sweep(trend, grid, timerange=RANGE, lake=lake, constraints=["fast < slow"], workers=1)
    assert again.computed == 0
    assert again.frame("polars").equals(done.frame("polars"))


def test_own_candles_are_swept_without_a_lake(lake: "tallow.Lake") -> None:
    data = lake.ohlcv("BTC/USDT", "1h", timerange=RANGE)
    done = tallow.sweep(trend, {"fast": "4..8:4"}, data=data, lake=lake, check=False, fee=0.0, workers=1)
    assert done.check is None
    assert done.trials == 2
    assert lake.workspace.records.list() == []
    again = tallow.sweep(trend, {"fast": 4}, data=data, lake=lake, check=False, fee=0.0, params={"slow": 30}, workers=1)
    assert again.table.final_equity[0] == done.table.final_equity[0]


def test_an_undefined_goal_gives_no_best(lake: "tallow.Lake") -> None:
    done = tallow.sweep("sma_cross", {"slow": [2_000]}, timerange=RANGE, lake=lake, workers=1)
    assert (done.best, done.check, done.best_parameters) == (None, None, {})


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"grid": {}}, "BAD_RANGE"),
        ({"grid": {"fast": [1, 2]}, "method": "gird"}, "BAD_SEARCH"),
        ({"grid": {"fast": [1, 2]}, "constraints": "fast"}, "BAD_CONSTRAINT"),
        ({"grid": {"fats": [1, 2]}}, "UNKNOWN_PARAMETER"),
    ],
)
def test_bad_input_says_what_is_valid(lake: "tallow.Lake", arguments: dict[str, object], code: str) -> None:
    with pytest.raises(UserError, match=code):
        tallow.sweep("sma_cross", timerange=RANGE, lake=lake, **arguments)  # type: ignore[arg-type]
