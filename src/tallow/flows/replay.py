"""Run a stored result again and compare every bit."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.orders import OrderLog
from tallow.domain.results import Result
from tallow.flows.backtest import Desk, compute, own_market, read_market
from tallow.ports import Strategy


@dataclass(frozen=True)
class Replay:
    """The outcome of a replay: `equal` only when every number of the run has the same bits and nothing else differs."""

    key: str
    stored_digest: str
    digest: str
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether the digests are the same, and orders, metrics, data and engine too."""
        return self.stored_digest == self.digest and not self.differences


def same_orders(stored: OrderLog, again: OrderLog | None) -> bool:
    """Say whether two logs of orders have the same bits."""
    return again is not None and all(
        np.array_equal(getattr(stored, item.name), getattr(again, item.name), equal_nan=True) for item in fields(stored)
    )


def find_result(desk: Desk, key: str) -> Result:
    """Find a stored result by the first digits of its key.

    Raises:
        UserError: UNKNOWN_RESULT when there is none; NOT_A_BACKTEST when it is of another kind.
    """
    result = desk.records.load(key)
    if result is not None:
        return result
    other = desk.records.filed(key)
    if other is not None:
        raise UserError(
            "NOT_A_BACKTEST",
            f"result {other.key[:12]} is a {other.kind}, not a backtest",
            facts={"received": f"{other.kind} of {other.strategy}", "valid": "the ID of a backtest"},
            commands=[f"tallow results show {other.key[:12]}", "tallow results list"],
        )
    raise UserError(
        "UNKNOWN_RESULT", f"no stored result starts with {key!r}", commands=["tallow results list"], exit="no data"
    )


def replay(stored: Result, strategy: Strategy, desk: Desk, bars: Bars | None = None) -> Replay:
    """Read the pinned versions, run the stored source, compare digests and metrics.

    `bars` replaces the lake for a result on the caller's own candles.
    """
    market = read_market(desk.lake, stored.scene, dict(stored.table_versions)) if bars is None else own_market(bars)
    again = compute(stored.scene, strategy, market, desk)
    different = differences(stored.metrics, again.metrics)
    if stored.data_digest != again.data_digest:
        different.append(f"data: stored {stored.data_digest[:16]}, now {again.data_digest[:16]}")
    if stored.orders is not None and not same_orders(stored.orders, again.orders):
        different.append("orders: the log differs")
    if stored.engine_version != again.engine_version:
        different.append(f"engine: stored version {stored.engine_version}, now {again.engine_version}")
    return Replay(stored.key, stored.digest, again.digest, tuple(different))


def differences(stored: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """Write every metric that is another one now."""
    return [
        f"{name}: stored {value!r}, now {now.get(name)!r}" for name, value in stored.items() if now.get(name) != value
    ]
