"""Weights written out in the test, and two instruments to apply them to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from tallow.core.portfolio import close_table, momentum
from tallow.core.portfolio.panel import align
from tallow.domain.columns import Bars, Floats
from tallow.domain.market import parse_symbol
from tallow.domain.scene import Execution, Scene, Value
from tallow.domain.timeframes import Timeframe, parse_timeframe
from tallow.flows.backtest import Desk
from tallow.flows.ingest import ingest
from tallow.flows.portfolio import Book
from tallow.flows.refine import refine
from tallow.ports import Page


@dataclass(frozen=True)
class Rising:
    """Half of the account in what rose most; counts its calls."""

    name: str = "rising"
    source: str = "half in what rose most"
    file: str = "rising.py"
    parameters: Mapping[str, Value] = field(default_factory=lambda: {"window": 5})
    calls: list[int] = field(default_factory=list, compare=False)

    def with_clock_moved(self) -> "tuple[Rising, ...]":
        return ()

    def weigh(self, bars: Mapping[str, Bars], timeframe: Timeframe) -> Floats:
        self.calls.append(1)
        return 0.5 * momentum(
            close_table(align(bars, timeframe=timeframe)), window=int(self.parameters["window"]), top=1
        )


@pytest.fixture
def rising() -> type[Rising]:
    return Rising


@pytest.fixture
def pair(desk: Desk, candle_page: Callable[..., Page]) -> tuple[Scene, ...]:
    """Bitcoin with a hole of four hours, and an Ether of other prices."""
    page = candle_page(range(0, 200), symbol="ETH/USDT", source="e")
    ingest([page], desk.lake)
    refine(desk.lake)
    symbols = (parse_symbol("BTC/USDT"), parse_symbol("ETH/USDT"))
    return tuple(Scene("rising", one, parse_timeframe("1h"), {"window": 5}, execution=Execution()) for one in symbols)


@pytest.fixture
def book() -> Callable[..., Book]:
    def build(weights: Rising | None = None, **rules: object) -> Book:
        from tallow.core.portfolio import AccountRules

        return Book(["BTC/USDT", "ETH/USDT"], weights or Rising(), AccountRules(**rules))  # type: ignore[arg-type]

    return build


@pytest.fixture
def noise() -> Callable[[int], Floats]:
    return lambda seed: 100.0 * np.cumprod(1.0 + np.random.default_rng(seed).normal(0.0, 0.01, 400))
