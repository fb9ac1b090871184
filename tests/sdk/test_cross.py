from pathlib import Path

import pandas as pd
import pytest

import tallow
from tallow.domain.errors import UserError

RANGE = "2024-01-01..2024-02-01"
GRID = {"fast": [4, 6], "slow": [20]}


@pytest.fixture
def lake(own_lake: Path) -> "tallow.Lake":
    return tallow.open(str(own_lake))


def test_it_is_stored_opened_and_replayed(lake: "tallow.Lake", tmp_path: Path) -> None:
    done = tallow.cross_validate(
        "sma_cross", GRID, timerange=RANGE, groups=5, test_groups=2, purge="2h", embargo=3, lake=lake, check=False,
        workers=1, constraints="fast < slow",
    )  # fmt: skip
    assert len(done.splits) == 10
    assert set(done.splits.fast) <= {4, 6}
    assert done.splits.held_out.iloc[0] == "0 1"
    assert len(done.paths) == 4
    assert sum(count for _, count in done.choices) == 10
    again = lake.results.open(done.key)
    assert isinstance(again, tallow.CrossValidation)
    assert again.digest == done.digest
    assert again.paths.equals(done.paths)
    assert again.result.equity.equals(done.result.equity)
    assert done.replay().equal
    assert done.check is None
    assert "cross-validation: 10 splits of 5 groups" in repr(done)
    assert 'id="spread"' in done.save(str(tmp_path / "cross.html")).read_text()


def test_own_candles_are_drawn_and_not_stored(lake: "tallow.Lake", tmp_path: Path) -> None:
    candles: pd.DataFrame = lake.ohlcv("BTC/USDT", "1h", timerange=RANGE)[["open", "high", "low", "close", "volume"]]
    done = tallow.cross_validate("sma_cross", GRID, data=candles, groups=4, test_groups=1, lake=lake, check=False)
    assert done.result.score is not None
    assert done.result.score.trials == 3.0
    assert "the cross-validation is not stored" in done.save(str(tmp_path / "out" / "own.html")).read_text()
    with pytest.raises(UserError, match="UNKNOWN_RESULT"):
        done.replay()
