"""What a backtest leaves behind."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tallow.domain.columns import Floats, Times
from tallow.domain.evidence import Certificate, Incident, Rung
from tallow.domain.scene import Scene

if TYPE_CHECKING:
    from tallow.domain.orders import OrderLog
    from tallow.domain.sent import Sent

EXIT_REASONS = ("target", "stop_loss", "take_profit", "trailing_stop", "liquidation", "open")
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class TradeLog:
    """Round trips by column, flat to flat, in order of entry; the last may still be open.

    `entry_row` and `exit_row` index the bars; `side` is 1 or -1; `quantity` is the largest held; prices are averages
    weighted by quantity, slippage included; `fees`, `slippage` and `funding` are in quote units (costs positive);
    `profit` is net of all costs; `return_pct` is profit in per cent of the largest entry notional; `reason` indexes
    `EXIT_REASONS`.
    """

    entry_row: Ints
    exit_row: Ints
    entry_time: Times
    exit_time: Times
    side: Ints
    quantity: Floats
    entry_price: Floats
    exit_price: Floats
    fees: Floats
    slippage: Floats
    funding: Floats
    profit: Floats
    return_pct: Floats
    reason: Ints

    def __len__(self) -> int:
        return len(self.entry_row)


@dataclass(frozen=True)
class FillLog:
    """Fills by column, in order. `quantity` is signed (buys positive); `price` includes slippage."""

    row: Ints
    time: Times
    quantity: Floats
    price: Floats
    fee: Floats
    slippage: Floats
    reason: Ints

    def __len__(self) -> int:
        return len(self.row)


class Path(NamedTuple):
    """An account from event to event: from `row[k]` on, its equity at a close is cash[k] + quantity[k] * close.

    The first row is 0; rows ascend, and of equal ones the last counts.
    """

    close: Floats
    row: Ints
    cash: Floats
    quantity: Floats


@dataclass(frozen=True)
class Run:
    """What the engine computes from bars and targets.

    Attributes:
        time: open of every bar, microseconds UTC.
        equity: value of the account at every bar's close, quote units.
        position: signed base quantity held at every bar's close.
        target: what the strategy asked for at every bar's close, fraction of equity.
        ambiguous_bars: bars that touched stop and take-profit; each counted as the stop.
        rejected_orders: orders below the minimum, or on a bar without volume.
    """

    time: Times
    equity: Floats
    position: Floats
    target: Floats
    fills: FillLog
    trades: TradeLog
    ambiguous_bars: int
    rejected_orders: int

    @property
    def path(self) -> Path:
        """The account from event to event; here the equity itself, as one unit of what closes at it."""
        return Path(self.equity, np.zeros(1, np.int64), np.zeros(1), np.ones(1))

    @property
    def exposed_bars(self) -> int:
        """Bars that close with a position."""
        return int(np.count_nonzero(self.position != 0.0))

    def digest(self) -> str:
        """Give the sha256 of every number in it, 64 hex digits."""
        seen = hashlib.sha256()
        for part in (self, self.fills, self.trades):
            for item in fields(part):
                value = getattr(part, item.name)
                if isinstance(value, np.ndarray):
                    seen.update(item.name.encode() + str(value.dtype).encode() + np.ascontiguousarray(value).tobytes())
                elif isinstance(value, int):
                    seen.update(f"{item.name}={value}".encode())
        return seen.hexdigest()


@dataclass(frozen=True)
class Result:
    """A finished backtest with everything needed to trust and to repeat it.

    Attributes:
        key: content key of scene, table versions, strategy source and engine version.
        digest: sha256 of every number of `run`; a replay must give the same.
        table_versions: table name -> version the bars were read at; empty for candles that were in no lake.
        data_digest: sha256 of the bars and funding rates it was computed on.
        origin: where the bars came from: a venue's name, or ``simulated``.
        bars_origin: ``native``, ``trades`` or the timeframe they were resampled from.
        metrics: canonical name -> value; None where a metric is undefined.
        certificate: look-ahead verdict; None is shown as unproven.
        score: plain values of the `HonestScore` made when the result was; None is shown as not scored.
        ladder: the same decisions under other executions and costs; empty where it was not computed.
        sent: the decisions of a strategy that works with orders; None where `run.target` holds them.
        orders: what became of every order of such a strategy.
    """

    key: str
    digest: str
    scene: Scene
    strategy_source: str
    strategy_hash: str
    engine_version: str
    table_versions: Mapping[str, int]
    data_digest: str
    origin: str
    bars_origin: str
    metrics: Mapping[str, float | int | None]
    run: Run
    incidents: tuple[Incident, ...] = ()
    certificate: Certificate | None = None
    created: int = 0
    notes: tuple[str, ...] = field(default=())
    score: Mapping[str, Any] | None = None
    ladder: tuple[Rung, ...] = ()
    sent: "Sent | None" = None
    orders: "OrderLog | None" = None

    @property
    def decisions(self) -> "Floats | Sent":
        """What the strategy decided: what it sent, or a target a bar."""
        return self.run.target if self.sent is None else self.sent


def plain_body(result: Result) -> dict[str, Any]:
    """Give all of a result that JSON can hold, but its identity and its scene; `result_of` reads it back."""
    return {
        "strategy_source": result.strategy_source,
        "strategy_hash": result.strategy_hash,
        "engine_version": result.engine_version,
        "table_versions": dict(result.table_versions),
        "data_digest": result.data_digest,
        "origin": result.origin,
        "bars_origin": result.bars_origin,
        "metrics": dict(result.metrics),
        "incidents": [asdict(incident) for incident in result.incidents],
        "certificate": result.certificate.to_dict() if result.certificate else None,
        "notes": list(result.notes),
        "score": result.score,
        "ladder": [asdict(rung) for rung in result.ladder],
    }


def result_of(body: Mapping[str, Any], **identity: Any) -> Result:
    """Make a result of what `plain_body` gave, its key, digest, created, scene and run."""
    values, certificate = dict(body), body["certificate"]
    values |= {
        "certificate": Certificate.from_dict(certificate) if certificate else None,
        "incidents": tuple(Incident(**incident) for incident in body["incidents"]),
        "ladder": tuple(Rung(**rung) for rung in body.get("ladder", ())),
        "notes": tuple(body["notes"]),
    }
    return Result(**identity, **values)


Kind = Literal["backtest", "portfolio", "walk-forward", "cross-validation"]


@dataclass(frozen=True)
class Filed:
    """A stored result of another kind than a backtest, as what any store can hold: plain values and arrays.

    Attributes:
        key: content key.
        kind: what reads `body` and `arrays` back.
        digest: sha256 of every number of the result; a replay must give the same.
        strategy: name of what decided.
        instruments: qualified names.
        timeframe: candle length.
        verdict: of the certificate, or ``unproven``.
        scene: plain values that say what was run; `range` is among them.
        body: everything else that JSON can hold; `metrics` and `score` are among it.
        arrays: everything else.
    """

    key: str
    kind: Kind
    digest: str
    created: int
    strategy: str
    instruments: tuple[str, ...]
    timeframe: str
    verdict: str
    scene: Mapping[str, Any]
    body: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]

    def arrays_digest(self) -> str:
        """Give the sha256 of the arrays with their names."""
        seen = hashlib.sha256()
        for name, array in sorted(self.arrays.items()):
            seen.update(f"{name} {array.dtype.str} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes())
        return seen.hexdigest()


def run_arrays(run: Run) -> dict[str, NDArray[Any]]:
    """Give every number of a run as arrays under flat names; `run_of` reads them back."""
    parts: tuple[tuple[str, Run | FillLog | TradeLog], ...] = (
        ("", run),
        ("fills.", run.fills),
        ("trades.", run.trades),
    )
    named = {f"{prefix}{item.name}": getattr(part, item.name) for prefix, part in parts for item in fields(part)}
    return {name: np.asarray(value) for name, value in named.items() if not isinstance(value, FillLog | TradeLog)}


def run_of(arrays: Mapping[str, NDArray[Any]]) -> Run:
    """Make a run of what `run_arrays` gave.

    Raises:
        KeyError: when an array is missing.
    """
    return Run(
        time=arrays["time"],
        equity=arrays["equity"],
        position=arrays["position"],
        target=arrays["target"],
        fills=FillLog(**{item.name: arrays[f"fills.{item.name}"] for item in fields(FillLog)}),
        trades=TradeLog(**{item.name: arrays[f"trades.{item.name}"] for item in fields(TradeLog)}),
        ambiguous_bars=int(arrays["ambiguous_bars"]),
        rejected_orders=int(arrays["rejected_orders"]),
    )
