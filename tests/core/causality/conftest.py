import numpy as np
import pytest

from tallow.domain.columns import Bars
from tallow.domain.timeframes import HOUR


@pytest.fixture
def bars() -> Bars:
    """300 seeded hourly bars whose taker columns are unknown."""
    draw, count = np.random.default_rng(3), 300
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.01, count)))
    opened = np.concatenate(([100.0], close[:-1]))
    high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    volume = draw.uniform(1, 2, count)
    time = np.arange(count) * HOUR
    return Bars.of(time, (opened, high, low, close, volume), quote_volume=volume * close, trades=volume * 10)
