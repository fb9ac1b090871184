from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tallow
from tallow.domain.errors import UserError

RANGE = "2024-01-01..2024-02-01"
LEVEL = 0.5


def trend(bars: pd.DataFrame, *, fast: int = 10, slow: int = 30) -> pd.Series:
    return (bars.close.rolling(fast).mean() > bars.close.rolling(slow).mean()).astype(int) * LEVEL


def cheat(bars: pd.DataFrame) -> pd.Series:
    return (bars.close.shift(-1) > bars.close).astype(int)


class Cross(tallow.Strategy):
    fast = tallow.Int(10, 2, 50)
    slow = tallow.Int(30, 5, 200)

    def init(self) -> None:
        self.quick = self.indicator(tallow.indicators.sma, self.bars.close, self.fast)
        self.calm = self.indicator(tallow.indicators.sma, self.bars.close, self.slow)

    def next(self) -> None:
        self.target = 0.5 if self.quick[-1] > self.calm[-1] else 0.0


@pytest.fixture
def lake(own_lake: Path) -> "tallow.Lake":
    return tallow.open(str(own_lake))


def test_a_function_and_a_class_of_the_same_rule_agree(lake: "tallow.Lake") -> None:
    function = tallow.backtest(trend, timerange=RANGE, lake=lake, check=False)
    strategy = tallow.backtest(Cross, timerange=RANGE, lake=lake, check=False)
    assert function.metrics["trades"] == strategy.metrics["trades"]
    assert function.metrics["return_pct"] == pytest.approx(strategy.metrics["return_pct"])
    assert strategy.replay().equal
    assert function.replay().equal


def test_parameters_reach_function_and_class(lake: "tallow.Lake") -> None:
    plain = tallow.backtest(trend, timerange=RANGE, lake=lake, check=False)
    other = tallow.backtest(trend, timerange=RANGE, lake=lake, check=False, params={"fast": 5})
    same = tallow.backtest(Cross, timerange=RANGE, lake=lake, check=False, params={"fast": 5})
    assert plain.metrics["trades"] != other.metrics["trades"]
    assert same.metrics["trades"] == other.metrics["trades"]
    with pytest.raises(UserError, match="BAD_PARAMETER"):
        tallow.backtest(Cross, timerange=RANGE, lake=lake, check=False, params={"fast": 99})


def test_checks_tell_clean_from_leaky(lake: "tallow.Lake") -> None:
    clean = tallow.check(trend, timerange=RANGE, lake=lake)
    assert clean
    assert clean.startup is not None
    assert "start-up: On the rows watched nothing changes once" in repr(clean)
    found = tallow.check(cheat, timerange=RANGE, lake=lake)
    assert not found
    assert found.verdict == "leaky"
    assert "shift(-1)" in repr(found)


def test_own_data_needs_no_lake(tmp_path: Path) -> None:
    index = pd.date_range("2024-01-01", periods=500, freq="1h", tz="UTC")
    close = 100 + np.sin(np.arange(500) / 20) * 10
    data = pd.DataFrame(
        {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 1.0}, index=index
    )
    empty = tallow.open(str(tmp_path / "none"))
    result = tallow.backtest(trend, data=data, lake=empty)
    assert result.check is not None
    assert result.check.verdict == "certified"
    assert result.replay().equal
    assert "<" in result._repr_html_()
    leaky = tallow.check(cheat, data=data, lake=empty)
    assert not leaky
    assert leaky.startup is not None


def test_the_cache_answers_with_the_same_result(lake: "tallow.Lake") -> None:
    first = tallow.backtest("rsi", timerange=RANGE, lake=lake, check=False)
    again = tallow.backtest("rsi", timerange=RANGE, lake=lake, check=False)
    assert (first.key, first.digest, first.to_dict()) == (again.key, again.digest, again.to_dict())


def test_rules_of_the_venue_reach_function_and_class(lake: "tallow.Lake", tmp_path: Path) -> None:
    (tmp_path / "rules.csv").write_text("valid_from,lot_size\n2024-01-01,0.001\n2024-01-15,5\n")
    ruled = {"timerange": RANGE, "lake": lake, "check": False, "venue_rules": str(tmp_path / "rules.csv")}
    function, strategy = tallow.backtest(trend, **ruled), tallow.backtest(Cross, **ruled)
    assert function.digest == strategy.digest != tallow.backtest(trend, timerange=RANGE, lake=lake, check=False).digest
    assert function.replay().equal
    assert strategy.replay().equal
    swept = tallow.sweep(trend, {"fast": [5, 10]}, **ruled)
    assert swept.table["final_equity"][1] == function.metrics["final_equity"]
    checked = tallow.check(trend, timerange=RANGE, lake=lake, venue_rules=ruled["venue_rules"])
    assert checked.verdict == "certified"
    with pytest.raises(UserError, match="no trading rules"):
        tallow.backtest(trend, lake=lake, venue_rules=True)


def test_a_label_is_certified_within_its_horizon(lake: "tallow.Lake") -> None:
    options = {"timerange": "2024-01-01..2024-01-20", "lake": lake}
    held = tallow.check_label(cheat, 1, **options)
    assert (bool(held), held.startup) == (True, None)
    short = tallow.check_label(cheat, "0", **options)
    assert (short.verdict, short.certificate.findings[0].kind) == ("leaky", "beyond its horizon: reads the next bars")
    candles = lake.ohlcv("BTC/USDT", "1h", timerange=RANGE)[["open", "high", "low", "close", "volume"]]
    assert tallow.check_label(cheat, "1h", timeframe="1h", data=candles)
    with pytest.raises(UserError, match="is no whole number of 1h bars"):
        tallow.check_label(cheat, "90m", **options)
