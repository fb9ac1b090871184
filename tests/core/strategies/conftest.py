"""Bars of a random walk."""

import numpy as np
import pytest

from tallow.domain.columns import Bars


def make_bars(rows, seed=1, close=None):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, rows))) if close is None else np.array(close, np.float64)
    high, low = close * (1 + rng.exponential(0.004, len(close))), close * (1 - rng.exponential(0.004, len(close)))
    volume = rng.exponential(10, len(close))
    return Bars.of(np.arange(len(close)) * 3_600_000_000, (close, high, low, close, volume))


@pytest.fixture
def walk():
    """A function (rows, seed, close) that gives bars."""
    return make_bars
