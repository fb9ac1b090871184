"""What an exchange or a line does wrong, planned from a seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tallow.domain.errors import UserError

FAULTS = (
    "limited",  # 429 with Retry-After
    "banned",  # 418 with Retry-After
    "failed",  # 500
    "refused",  # 503 with an HTML body
    "html",  # 200 with an HTML body
    "truncated",  # the body stops in the middle, its length says so
    "cut",  # the connection ends before the promised length
    "reset",  # the connection ends without an answer
    "repeated",  # the page before once more
    "unordered",  # rows in descending order
    "doubled",  # the first row twice
    "outside",  # rows from before the window that was asked for
    "shortened",  # only the first half of the rows
    "holed",  # a row in the middle is left out
    "garbled",  # a number that is none
    "slow",  # the answer takes `delay` seconds
)


@dataclass(frozen=True)
class Faults:
    """Choose a fault, or none, for every request in order; the same seed chooses the same.

    Attributes:
        rates: chance of each fault of `FAULTS`, together at most 1.
        seed: of the choice.
        script: faults of the first requests, one each, empty for none; the rates hold after them.
        in_a_row: most faults one after another, so that patience is rewarded.
        retry_after: seconds that 429 and 418 ask for.
        delay: seconds that a slow answer takes.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    script: Sequence[str] = ()
    in_a_row: int = 2
    retry_after: int = 3
    delay: float = 1.0

    def __post_init__(self) -> None:
        unknown = [name for name in (*self.rates, *filter(None, self.script)) if name not in FAULTS]
        if unknown or sum(self.rates.values()) > 1.0:
            raise UserError(
                "BAD_FAULTS",
                "the plan of faults cannot be followed",
                facts={"received": f"{dict(self.rates)}, {list(self.script)}", "valid": " ".join(FAULTS)},
            )

    def choose(self, request: int, preceding: int) -> str:
        """Give the fault of a request by its number from 0, after so many faults in a row; empty for none."""
        if request < len(self.script):
            return self.script[request]
        if preceding >= self.in_a_row or not self.rates:
            return ""
        left = float(np.random.PCG64([self.seed, request]).random_raw() >> 11) * 2.0**-53
        for name, rate in self.rates.items():
            left -= rate
            if left < 0:
                return name
        return ""
