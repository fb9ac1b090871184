"""The page for users of other frameworks: its blocks are strategies, they run, and they are one rule."""

import re
from pathlib import Path

import numpy as np
import pytest

from tallow.core.strategies import BUILT_IN
from tallow.domain.columns import Bars
from tallow.domain.sent import Sent
from tallow.domain.timeframes import HOUR, parse_timeframe
from tallow.runners import adapters
from tallow.runners.adapters import Setting, backtesting, freqtrade
from tallow.runners.inline import Conditions, load, under

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "adapters.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL)
WITH_ORDERS = "backtesting_bids.py"


@pytest.fixture(scope="module")
def bars() -> Bars:
    """500 hourly bars that begin with a fall, so that the first crossing is upwards."""
    draw, count = np.random.default_rng(3), 500
    steps = draw.normal(0, 0.01, count)
    steps[:40] -= 0.01
    close = 50 * np.exp(np.cumsum(steps))
    return Bars.of(np.arange(count) * HOUR, (close, close * 1.001, close * 0.999, close, np.ones(count)))


def test_every_block_of_the_page_is_a_strategy() -> None:
    assert len(BLOCKS) == PAGE.count("```python") == 5


def test_the_block_with_orders_sends_them(tmp_path: Path, bars: Bars) -> None:
    [(name, text)] = [block for block in BLOCKS if block[0] == WITH_ORDERS]
    (tmp_path / name).write_text(text, encoding="utf-8")
    sent = load(str(tmp_path / name)).targets(bars)
    assert isinstance(sent, Sent)
    words = sent.words(int(sent.row[0]))
    assert re.fullmatch(r"buy [\d.]+ limit [\d.]+; sell [\d.]+ stop [\d.]+ .*; sell [\d.]+ limit [\d.]+ .*", words), (
        words
    )
    assert (sent.column("cancels") > 0).any()


@pytest.mark.parametrize(("name", "text"), [block for block in BLOCKS if block[0] != WITH_ORDERS])
def test_each_block_gives_the_targets_of_the_built_in_rule(tmp_path: Path, bars: Bars, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    strategy = under(load(str(tmp_path / name)), Conditions(setting=Setting(parse_timeframe("1h"), "BTC/USDT")))
    assert dict(strategy.parameters) == {"fast": 10, "slow": 30}
    found = np.asarray(strategy.targets(bars), np.float64)
    # NaN keeps the last target, and before the first it is 0.
    places = np.maximum.accumulate(np.where(np.isnan(found), -1, np.arange(len(found))))
    held = np.where(places < 0, 0.0, found[places])
    expected = BUILT_IN["sma_cross"](bars, fast=10, slow=30)
    assert np.array_equal(held, np.asarray(expected, np.float64))
    assert np.count_nonzero(np.diff(held)) > 10


def table(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_page_names_what_is_refused_and_what_is_there() -> None:
    text = table("freqtrade")
    for name in ("custom_stoploss", "custom_exit", "leverage", "informative_pairs"):
        assert name in freqtrade._CALLBACKS
        assert name in text
    text = table("backtesting.py")
    assert [
        name for name in (*backtesting._ABSENT, "crossover", "cross", "sl", "tp", "limit") if name not in text
    ] == []
    for name in ("size", "is_long", "is_short", "pl", "pl_pct", "close"):
        assert name in text
        assert hasattr(backtesting.Position, name)


def test_options_that_a_class_sets_are_those_of_the_page() -> None:
    full = type(
        "Full",
        (freqtrade.IStrategy,),
        {"timeframe": "5m", "stoploss": -0.1, "minimal_roi": {"0": 0.04}, "can_short": True},
    )
    trailing = type("Trailing", (freqtrade.IStrategy,), {"stoploss": -0.1, "trailing_stop": True})
    options = {**adapters.declared(full), **adapters.declared(trailing)}
    assert set(options) == {"timeframe", "stop_loss", "take_profit", "short", "trailing_stop"}
    for option in set(options) - {"timeframe"}:
        assert f"--{option.replace('_', '-')}" in table("freqtrade")
