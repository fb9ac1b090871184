from typing import Any

import numpy as np
import pytest

from tallow.core.engine import prepare, run, summarize
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.errors import DataError, UserError
from tallow.domain.fill_rules import Terms
from tallow.domain.scene import Execution
from tallow.domain.timeframes import HOUR, parse_timeframe
from tallow.domain.venue_rules import RuleBook, VenueRules
from tallow.runners.adapters import Setting
from tallow.runners.batches import Ground, Inline, evaluate
from tallow.runners.inline import Conditions, load, under

MINE = """
def signals(bars, *, window=5, level=1.0, kind="up"):
    if window == 13:
        raise ValueError("unlucky")
    above = bars.close > bars.close.rolling(window).mean() * level
    return (above if kind == "up" else ~above).astype(float)
"""
CLASS = """
import tallow

class Mine(tallow.Strategy):
    window = tallow.Int(5, 2, 50)

    def init(self):
        self.line = self.indicator(tallow.indicators.sma, self.bars.close, self.window)

    def next(self):
        self.target = 1.0 if self.bars.close[-1] > self.line[-1] else 0.0
"""
NAMES = ("kind", "level", "window")


@pytest.mark.parametrize(("text", "names"), [(MINE, NAMES), (CLASS, ("window",))])
def test_every_combination_gives_what_it_gives_alone(bars: Bars, write: object, text: str, names: tuple[str]) -> None:
    path = write(text)  # type: ignore[operator]
    rows = [tuple({"window": window, "level": 1.0, "kind": "up"}[name] for name in names) for window in (3, 5, 8)]
    ground = Ground(bars, Execution(), 1_000.0)
    found = evaluate(ground, load(path), names, rows)
    for place, row in enumerate(rows):
        strategy = load(path, dict(zip(names, row, strict=True)))
        targets = Inline(strategy, ground).variant(strategy.parameters).targets(bars)
        alone = summarize(prepare(bars), targets, Execution(), cash=1_000.0, periods_per_year=1.0)
        assert {name: column[place] for name, column in found.columns.items()} == alone._asdict()
    assert found.failed == {}
    assert len(set(found.columns["turnover"].tolist())) == 3


def test_a_combination_that_raises_does_not_stop_the_others(bars: Bars, write: object) -> None:
    strategy = load(write(MINE))  # type: ignore[operator]
    begun: list[int] = []
    rows = [("up", 1.0, 5), ("up", 1.0, 13), ("down", 1.0, 5)]
    found = evaluate(Ground(bars, Execution(), 1_000.0), strategy, NAMES, rows, begin=begun.append)
    assert sorted(begun) == [0, 1, 2]
    assert list(found.failed) == [1]
    assert found.failed[1].startswith("STRATEGY_FAILED: ")
    assert "unlucky" in found.failed[1]
    assert np.isnan([column[1] for column in found.columns.values()]).all()
    assert not np.isnan(found.columns["final_equity"][[0, 2]]).any()


def test_a_stretch_of_the_bars_is_all_that_is_seen(bars: Bars) -> None:
    funding = FundingRates(bars.time[::8].copy(), np.full(len(bars.time[::8]), 0.001))
    ground = Ground(bars, Execution(), 1_000.0, funding)
    found = evaluate(ground, load("sma_cross"), ("fast", "short", "slow"), [(2, False, 5)], slice(50, 150))
    part = bars[50:150]
    targets = load("sma_cross", {"fast": 2, "slow": 5}).targets(part)
    inside = (funding.time >= part.time[0]) & (funding.time < part.time[-1] + HOUR)
    paid = FundingRates(funding.time[inside], funding.rate[inside])
    done = run(part, targets, Execution(), cash=1_000.0, funding=paid)
    assert found.columns["final_equity"][0] == done.equity[-1]
    assert found.columns["funding"][0] != 0.0


def test_bad_bars_are_refused_as_a_whole(bars: Bars) -> None:
    bars.close[7] = np.nan
    with pytest.raises(DataError, match="BAD_BARS"):
        evaluate(Ground(bars, Execution(), 1_000.0), load("buy_and_hold"), (), [()])


def test_values_are_settled_as_the_strategy_declares_them(bars: Bars, write: object) -> None:
    inline = Inline(load(write(MINE)), Ground(bars, Execution(), 1_000.0))  # type: ignore[operator]
    assert inline.settle("window", (3, 4.0, "5")) == (3, 4, 5)
    assert inline.settle("level", (1, "0.5")) == (1.0, 0.5)
    assert Inline(load("sma_cross"), inline.ground).settle("short", ("true", False)) == (True, False)
    with pytest.raises(UserError, match="BAD_PARAMETER"):
        inline.settle("window", (2.5,))
    with pytest.raises(UserError, match="UNKNOWN_PARAMETER"):
        inline.settle("windw", (2,))
    decided = Inline(load(write(CLASS, "other.py")), inline.ground)  # type: ignore[operator]
    with pytest.raises(UserError, match="BAD_PARAMETER"):
        decided.settle("window", (51,))


LINES = """
from tallow.core.indicators import sma

def signals(bars, *, fast=3, slow=9, spoil=False):
    close = bars["close"].to_numpy()
    line = sma(close, fast)
    if spoil:
        line[:50] = 0.0
    return line > sma(close, window=slow)
"""


def test_lines_are_shared_and_numbers_are_those_of_each_alone(
    bars: Bars, write: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallow.runners.frames._LONG", 0)
    path, names = write(LINES), ("fast", "slow", "spoil")  # type: ignore[operator]
    rows = [(fast, slow, spoil) for fast in (2, 3) for slow in (7, 9, 12) for spoil in (False, True)]
    ground = Ground(bars, Execution(), 1_000.0)
    found = evaluate(ground, load(path), names, rows)
    # Five windows over one column; those of a strategy that changes its lines are computed again, for it alone.
    assert ground.store(slice(None)).computed == 5
    assert found.failed == {}
    for place, row in enumerate(rows):
        targets = load(path, dict(zip(names, row, strict=True))).targets(bars)
        alone = summarize(prepare(bars), targets, Execution(), cash=1_000.0, periods_per_year=1.0)
        assert {name: column[place] for name, column in found.columns.items()} == alone._asdict()


@pytest.mark.parametrize("name", ["sma_cross", "ema_cross"])
def test_crossings_have_the_numbers_of_the_built_in_rule(bars: Bars, name: str) -> None:
    names = ("fast", "slow", "short")
    rows = [(2, 7, False), (9, 3, False), (3, 9, True), (3, 9, False)]
    for execution in (Execution(allow_short=True), Execution()):
        found = evaluate(Ground(bars, execution, 1_000.0), load(name), names, rows)
        assert found.failed[1].startswith("BAD_PARAMETER")
        for place in (0, 3):
            rule = load(name, dict(zip(names, rows[place], strict=True)))
            alone = summarize(prepare(bars), rule.targets(bars), execution, cash=1_000.0, periods_per_year=1.0)
            assert {key: column[place] for key, column in found.columns.items()} == alone._asdict()


@pytest.mark.parametrize("strategy", ["sma_cross", CLASS])
def test_combinations_trade_under_rules_that_change(bars: Bars, write: Any, strategy: str) -> None:
    rules = RuleBook((VenueRules(0, tick_size=0.5), VenueRules(int(bars.time[70]), lot_size=2.0)))
    path = strategy if strategy == "sma_cross" else write(strategy)
    names, rows = (("fast", "slow", "short"), [(2, 7, False)]) if strategy == "sma_cross" else (("window",), [(5,)])
    found = evaluate(Ground(bars, Execution(), 1_000.0, terms=Terms(rules)), load(path), names, rows)
    given = Conditions(Execution(), 1_000.0, terms=Terms(rules))
    targets = under(load(path, dict(zip(names, rows[0], strict=True))), given).targets(bars)
    alone = run(bars, targets, Execution(), cash=1_000.0, rules=rules)
    assert found.columns["final_equity"].tolist() == [alone.equity[-1]]
    assert found.columns["final_equity"] != run(bars, targets, Execution(), cash=1_000.0).equity[-1]


PAIR = """
from tallow.adapters.freqtrade import IStrategy

class Mine(IStrategy):
    window = 3

    def populate_entry_trend(self, dataframe, metadata):
        rising = dataframe["close"].diff(self.window) > 0
        dataframe["enter_long"] = (rising & (metadata["pair"] == "BTC/USDT")).astype(int)
        dataframe["exit_long"] = (~rising).astype(int)
        return dataframe
"""


def test_combinations_are_told_timeframe_and_instrument(bars: Bars, write: object) -> None:
    path, rows = write(PAIR), [(2,), (5,)]  # type: ignore[operator]
    told = Ground(bars, Execution(), 1_000.0, setting=Setting(parse_timeframe("1h"), "BTC/USDT"))
    assert (evaluate(told, load(path), ("window",), rows).columns["trades"] > 3).all()
    assert (evaluate(Ground(bars, Execution(), 1_000.0), load(path), ("window",), rows).columns["trades"] == 0).all()


@pytest.mark.parametrize("rule", ["sma_cross", MINE])
def test_combinations_that_decide_on_coarser_candles_give_what_each_gives_alone(
    bars: Bars, write: object, rule: str
) -> None:
    path = rule if rule == "sma_cross" else write(rule)  # type: ignore[operator]
    names = ("decide-on", "fast", "short", "slow") if rule == "sma_cross" else ("decide-on", *NAMES)
    rows = [("4h", 2, False, 5), ("4h", 3, False, 6)] if rule == "sma_cross" else [("4h", "up", 1.0, 3)]
    found = evaluate(Ground(bars, Execution(), 1_000.0), load(path), names, rows)
    assert found.failed == {}
    for place, row in enumerate(rows):
        targets = load(path, dict(zip(names, row, strict=True))).targets(bars)
        alone = summarize(prepare(bars), targets, Execution(), cash=1_000.0, periods_per_year=1.0)
        assert {name: column[place] for name, column in found.columns.items()} == alone._asdict()
        plain = load(path, dict(zip(names[1:], row[1:], strict=True))).targets(bars)
        assert not np.array_equal(np.asarray(plain, float), targets, equal_nan=True)
