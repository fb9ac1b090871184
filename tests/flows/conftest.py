"""A lake under a clock that only moves when told, and pages as a parser would give them."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from tallow.core.strategies import buy_and_hold
from tallow.domain.columns import Bars, Floats, FundingRates, Ticks
from tallow.domain.holdout import Opening, Seal
from tallow.domain.market import parse_symbol
from tallow.domain.results import Filed, Result
from tallow.domain.scene import Scene, Value
from tallow.domain.timeframes import parse_timeframe
from tallow.domain.trials import Dataset
from tallow.flows.backtest import Desk
from tallow.flows.ingest import ingest
from tallow.flows.refine import refine
from tallow.ports import InstrumentRule, Lake, Page, Payload, Rejected, Strategy
from tallow.stores.lake import DeltaLake

DAY = 86_400_000_000
START = 1_704_067_200_000_000  # 2024-01-01
RECEIVED = START + 1_000 * DAY


class FakeClock:
    def __init__(self, now: int = RECEIVED) -> None:
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


@pytest.fixture(scope="session")
def new_lake(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], DeltaLake]:
    """One empty lake after the other, for property tests."""
    return lambda: DeltaLake(str(tmp_path_factory.mktemp("lake")), FakeClock())


def price(place: int) -> float:
    """A price that depends on the place alone."""
    return 100.0 + (place * 7 % 23)


@pytest.fixture(scope="session")
def candle_page() -> Callable[..., Page]:
    """Candles of the given intervals since 2024-01-01; the same intervals give the same prices."""

    def build(
        places: "list[int] | range",
        symbol: str = "BTC/USDT",
        timeframe: str = "1h",
        *,
        source: str = "a",
        received: int = RECEIVED,
        close: float | None = None,
        known: dict[str, float] | None = None,
        closes: "list[int] | None" = None,
        rejected: tuple[Rejected, ...] = (),
    ) -> Page:
        frame = parse_timeframe(timeframe)
        time = np.array([START + place * frame.microseconds for place in places], np.int64)
        first = np.array([price(place) for place in places])
        last = first + 1.0 if close is None else np.full(len(places), close)
        top, bottom = np.maximum(first, last) + 1.0, np.minimum(first, last) - 1.0
        extra = {name: np.full(len(places), value) for name, value in (known or {}).items()}
        bars = Bars.of(time, (first, top, bottom, last, np.full(len(places), 2.0)), **extra)
        content = repr((source, symbol, timeframe, list(places), close, known)).encode()
        payload = Payload(content, f"{source}.json", "test", received)
        stated = None if closes is None else np.array(closes, np.int64)
        return Page(payload, "candles", parse_symbol(symbol), bars, frame, stated, rejected)

    return build


@pytest.fixture(scope="session")
def trade_page() -> Callable[..., Page]:
    """One trade a second since 2024-01-01 for every id; the same id gives the same trade."""

    def build(
        ids: "list[int] | range", symbol: str = "BTC/USDT", *, source: str = "a", received: int = RECEIVED,
        numbered: bool = True, step: int = 1_000_000,
    ) -> Page:  # fmt: skip
        count = np.array(list(ids), np.int64)
        ticks = Ticks(
            count if numbered else np.full(len(count), -1, np.int64),
            START + count * step,
            np.full(len(count), received, np.int64),
            np.array([price(int(place)) for place in count]),
            np.ones(len(count)),
            count % 2 == 0,
        )
        payload = Payload(repr((source, symbol, list(ids))).encode(), f"{source}.json", "test", received)
        return Page(payload, "trades", parse_symbol(symbol), ticks)

    return build


@pytest.fixture
def funding_page() -> Callable[..., Page]:
    def build(hours: list[int], rate: float = 0.0001, *, source: str = "a", received: int = RECEIVED) -> Page:
        time = np.array([START + hour * DAY // 24 for hour in hours], np.int64)
        payload = Payload(repr((source, hours, rate)).encode(), f"{source}.json", "test", received)
        rows = FundingRates(time, np.full(len(hours), rate))
        return Page(payload, "funding", parse_symbol("BTC/USDT:USDT"), rows)

    return build


@pytest.fixture
def rules_page() -> Page:
    symbols = [parse_symbol(name) for name in ("BTC/USDT", "ETH/USDT")]
    rules = tuple(InstrumentRule(symbol, "TRADING", 0.01, 0.001, float("nan")) for symbol in symbols)
    return Page(Payload(b"rules", "rules.json", "test", RECEIVED), "instruments", symbols[0], rules)


@pytest.fixture
def versions() -> "Callable[[DeltaLake], dict[str, int | None]]":
    from tallow.domain.tables import TABLES

    return lambda lake: {table.full_name: lake.version(table) for table in TABLES}


def pages_until(pages: list[Page], error: BaseException) -> Iterator[Page]:
    """Give pages, then fail."""
    yield from pages
    raise error


@pytest.fixture
def failing() -> "Callable[[list[Page], BaseException], Iterator[Page]]":
    return pages_until


@dataclass(frozen=True)
class Hold:
    name: str = "hold"
    source: str = "hold everything"
    parameters: Mapping[str, Value] = field(default_factory=dict)

    def targets(self, bars: Bars) -> Floats:
        return buy_and_hold(bars)


class Shelf:
    """Records in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Result] = {}
        self.files: dict[str, Filed] = {}
        self.counted: dict[Dataset, dict[bytes, float]] = {}
        self.sealed: list[Seal] = []
        self.looks: list[Opening] = []

    def save(self, result: Result) -> None:
        self.kept[result.key] = copy.copy(result)

    def load(self, key: str) -> Result | None:
        return next((result for name, result in self.kept.items() if name.startswith(key)), None)

    def file(self, result: Filed) -> None:
        # As a database would give it back.
        self.files[result.key] = replace(result, body=json.loads(json.dumps(result.body, allow_nan=False)))

    def filed(self, key: str) -> Filed | None:
        return next((found for name, found in self.files.items() if name.startswith(key)), None)

    def remove(self, key: str) -> int:
        return int(self.kept.pop(key, None) is not None)

    def list(self, limit: int = 50) -> list[Mapping[str, object]]:
        return [{"key": key} for key in (*self.kept, *self.files)][:limit]

    def count_trials(self, dataset: Dataset, trials: Sequence[bytes], sharpes: Floats) -> None:
        known = self.counted.setdefault(dataset, {})
        for trial, ratio in zip(trials, (sharpes * dataset.per_year**0.5).tolist(), strict=True):
            known[trial] = ratio if ratio != ratio else known.get(trial, ratio)

    def trials(self, dataset: Dataset) -> tuple[int, Floats]:
        seen: dict[bytes, float] = {}
        for one, known in self.counted.items():
            if set(one.names) & set(dataset.names) and one.start < dataset.end and one.end > dataset.start:
                seen |= known
        return len(seen), np.array(list(seen.values()))

    def seal(self, seal: Seal) -> None:
        self.sealed.append(seal)

    def seals(self) -> tuple[Seal, ...]:
        return tuple(self.sealed)

    def begin_opening(self, opening: Opening) -> int:
        self.looks.append(replace(opening, number=len(self.looks)))
        return len(self.looks) - 1

    def finish_opening(self, number: int, key: str) -> None:
        self.looks[number] = replace(self.looks[number], key=key)

    def openings(self) -> tuple[Opening, ...]:
        return tuple(self.looks)


class Counter:
    """Evaluates a strategy and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, strategy: Strategy, bars: Bars, scene: Scene, funding: FundingRates | None) -> Floats:
        self.calls += 1
        return strategy.targets(bars)


@pytest.fixture
def filled(lake: Lake, candle_page: Callable[..., Page]) -> Lake:
    ingest([candle_page([*range(100), *range(104, 200)], symbol="BTC/USDT")], lake)
    refine(lake)
    return lake


@pytest.fixture
def desk(filled: Lake, clock: object) -> Desk:
    return Desk(filled, Shelf(), clock, Counter())  # type: ignore[arg-type]


@pytest.fixture
def scene() -> Scene:
    """Bitcoin by the hour, everything there is."""
    return Scene("hold", parse_symbol("BTC/USDT"), parse_timeframe("1h"))


@pytest.fixture
def hold() -> type[Hold]:
    """A strategy that holds everything; its source text can be changed."""
    return Hold
