"""The strategies of this folder are inputs, not tests; these are the bars they are checked on."""

import numpy as np
import pytest

from tallow.domain.columns import Bars
from tallow.domain.timeframes import HOUR
from tallow.runners.processes import Processes

collect_ignore_glob = ["leaky/*", "clean/*", "unknown/*"]


@pytest.fixture(scope="session")
def market() -> Bars:
    """1,500 seeded hourly bars from a Monday on: a random walk with a range and a volume."""
    draw, count = np.random.default_rng(7), 1_500
    close = 20_000 * np.exp(np.cumsum(draw.normal(0, 0.006, count)))
    opened = np.concatenate(([20_000], close[:-1]))
    high = np.maximum(opened, close) * np.exp(np.abs(draw.normal(0, 0.003, count)))
    low = np.minimum(opened, close) * np.exp(-np.abs(draw.normal(0, 0.003, count)))
    volume = np.exp(draw.normal(5, 0.6, count))
    time = 1_704_067_200_000_000 + np.arange(count) * HOUR
    share = draw.uniform(0.3, 0.7, count)
    return Bars.of(
        time,
        (opened, high, low, close, volume),
        quote_volume=volume * close,
        trades=np.floor(volume * 3),
        taker_buy_volume=volume * share,
        taker_buy_quote_volume=volume * share * close,
    )


@pytest.fixture(scope="session")
def processes():
    """One server of fresh processes for all checks."""
    with Processes() as server:
        yield server
