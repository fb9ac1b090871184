import textwrap

import numpy as np
import pytest

from tallow.domain.columns import Bars
from tallow.domain.timeframes import HOUR


@pytest.fixture
def bars() -> Bars:
    """200 seeded hourly bars."""
    draw, count = np.random.default_rng(5), 200
    close = 50 * np.exp(np.cumsum(draw.normal(0, 0.01, count)))
    opened = np.concatenate(([50.0], close[:-1]))
    high, low = np.maximum(opened, close) * 1.003, np.minimum(opened, close) * 0.997
    return Bars.of(np.arange(count) * HOUR, (opened, high, low, close, draw.uniform(1, 9, count)))


@pytest.fixture
def write(tmp_path):
    """Write a strategy file and give its path as text."""

    def written(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return str(path)

    return written
