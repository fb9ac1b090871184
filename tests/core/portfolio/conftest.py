from collections.abc import Callable

import numpy as np
import pytest

from tallow.domain.columns import Bars
from tallow.domain.timeframes import HOUR


@pytest.fixture
def candles() -> Callable[..., Bars]:
    """Make hourly bars from rows of open, high, low, close and perhaps volume, at the given hours."""

    def make(rows, hours=None):
        table = np.array([(*row, 1_000.0) if len(row) == 4 else row for row in rows], float).reshape(len(rows), 5)
        return Bars.of(np.array(range(len(rows)) if hours is None else hours) * HOUR, tuple(table.T))

    return make


@pytest.fixture
def still(candles) -> Callable[..., Bars]:
    """Make hourly bars that stand still at each of the given prices."""
    return lambda prices, hours=None: candles([(price,) * 4 for price in prices], hours)
