"""A clock that only moves when somebody sleeps, a small market, and pages put together."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import httpx2
import numpy as np
import pytest

from tallow.domain.ranges import TimeRange, parse_time
from tallow.domain.timeframes import HOUR, MINUTE
from tallow.venues.simulated.market import Halt, Market

START = parse_time("2024-12-27")
HALTS = (
    Halt(TimeRange(START + 30 * HOUR + 39 * MINUTE + 41_000_000, START + 34 * HOUR)),
    Halt(TimeRange(START + 60 * HOUR, START + 61 * HOUR), published=True),
)


@dataclass
class FakeClock:
    time: int
    slept: list[float] = field(default_factory=list)

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.time / 1e6

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.time += round(seconds * 1e6)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(parse_time("2025-02-01T12:00:20Z"))


@pytest.fixture(scope="session")
def market() -> Market:
    """Twelve days across the turn of the year, with an outage: spot and perpetual."""
    return Market(3, ["BTC/USDT", "ETH/USDT", "BTC/USDT:USDT"], START, 12, 1_500.0, HALTS)


@pytest.fixture
def at_end(market: Market) -> FakeClock:
    """A clock that stands a little after the market's end."""
    return FakeClock(market.span.end + 20_000_000)


@pytest.fixture(scope="session")
def joined() -> Callable[[Any], Any]:
    """Put the rows of pages together; None when there are none."""

    def join(pages: Any) -> Any:
        rows = [page.rows for page in pages]
        if not rows:
            return None
        kind = type(rows[0])
        return kind(*(np.concatenate([getattr(r, f.name) for r in rows]) for f in fields(kind)))

    return join


@pytest.fixture(scope="session")
def equal() -> Callable[[Any, Any], bool]:
    """Compare two sets of columns bit for bit, received times left out."""

    def compare(left: Any, right: Any) -> bool:
        names = [f.name for f in fields(left) if f.name != "received_time"]
        return all(np.array_equal(getattr(left, n), getattr(right, n)) for n in names)

    return compare


@pytest.fixture
def scripted() -> Callable[..., tuple[httpx2.MockTransport, list[httpx2.Request]]]:
    """Make a transport that gives prepared answers in order, the last one for ever, and keeps the requests."""

    def make(*answers: Any) -> tuple[httpx2.MockTransport, list[httpx2.Request]]:
        asked: list[httpx2.Request] = []

        def respond(request: httpx2.Request) -> httpx2.Response:
            answer = answers[min(len(asked), len(answers) - 1)]
            asked.append(request)
            if isinstance(answer, Exception):
                raise answer
            status, content, *headers = answer
            return httpx2.Response(status, content=content, headers=dict(headers))

        return httpx2.MockTransport(respond), asked

    return make
