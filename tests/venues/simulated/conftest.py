"""A clock that only moves when somebody sleeps, and a small market with outages."""

from dataclasses import dataclass

import pytest

from tallow.domain.ranges import parse_time
from tallow.venues.simulated.market import Market, usual_halts

START = parse_time("2024-12-27")


@dataclass
class FakeClock:
    time: int

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.time / 1e6

    def sleep(self, seconds: float) -> None:
        self.time += round(seconds * 1e6)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(parse_time("2025-02-01T12:00:20Z"))


@pytest.fixture(scope="session")
def market() -> Market:
    """Twelve days across the turn of the year: two pairs, one also as perpetual, three outages."""
    return Market(3, ["BTC/USDT", "ETH/USDT", "BTC/USDT:USDT"], START, 12, 1_500.0, usual_halts(START, 12))


@pytest.fixture(scope="session")
def quarter() -> Market:
    """Ninety days of a busy pair and a quiet one."""
    return Market(11, ["BTC/USDT", "ETH/USDT"], "2024-01-01", 90, 4_000.0)
