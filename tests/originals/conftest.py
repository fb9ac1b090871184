"""Mistakes of published trading systems, made again: the strategies of this folder are inputs, not tests."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tallow
from tallow.domain.columns import Bars
from tallow.runners.frames import to_frame

STRATEGIES = Path(__file__).parent / "strategies"
collect_ignore_glob = ["strategies/*"]


@pytest.fixture(scope="session")
def market() -> Callable[..., Bars]:
    """Seeded bars of a given length in seconds: a random walk with a range and a volume."""

    def made(count: int = 600, seconds: int = 3_600, seed: int = 7) -> Bars:
        draw = np.random.default_rng(seed)
        close = 20_000 * np.exp(np.cumsum(draw.normal(0, 0.006, count)))
        opened = np.concatenate(([20_000], close[:-1]))
        high = np.maximum(opened, close) * np.exp(np.abs(draw.normal(0, 0.003, count)))
        low = np.minimum(opened, close) * np.exp(-np.abs(draw.normal(0, 0.003, count)))
        time = 1_704_067_200_000_000 + np.arange(count) * seconds * 1_000_000
        return Bars.of(time, (opened, high, low, close, np.exp(draw.normal(5, 0.6, count))))

    return made


@pytest.fixture
def lake(tmp_path: Path) -> "tallow.Lake":
    """An empty lake."""
    return tallow.open(str(tmp_path / "lake"))


@pytest.fixture
def checked(market: Callable[..., Bars], lake: "tallow.Lake") -> Callable[..., "tallow.Check"]:
    """Check a strategy of this folder on bars."""

    def check(name: str, frame: pd.DataFrame | None = None) -> "tallow.Check":
        data = to_frame(market()) if frame is None else frame
        return tallow.check(str(STRATEGIES / f"{name}.py"), data=data, timeframe="1h", lake=lake)

    return check


@pytest.fixture
def strategies() -> Path:
    """The folder of the strategies."""
    return STRATEGIES
