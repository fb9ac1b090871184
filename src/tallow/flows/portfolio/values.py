"""What a portfolio is made of, and what it leaves behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol

from tallow.core.portfolio import AccountRules, PortfolioRun
from tallow.domain.columns import Bars, Floats
from tallow.domain.evidence import Certificate, Incident, Rung
from tallow.domain.portfolio import PortfolioScene
from tallow.domain.scene import Scene, Value
from tallow.domain.timeframes import Timeframe


class Weights(Protocol):
    """Code that maps the bars of several symbols to weights; imported anew for every call."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def source(self) -> str:
        """Text that decides its output."""
        ...

    @property
    def file(self) -> str:
        """Path that findings name."""
        ...

    @property
    def parameters(self) -> Mapping[str, Value]:
        """Every parameter with its value."""
        ...

    def weigh(self, bars: Mapping[str, Bars], timeframe: Timeframe) -> Floats:
        """Give one row a time of the union of all times, one column a symbol; NaN keeps the last weight."""
        ...

    def with_clock_moved(self) -> "Sequence[Weights]":
        """Give the same with every reading of the wall clock moved; none where there is none."""
        ...


@dataclass(frozen=True)
class Book:
    """A portfolio: symbols in the order of the columns of weights, what decides, and the rules of the account."""

    symbols: Sequence[str]
    weights: Weights
    rules: AccountRules = field(default_factory=AccountRules)


@dataclass(frozen=True)
class Instrument:
    """What one instrument of a portfolio did.

    Attributes:
        versions: table -> version that was read.
        data_digest: sha256 of its bars and funding rates.
        bars_origin: ``native``, ``trades`` or the timeframe they were resampled from.
        profit: what it added to the account, quote units, fees and funding included.
        trades: closed round trips.
        exposure_pct: rows at whose close it was held, percent.
        stale_marks: rows at which it was held and had no bar.
    """

    symbol: str
    scene: Scene
    versions: Mapping[str, int]
    data_digest: str
    bars_origin: str
    bars: int
    profit: float
    trades: int
    open_trades: int
    fees: float
    exposure_pct: float
    stale_marks: int
    incidents: tuple[Incident, ...]


@dataclass(frozen=True)
class PortfolioResult:
    """A portfolio as it was carried out, with everything needed to trust and to repeat it.

    Attributes:
        key: content key of scene, table versions, data, source of the weights and engine version.
        digest: sha256 of every number of the run; a replay must give the same.
        source: text of the weights.
        certificate: of the weights; None means unproven.
        score: plain values of the `HonestScore` made when the result was; None means not scored.
        ladder: the same weights under other executions and costs.
    """

    key: str
    digest: str
    scene: PortfolioScene
    rules: AccountRules
    source: str
    strategy_hash: str
    engine_version: str
    metrics: Mapping[str, float | int | None]
    instruments: tuple[Instrument, ...]
    run: PortfolioRun
    certificate: Certificate | None = None
    created: int = 0
    notes: tuple[str, ...] = ()
    score: Mapping[str, Any] | None = None
    ladder: tuple[Rung, ...] = ()

    @property
    def name(self) -> str:
        """What the weights are called."""
        return self.scene.strategy

    @property
    def parameters(self) -> Mapping[str, Value]:
        """Those of the weights."""
        return self.scene.parameters

    @property
    def timeframe(self) -> Timeframe:
        """Candle length."""
        return self.scene.timeframe

    @property
    def data_digest(self) -> str:
        """Sha256 of every number it was run on."""
        pairs = zip(self.scene.symbols, self.data_digests, strict=True)
        return sha256("".join(f"{symbol} {digest} " for symbol, digest in pairs).encode()).hexdigest()

    @property
    def data_digests(self) -> tuple[str, ...]:
        """Sha256 of the bars and funding rates of each instrument."""
        return tuple(one.data_digest for one in self.instruments)
