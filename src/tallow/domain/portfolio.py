"""Portfolio scenes: what a portfolio was run on and how, its canonical form and content key."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tallow.domain.errors import UserError
from tallow.domain.market import Instrument, parse_symbol
from tallow.domain.ranges import EVERYTHING, TimeRange
from tallow.domain.scene import Execution, Scene, Value
from tallow.domain.timeframes import Timeframe, parse_timeframe
from tallow.domain.venue_rules import RuleBook, book_of


@dataclass(frozen=True)
class PortfolioScene:
    """One portfolio, completely said, but for the table versions and the code that the key adds.

    Attributes:
        strategy: name of the weights: a built-in rule, or the stem of the file.
        instruments: in the order of the columns of the weights.
        parameters: every parameter of the weights with its value, defaults included.
        cash: starting balance in quote units.
        execution: of every instrument.
        rebalance: the rule in its canonical spelling, such as ``change``, ``daily``, ``every:24`` or ``drift:0.05``.
        margin: ``isolated`` or ``cross``.
        leverage: largest sum of absolute weights; None is the leverage of the execution.
        venue_rules: trading rules of each instrument's venue, as they changed; None is those of the execution. Empty
            where no instrument has any.
    """

    strategy: str
    instruments: tuple[Instrument, ...]
    timeframe: Timeframe
    parameters: Mapping[str, Value] = field(default_factory=dict)
    range: TimeRange = EVERYTHING
    cash: float = 10_000.0
    execution: Execution = field(default_factory=Execution)
    rebalance: str = "change"
    margin: Literal["isolated", "cross"] = "isolated"
    leverage: float | None = None
    venue_rules: tuple[RuleBook | None, ...] = ()

    def __post_init__(self) -> None:
        if all(book is None for book in self.venue_rules):
            object.__setattr__(self, "venue_rules", ())
        elif len(self.venue_rules) != len(self.instruments):
            valid = {"valid": "one for each instrument, or none"}
            raise UserError("BAD_RULES", f"{len(self.venue_rules)} sets of trading rules", facts=valid)
        for book in self.books.values():
            for one in book.rules:
                one.applied_to(self.execution)
        if not self.instruments:
            raise UserError("NO_INSTRUMENTS", "a portfolio needs at least one instrument", facts={"received": "none"})
        if not (math.isfinite(self.cash) and self.cash > 0):
            raise UserError("BAD_SETTING", f"cash = {self.cash!r} is outside its range", facts={"valid": "above 0"})

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """One scene an instrument, in their order."""
        first = Scene(
            strategy=self.strategy,
            instrument=self.instruments[0],
            timeframe=self.timeframe,
            parameters=self.parameters,
            range=self.range,
            cash=self.cash,
            execution=self.execution,
        )
        books = self.venue_rules or (None,) * len(self.instruments)
        pairs = zip(self.instruments, books, strict=True)
        return tuple(replace(first, instrument=instrument, rules=book) for instrument, book in pairs)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols as people write them; with the venue where one symbol is there from two."""
        plain = tuple(instrument.symbol for instrument in self.instruments)
        return plain if len(set(plain)) == len(plain) else tuple(map(str, self.instruments))

    @property
    def books(self) -> dict[str, RuleBook]:
        """Trading rules by symbol, of those that have any."""
        pairs = zip(self.symbols, self.venue_rules, strict=False)
        return {symbol: book for symbol, book in pairs if book is not None}

    def canonical(self) -> str:
        """Write the one JSON text of this scene: sorted keys, exact numbers, defaults but those of rules and tiers."""
        common = json.loads(replace(self.scenes[0], rules=None).canonical())
        del common["instrument"]
        body = {
            **common,
            "instruments": [str(instrument) for instrument in self.instruments],
            "rebalance": self.rebalance,
            "margin": self.margin,
            "leverage": None if self.leverage is None else float(self.leverage),
        }
        if self.venue_rules:
            body["venue_rules"] = [None if book is None else book.plain() for book in self.venue_rules]
        return json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def key(
        self,
        versions: Sequence[Mapping[str, int]],
        data_digests: Sequence[str],
        strategy_hash: str,
        engine_version: str,
    ) -> str:
        """Give the content key, 64 hex digits: any changed field, data, source or engine changes it.

        Args:
            versions: table -> version, one mapping an instrument.
            data_digests: of what was read of each instrument.
            strategy_hash: of the source of the weights.
            engine_version: of the account's rules.
        """
        pinned = [sorted(one.items()) for one in versions]
        parts = ["portfolio", self.canonical(), pinned, list(data_digests), strategy_hash, engine_version]
        return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        held = ", ".join(map(str, self.instruments))
        return f"{self.strategy}({values}) on {held} {self.timeframe} {self.range}, rebalanced {self.rebalance}"


def parse_portfolio_scene(body: Mapping[str, Any]) -> PortfolioScene:
    """Read a scene back from the values of its canonical form."""
    named = (text.partition(":") for text in body["instruments"])
    return PortfolioScene(
        strategy=body["strategy"],
        instruments=tuple(parse_symbol(symbol, venue) for venue, _, symbol in named),
        timeframe=parse_timeframe(body["timeframe"]),
        parameters=body["parameters"],
        range=TimeRange(*body["range"]),
        cash=body["cash"],
        execution=Execution(**body["execution"]),
        rebalance=body["rebalance"],
        margin=body["margin"],
        leverage=body["leverage"],
        venue_rules=tuple(None if one is None else book_of(one) for one in body.get("venue_rules", ())),
    )
