"""What adapters know of a run, and how they say that something cannot be carried over."""

from collections.abc import Sequence
from dataclasses import dataclass

from tallow.domain.errors import UserError
from tallow.domain.timeframes import Timeframe, parse_timeframe


@dataclass(frozen=True)
class Setting:
    """What a run says of its bars: their length and instrument, where they are known."""

    timeframe: Timeframe | None = None
    symbol: str = ""

    def as_texts(self) -> list[str]:
        """Give it as texts, for another process."""
        return [str(self.timeframe or ""), self.symbol]

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> "Setting":
        """Read what `as_texts` gave."""
        length, symbol = texts
        return cls(parse_timeframe(length) if length else None, symbol)


def not_carried_over(what: str, instead: str) -> UserError:
    """Say that a method or argument of another framework has no equal here, and what to write instead."""
    return UserError(
        "NOT_CARRIED_OVER",
        f"{what} cannot be carried over",
        facts={"instead": instead},
        commands=["tallow explain NOT_CARRIED_OVER"],
    )
