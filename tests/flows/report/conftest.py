"""A seeded market and results on it, for every test of the report."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tallow.core.metrics import summary
from tallow.domain.columns import Bars
from tallow.domain.market import Instrument
from tallow.domain.results import FillLog, Result, Run, TradeLog
from tallow.domain.scene import Scene
from tallow.domain.timeframes import parse_timeframe

START = 1_704_067_200_000_000  # 2024-01-01


def make_bars(count: int, *, timeframe: str = "1h", seed: int = 7, price: float = 42_000.0) -> Bars:
    """Draw prices on a grid of 0.01 with changing volatility."""
    draw = np.random.default_rng(seed)
    calm = np.exp(np.convolve(draw.normal(0, 0.25, count), np.ones(48) / 7)[:count]) if count else np.zeros(0)
    close = price * np.exp(np.cumsum(draw.standard_t(5, count) * 0.0042 * calm + 0.00002))
    opened = np.concatenate([[price], close[:-1]])[:count]
    reach = np.abs(draw.normal(0, 0.0025, (2, count))) * calm
    high, low = np.maximum(opened, close) * (1 + reach[0]), np.minimum(opened, close) * (1 - reach[1])
    time = START + np.arange(count, dtype=np.int64) * parse_timeframe(timeframe).microseconds
    volume = np.round(draw.gamma(2.0, 400.0, count) * calm, 3)
    return Bars.of(time, (opened.round(2), high.round(2), low.round(2), close.round(2), volume))


def make_run(bars: Bars, *, every: int = 29, held: int = 17, cash: float = 10_000.0, last_open: bool = False) -> Run:
    """Buy with everything `every` bars and sell `held` bars later, at opens, with 0.1 % of fees."""
    entries = np.arange(1, max(1, len(bars) - held), every)
    exits = np.minimum(entries + held, len(bars) - 1)
    equity, position = np.full(len(bars), cash), np.zeros(len(bars))
    fees, quantities, money = np.zeros(len(entries)), np.zeros(len(entries)), cash
    profits, after = np.zeros(len(entries)), 0
    for i, (entry, leave) in enumerate(zip(entries, exits, strict=True)):
        equity[after:entry] = money
        quantities[i] = money * 0.998 / bars.open[entry]
        fees[i] = 0.001 * quantities[i] * (bars.open[entry] + bars.open[leave])
        profits[i] = quantities[i] * (bars.open[leave] - bars.open[entry]) - fees[i]
        equity[entry:leave] = money - fees[i] / 2 + quantities[i] * (bars.close[entry:leave] - bars.open[entry])
        position[entry:leave] = quantities[i]
        money, after = money + profits[i], leave
    equity[after:] = money
    reason = np.zeros(len(entries), np.int64)
    if last_open and len(reason):
        reason[-1] = 5
    entry_price, exit_price = bars.open[entries], bars.open[exits]
    trades = TradeLog(
        entries, exits, bars.time[entries], bars.time[exits], np.ones(len(entries), np.int64), quantities, entry_price,
        exit_price, fees, fees * 0.2, fees * 0.0, profits, profits / (quantities * entry_price) * 100, reason,
    )  # fmt: skip
    rows = np.ravel(np.column_stack([entries, exits]))[: -1 if last_open else None]
    signs = np.ravel(np.column_stack([quantities, -quantities]))[: len(rows)]
    paid = np.abs(signs) * bars.open[rows] * 0.001
    fills = FillLog(rows, bars.time[rows], signs, bars.open[rows], paid, paid * 0.2, np.zeros(len(rows), np.int64))
    return Run(bars.time, equity, position, np.sign(position), fills, trades, 2, 1)


def make_result(bars: Bars, run: Run | None = None, **changes: object) -> Result:
    """Wrap a run with its metrics."""
    run = run or make_run(bars)
    scene = Scene(
        "moving_average", Instrument("simulated", "BTC", "USDT"), parse_timeframe("1h"), {"fast": 10, "slow": 30}
    )
    known = summary(run, bars, scene.timeframe, scene.execution, scene.cash)
    result = Result(
        key="4f" * 32, digest=run.digest(), scene=scene,
        strategy_source="def signals(bars):\n    return bars.close > 1\n",
        strategy_hash="ab" * 32, engine_version="1", table_versions={"gold.candles": 12}, origin="simulated",
        data_digest="cd" * 32,
        bars_origin="native", metrics=known, run=run,
    )  # fmt: skip
    return replace(result, **changes)


@pytest.fixture(scope="session")
def bars() -> Bars:
    """A year of hourly bars."""
    return make_bars(8_760)


@pytest.fixture(scope="session")
def result(bars: Bars) -> Result:
    """A year with some 300 trades."""
    return make_result(bars)


@pytest.fixture(scope="session")
def few_bars() -> Callable[..., Bars]:
    """Make bars of any number."""
    return make_bars


@pytest.fixture(scope="session")
def result_of() -> Callable[..., Result]:
    """Make a result on bars."""
    return make_result


@pytest.fixture(scope="session")
def run_of() -> Callable[..., Run]:
    """Make a run on bars."""
    return make_run
