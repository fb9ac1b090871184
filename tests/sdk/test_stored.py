from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tallow
from tallow.domain.errors import UserError

RANGE = "2024-01-01..2024-01-21"
PAIR = ["BTC/USDT", "ETH/USDT"]


@pytest.fixture
def lake(own_lake: Path) -> "tallow.Lake":
    return tallow.open(str(own_lake))


def test_portfolios_lie_beside_backtests_and_replay(lake: "tallow.Lake", tmp_path: Path) -> None:
    single = tallow.backtest("sma_cross", "BTC/USDT", timerange=RANGE, lake=lake, check=False)
    done = tallow.portfolio("momentum", PAIR, timerange=RANGE, lake=lake, check=False, params={"window": 40, "top": 1})
    rows = lake.results.list(200).set_index("key")
    assert rows.kind[single.key] == "backtest"
    assert rows.kind[done.key] == "portfolio"
    assert rows.return_pct[done.key] == pytest.approx(done.metrics["return_pct"])
    again = lake.results.open(done.key[:16])
    assert isinstance(again, tallow.Portfolio)
    assert np.array_equal(again.weights.to_numpy(), done.weights.to_numpy())
    assert isinstance(lake.results.open(single.key), tallow.Result)
    assert done.replay().equal
    assert lake.results.replay(done.key).digest == done.digest
    assert done.score is not None
    assert len(done.ladder) == 9
    assert done.report(str(tmp_path / "deep" / "page.html")).read_text().startswith("<!doctype html>")
    assert lake.results.remove(done.key) == 1
    with pytest.raises(UserError, match="UNKNOWN_RESULT"):
        lake.results.open(done.key)


def test_a_walk_is_stored_opened_and_replayed(lake: "tallow.Lake", tmp_path: Path) -> None:
    options = {"train": "10d", "test": "3d", "timerange": RANGE, "lake": lake, "check": False, "workers": 1}
    walk = tallow.walk_forward("sma_cross", {"fast": [4, 6], "slow": [20]}, **options)
    assert list(walk.folds.columns[:4]) == ["train_from", "train_to", "test_from", "test_to"]
    assert set(walk.folds.fast) <= {4, 6}
    again = lake.results.open(walk.key)
    assert isinstance(again, tallow.WalkForward)
    assert (again.digest, again.metrics) == (walk.digest, walk.metrics)
    assert again.result.equity.equals(walk.result.equity)
    assert walk.replay().equal
    assert walk.check is None
    assert "walk forward" in repr(walk)
    assert 'id="honesty"' in walk.save(str(tmp_path / "walk.html")).read_text()


def test_a_walk_over_own_candles_is_drawn_and_not_stored(lake: "tallow.Lake", tmp_path: Path) -> None:
    candles: pd.DataFrame = lake.ohlcv("BTC/USDT", "1h", timerange=RANGE)[["open", "high", "low", "close", "volume"]]
    walk = tallow.walk_forward(
        "sma_cross", {"fast": [4, 6], "slow": [20]}, data=candles, train=240, test=80, lake=lake, check=False
    )
    assert walk.result.score is not None
    assert walk.result.score.trials == 3.0
    page = walk.save(str(tmp_path / "own.html")).read_text()
    assert "the walk is not stored" in page
    with pytest.raises(UserError, match="UNKNOWN_RESULT"):
        walk.replay()
    swept = tallow.sweep("sma_cross", {"fast": [4, 6], "slow": [20]}, data=candles, lake=lake, check=False)
    said = swept.save(str(tmp_path / "sweep.html")).read_text()
    assert "tallow.sweep(&#x27;sma_cross&#x27;" in said
    assert "data=candles" in said
    assert "tallow sweep sma_cross" not in said


def test_a_lake_without_results_lists_none(tmp_path: Path) -> None:
    assert len(tallow.open(str(tmp_path)).results.list()) == 0
