"""A lake in a temporary folder under a clock that only moves when told."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tallow.ports import Origin
from tallow.stores.lake import DeltaLake

HOUR = 3_600_000_000


class FakeClock:
    def __init__(self, now: int = 1_700_000_000_000_000) -> None:
        self.time = now

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.time / 1e6

    def sleep(self, seconds: float) -> None:
        self.time += int(seconds * 1e6)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lake(tmp_path: Path, clock: FakeClock) -> DeltaLake:
    return DeltaLake(str(tmp_path / "lake"), clock)


@pytest.fixture
def origin() -> Origin:
    return Origin("test", {"raw.payloads": 1})


@pytest.fixture
def candles() -> Callable[..., pl.DataFrame]:
    """Rows of silver.candles at the given hours."""

    def build(hours: "list[int] | range", symbol: str = "BTC/USDT", close: float = 10.0) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "venue": ["binance"] * len(hours),
                "symbol": [symbol] * len(hours),
                "timeframe": ["1h"] * len(hours),
                "time": pl.Series([hour * HOUR for hour in hours], dtype=pl.Int64).cast(pl.Datetime("us", "UTC")),
                "open": [10.0] * len(hours),
                "close": [close] * len(hours),
                "quote_volume": [float("nan")] * len(hours),
                "payload": ["a"] * len(hours),
            }
        )

    return build
