from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tallow
from tallow.core.portfolio import Calendar
from tallow.domain.errors import UserError

RANGE = "2024-01-01..2024-01-21"
PAIR = ["BTC/USDT", "ETH/USDT"]


def strongest(frames: dict[str, pd.DataFrame], *, window: int = 24) -> pd.DataFrame:
    close = pd.DataFrame({symbol: bars.close for symbol, bars in frames.items()})
    rise = close.pct_change(window, fill_method=None)
    return rise.eq(rise.max(axis=1), axis=0) * 0.9


def foresight(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return strongest(frames).shift(-1).fillna(0.0)


@pytest.fixture
def lake(own_lake: Path) -> "tallow.Lake":
    return tallow.open(str(own_lake))


def test_a_function_gives_an_account_whose_numbers_add_up(lake: "tallow.Lake") -> None:
    done = tallow.portfolio(strongest, PAIR, timerange=RANGE, lake=lake, rebalance="daily", params={"window": 12})
    assert done.certificate is not None
    assert done.certificate.verdict == "certified"
    assert done.check is done.certificate
    held = done.positions
    assert list(held.columns) == PAIR
    assert len(held) == len(done.equity) == 480
    assert str(held.index[0]) == "2024-01-01 00:00:00+00:00"
    close = pd.DataFrame({symbol: lake.ohlcv(symbol, "1h", timerange=RANGE).close for symbol in PAIR})
    value = (held.to_numpy() * close.to_numpy()).sum(axis=1)
    assert np.allclose(done.frame("equity").cash + value, done.equity)
    assert np.allclose(done.weights.sum(axis=1) * done.equity, value)
    assert set(np.unique(done.targets.to_numpy())) == {0.0, 0.9}
    trades = done.trades
    assert set(trades.symbol) == set(PAIR)
    assert trades.profit.sum() == pytest.approx(done.metrics["final_equity"] - 10_000.0)
    assert done.instruments.profit.sum() == pytest.approx(trades.profit.sum())
    assert done.instruments.fees.sum() == pytest.approx(done.metrics["fees"])
    assert done.to_dict()["digest"] == done.digest
    assert "causality certified" in repr(done)
    assert done.frame("trades", "polars").height == len(trades)


def test_the_same_call_gives_the_same_digest_and_a_file_that_of_its_function(
    lake: "tallow.Lake", tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    path.write_text("import pandas as pd\nSHARE = 0.5\ndef weights(frames):\n    return [[SHARE, SHARE]] * 480\n")
    options = {"timerange": RANGE, "lake": lake, "check": False, "fee": 0.0}
    first = tallow.portfolio(str(path), PAIR, **options)
    assert first.certificate is None
    assert "causality unproven" in repr(first)
    assert tallow.portfolio("equal_weight", PAIR, **options).digest == first.digest
    rule = tallow.portfolio("equal_weight", PAIR, rebalance=Calendar("weekly"), **options)
    assert rule.digest == tallow.portfolio("equal_weight", PAIR, rebalance="weekly", **options).digest != first.digest
    assert {rule.key, first.key} <= set(lake.results.list(100).key)


def test_a_leak_is_found(lake: "tallow.Lake") -> None:
    done = tallow.portfolio(foresight, PAIR, timerange=RANGE, lake=lake)
    assert done.certificate is not None
    assert done.certificate.verdict == "leaky"


def test_one_symbol_may_be_a_text(lake: "tallow.Lake") -> None:
    done = tallow.portfolio("equal_weight", "BTC/USDT", timerange=RANGE, lake=lake, check=False)
    assert done.run.symbols == ("BTC/USDT",)
    with pytest.raises(UserError, match="no frame of a portfolio"):
        done.frame("nothing")
