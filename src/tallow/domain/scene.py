"""Scenes: stored, parameterised specifications of a backtest, their canonical form and content key."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from tallow.domain.errors import UserError, nearest
from tallow.domain.fill_rules import WHOLE_TAPE, FillRules, Terms
from tallow.domain.market import Instrument, parse_symbol
from tallow.domain.ranges import EVERYTHING, TimeRange
from tallow.domain.tiers import Tiers, check_room, tiers_of
from tallow.domain.timeframes import Timeframe, parse_timeframe
from tallow.domain.venue_rules import RuleBook, book_of

Value = int | float | str | bool
Fill = Literal["next_open", "close"]


@dataclass(frozen=True)
class Execution:
    """How a target position becomes fills, and what that costs. Rates and distances are fractions (0.001 = 0.1 %).

    Attributes:
        fill: ``next_open`` (default), or ``close``: the very bar that decides, labelled optimistic everywhere.
        maker_fee: fee rate of resting orders (take-profits).
        taker_fee: fee rate of everything else.
        slippage_bps: adverse price move of every taker fill, in basis points.
        volume_impact: further adverse move, this fraction times the square of (quantity / previous bar's volume).
        leverage: largest absolute target; margin of a position is its notional / leverage, isolated.
        allow_short: whether targets below zero are carried out.
        stop_loss: distance from the average entry price at which a position is closed; None is off.
        take_profit: the same in the winning direction; a resting order.
        trailing_stop: distance from the best price since entry, known up to the bar before; None is off.
        maintenance_margin: fraction of notional below which an isolated position is liquidated.
        liquidation_fee: fee rate of a liquidation.
        min_notional: orders below this value in quote units are not sent.
        lot_size: quantities are rounded down to a multiple; 0 is off.
        tick_size: fill prices are rounded against the trader to a multiple; 0 is off.
        tiers: maintenance margins by notional, in place of the single one; rows of notional, rate and highest leverage.

    Raises:
        UserError: BAD_SETTING for a value outside its range.
    """

    fill: Fill = "next_open"
    maker_fee: float = 0.001
    taker_fee: float = 0.001
    slippage_bps: float = 0.0
    volume_impact: float = 0.0
    leverage: float = 1.0
    allow_short: bool = False
    stop_loss: float | None = None
    take_profit: float | None = None
    trailing_stop: float | None = None
    maintenance_margin: float = 0.005
    liquidation_fee: float = 0.005
    min_notional: float = 0.0
    lot_size: float = 0.0
    tick_size: float = 0.0
    tiers: Tiers = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "tiers", tiers_of(self.tiers))
        if self.fill not in ("next_open", "close"):
            raise _bad("fill", self.fill, "next_open or close")
        for name, low, high in _LIMITS:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and low <= value <= high):
                raise _bad(name, value, f"{low:g} to {high:g}")
        check_room(self.tiers, self.leverage)
        if not self.tiers and self.leverage * self.maintenance_margin >= 1.0:
            raise _bad("maintenance_margin", self.maintenance_margin, f"below 1 / leverage = {1.0 / self.leverage:g}")
        for name in ("stop_loss", "take_profit", "trailing_stop"):
            if getattr(self, name) == 0:
                raise _bad(name, 0, "above 0, or none to switch it off")


_LIMITS = (
    ("maker_fee", -0.01, 0.5), ("taker_fee", -0.01, 0.5), ("slippage_bps", 0.0, 5_000.0), ("volume_impact", 0.0, 100.0),
    ("leverage", 1.0, 125.0), ("stop_loss", 0.0, 1.0), ("take_profit", 0.0, 1_000.0), ("trailing_stop", 0.0, 1.0),
    ("maintenance_margin", 0.0, 0.5), ("liquidation_fee", 0.0, 0.5), ("min_notional", 0.0, 1e12),
    ("lot_size", 0.0, 1e12), ("tick_size", 0.0, 1e12),
)  # fmt: skip


def execution_of(
    settings: Mapping[str, Any], *, also: Iterable[str] = (), said: Mapping[str, str] | None = None
) -> Execution:
    """Make execution settings of names and values.

    Args:
        settings: name -> value.
        also: names that the caller takes in the place of some.
        said: setting -> the name under which the caller was given its value, for an error that says it.

    Raises:
        UserError: BAD_SETTING for a name that does not exist or a value outside its range.
    """
    names = [one.name for one in fields(Execution)]
    for name in settings:
        if name not in names:
            valid = [*also, *names]
            facts = {"nearest": ", ".join(nearest(name, valid)), "valid": ", ".join(valid)}
            raise UserError("BAD_SETTING", f"a backtest has no setting {name!r}", facts=facts)
    for name, low, high in _LIMITS:
        value = settings.get(name)
        if name in (said or {}) and not (math.isfinite(value or 0.0) and low <= (value or 0.0) <= high):
            raise _bad((said or {})[name], value, f"{low:g} to {high:g}")
    return Execution(**settings)


def _bad(name: str, value: object, valid: str) -> UserError:
    return UserError("BAD_SETTING", f"{name} = {value!r} is outside its range", facts={"valid": valid})


@dataclass(frozen=True)
class Scene:
    """One backtest, completely said, but for the table versions and the code that the key adds.

    Attributes:
        strategy: name of a built-in strategy or stem of the file.
        parameters: every parameter of the strategy with its value, defaults included.
        cash: starting balance in quote units.
        rules: trading rules of the venue as they changed; None is those of the execution, all along.
        filling: how much of the tape an order gets.
    """

    strategy: str
    instrument: Instrument
    timeframe: Timeframe
    parameters: Mapping[str, Value] = field(default_factory=dict)
    range: TimeRange = EVERYTHING
    cash: float = 10_000.0
    execution: Execution = Execution()
    rules: RuleBook | None = None
    filling: FillRules = WHOLE_TAPE

    def __post_init__(self) -> None:
        for one in self.rules.rules if self.rules else ():
            one.applied_to(self.execution)
        if not (math.isfinite(self.cash) and self.cash > 0):
            raise _bad("cash", self.cash, "above 0")

    @property
    def terms(self) -> Terms:
        """What decisions are carried out under, besides the execution."""
        return Terms(self.rules, self.filling)

    def canonical(self) -> str:
        """Write the one JSON text of this scene: sorted keys, exact numbers.

        Defaults are in it but those of rules, tiers and filling.
        """
        body = {
            "strategy": self.strategy,
            "instrument": str(self.instrument),
            "timeframe": str(self.timeframe),
            "parameters": dict(self.parameters),
            "range": [self.range.start, self.range.end],
            "cash": float(self.cash),
            "execution": _plain(self.execution),
        }
        if self.rules is not None:
            body["rules"] = self.rules.plain()
        if self.filling != WHOLE_TAPE:
            body["filling"] = {name: _number(value) for name, value in asdict(self.filling).items()}
        return json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def key(self, table_versions: Mapping[str, int], data_digest: str, strategy_hash: str, engine_version: str) -> str:
        """Give the content key, 64 hex digits: any changed field, data, source or engine changes it.

        A version counts the changes of one lake; `data_digest` tells two lakes apart that count alike.
        """
        parts = [self.canonical(), sorted(table_versions.items()), data_digest, strategy_hash, engine_version]
        body = json.dumps(parts, separators=(",", ":"))
        return hashlib.sha256(body.encode()).hexdigest()

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.strategy}({values}) on {self.instrument} {self.timeframe} {self.range}"


def _plain(execution: Execution) -> dict[str, object]:
    values = {name: _number(value) for name, value in asdict(execution).items()}
    return values if execution.tiers else {name: value for name, value in values.items() if name != "tiers"}


def _number(value: object) -> object:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def parse_scene(text: str) -> Scene:
    """Read a scene back from its canonical form."""
    body = json.loads(text)
    venue, _, symbol = body["instrument"].partition(":")
    return Scene(
        strategy=body["strategy"],
        instrument=parse_symbol(symbol, venue),
        timeframe=parse_timeframe(body["timeframe"]),
        parameters=body["parameters"],
        range=TimeRange(*body["range"]),
        cash=body["cash"],
        execution=Execution(**body["execution"]),
        rules=book_of(body["rules"]) if "rules" in body else None,
        filling=FillRules(**body.get("filling", {})),
    )
