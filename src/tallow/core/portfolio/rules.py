"""When a portfolio trades: rebalancing rules as values, and the rows at which each of them decides."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tallow.core.portfolio.kernels import change_rows
from tallow.domain.columns import Floats, Times
from tallow.domain.errors import UserError
from tallow.domain.timeframes import DAY, WEEK

_MONDAY = 4 * DAY  # 1970-01-05
Period = Literal["daily", "weekly", "monthly"]
Margin = Literal["isolated", "cross"]


@dataclass(frozen=True)
class OnChange:
    """Order an instrument at the close at which its weight changes, and only that one: as the engine of one does."""


@dataclass(frozen=True)
class EveryBars:
    """Order all instruments at every `count`-th close, the first included; weights that change between wait."""

    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise _bad("count", self.count, "from 1")


@dataclass(frozen=True)
class Calendar:
    """Order all instruments at the first close in or after each UTC day, week (from Monday) or month.

    A bar that closes at midnight is that close: its orders fill at the open of the new day.
    """

    period: Period

    def __post_init__(self) -> None:
        if self.period not in ("daily", "weekly", "monthly"):
            raise _bad("period", self.period, "daily, weekly or monthly")


@dataclass(frozen=True)
class Drift:
    """Order all instruments at a close at which one is further than `threshold` of the equity from its weight."""

    threshold: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.threshold) and self.threshold > 0):
            raise _bad("threshold", self.threshold, "above 0")


Rebalance = OnChange | EveryBars | Calendar | Drift


@dataclass(frozen=True)
class AccountRules:
    """What holds for the account as a whole.

    Attributes:
        rebalance: when orders are made.
        margin: ``isolated``: each position answers with its own margin; ``cross``: all answer with the equity.
        leverage: largest sum of absolute weights; None is the largest leverage of the instruments.
    """

    rebalance: Rebalance = OnChange()
    margin: Margin = "isolated"
    leverage: float | None = None

    def __post_init__(self) -> None:
        if self.margin not in ("isolated", "cross"):
            raise _bad("margin", self.margin, "isolated or cross")
        if self.leverage is not None and not (math.isfinite(self.leverage) and 0 < self.leverage <= 125):
            raise _bad("leverage", self.leverage, "above 0, at most 125")


def decision_rows(rule: Rebalance, weights: Floats, time: Times, length: int) -> Times:
    """Give the rows at whose close weights are taken."""
    if isinstance(rule, EveryBars):
        return np.arange(0, len(time), rule.count, dtype=np.int64)
    if isinstance(rule, Calendar):
        number = _period_number(time + length, rule.period)
        return np.flatnonzero(np.concatenate(([True], number[1:] != number[:-1])))[: len(time)].astype(np.int64)
    changed: Times = change_rows(weights)
    return changed


def _period_number(time: Times, period: Period) -> Times:
    if period == "daily":
        return time // DAY
    if period == "weekly":
        return (time - _MONDAY) // WEEK
    months: Times = time.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    return months


def _bad(name: str, value: object, valid: str) -> UserError:
    return UserError("BAD_SETTING", f"{name} = {value!r} is outside its range", facts={"valid": valid})
