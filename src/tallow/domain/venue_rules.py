"""Trading rules of a venue as they changed: price and quantity steps, smallest order, maintenance margins."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tallow.domain.errors import UserError
from tallow.domain.ranges import iso
from tallow.domain.tiers import Tiers, tiers_of

if TYPE_CHECKING:
    from tallow.domain.scene import Execution

IN_LAKE = "lake"  # stands for the rules that the lake holds where a file could be named
_LARGEST = {"tick_size": 1e12, "lot_size": 1e12, "min_notional": 1e12, "maintenance_margin": 0.5}


@dataclass(frozen=True)
class VenueRules:
    """What a venue asks for from a moment on, until other rules begin; None keeps what the execution says.

    Attributes:
        valid_from: microseconds UTC; bars that open then or later are traded under these rules.
        tick_size: step of prices in quote units; 0 is off.
        lot_size: step of quantities in base units; 0 is off.
        min_notional: smallest order in quote units; 0 is off.
        maintenance_margin: fraction of notional below which an isolated position is liquidated, whatever its size.
        tiers: the same by notional; in place of the single one.

    Raises:
        UserError: BAD_RULES for a value outside its range, or for a single maintenance margin beside tiers.
    """

    valid_from: int
    tick_size: float | None = None
    lot_size: float | None = None
    min_notional: float | None = None
    maintenance_margin: float | None = None
    tiers: Tiers | None = None

    def __post_init__(self) -> None:
        if self.tiers is not None:
            self._keep_tiers(self.tiers)
        for name, most in _LARGEST.items():
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and 0.0 <= value <= most):
                raise _bad(f"{name} = {value!r} is outside its range", self.valid_from, f"0 to {most:g}, or nothing")

    def _keep_tiers(self, tiers: Tiers) -> None:
        try:
            object.__setattr__(self, "tiers", tiers_of(tiers) or None)
        except UserError as problem:
            raise _bad(problem.message, self.valid_from, str(problem.facts.get("valid", ""))) from problem
        if self.tiers and self.maintenance_margin is not None:
            raise _bad("a single maintenance margin beside tiers", self.valid_from, "one of the two")

    def applied_to(self, execution: "Execution") -> "Execution":
        """Give an execution under these rules.

        Raises:
            UserError: BAD_RULES when the leverage leaves no room for the maintenance margin, or is more than any tier
                allows.
        """
        known: dict[str, Any] = {name: getattr(self, name) for name in _LARGEST if getattr(self, name) is not None}
        if self.tiers or self.maintenance_margin is not None:
            known["tiers"] = self.tiers or ()
        try:
            return replace(execution, **known)
        except UserError as problem:
            raise _bad(problem.message, self.valid_from, str(problem.facts.get("valid", ""))) from problem


NAMES = ("valid_from", *_LARGEST)


@dataclass(frozen=True)
class RuleBook:
    """Rules one after the other; before the first ones those hold already, because nothing else is known.

    Attributes:
        rules: ascending by `valid_from`.
        version: of the table ``bronze.instruments`` they were read from; None when they were given by hand.

    Example:
        >>> book = RuleBook((VenueRules(0, tick_size=0.1), VenueRules(60_000_000, tick_size=0.01)))
        >>> [rules.tick_size for rules in book.rules]
        [0.1, 0.01]

    Raises:
        UserError: BAD_RULES without rules, or when they do not ascend.
    """

    rules: tuple[VenueRules, ...]
    version: int | None = None

    def __post_init__(self) -> None:
        if not self.rules:
            raise UserError("BAD_RULES", "there are no rules in it", facts={"valid": "at least one row"})
        for before, after in zip(self.rules, self.rules[1:], strict=False):
            if after.valid_from <= before.valid_from:
                raise _bad("the rules do not ascend", after.valid_from, f"after {iso(before.valid_from)}")

    def plain(self) -> dict[str, Any]:
        """Give plain values, exact numbers, from which `book_of` makes the same book."""
        return {"version": self.version, "rules": [_plain(one) for one in self.rules]}


def book_of(values: dict[str, Any]) -> RuleBook:
    """Read a book back from its plain values."""
    return RuleBook(tuple(VenueRules(*row) for row in values["rules"]), values["version"])


def merged(rules: Iterable[VenueRules]) -> tuple[VenueRules, ...]:
    """Leave out rules that say what those before them say."""
    kept: list[VenueRules] = []
    for one in rules:
        if not kept or replace(one, valid_from=kept[-1].valid_from) != kept[-1]:
            kept.append(one)
    return tuple(kept)


def _plain(rules: VenueRules) -> list[Any]:
    # Rules without tiers are written as they were before there were any: the keys of results hang on it.
    row = [rules.valid_from, *(_number(getattr(rules, name)) for name in _LARGEST)]
    return [*row, [list(tier) for tier in rules.tiers]] if rules.tiers else row


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _bad(what: str, moment: int, valid: str) -> UserError:
    return UserError(
        "BAD_RULES",
        f"trading rules from {iso(moment)} on: {what}",
        facts={"valid": valid},
        commands=["tallow explain BAD_RULES"],
    )
