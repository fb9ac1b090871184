"""How much of the market an order gets, and together with the venue's rules what orders are under besides costs."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from tallow.domain.errors import UserError
from tallow.domain.venue_rules import RuleBook


@dataclass(frozen=True)
class FillRules:
    """How much of the tape an order gets. Costs and margin are those of `Execution`.

    Attributes:
        participation: largest part of a bar's or a trade's volume that all orders together fill; None is no limit.
        touch_fills: whether a resting limit order fills when its price is reached but not passed.

    Example:
        >>> FillRules(participation=0.1).touch_fills
        False

    Raises:
        UserError: BAD_SETTING.
    """

    participation: float | None = None
    touch_fills: bool = False

    def __post_init__(self) -> None:
        share = self.participation
        if share is not None and not (math.isfinite(share) and 0 < share <= 1):
            raise UserError(
                "BAD_SETTING", f"participation = {share!r} is outside its range", facts={"valid": "above 0, up to 1"}
            )


WHOLE_TAPE = FillRules()


class Terms(NamedTuple):
    """What decisions are carried out under, besides an execution.

    Attributes:
        rules: of the venue, as they changed; None is those of the execution, all along.
        filling: how much of the tape an order gets; a target fills whole whatever it says.
    """

    rules: RuleBook | None = None
    filling: FillRules = WHOLE_TAPE


PLAIN_TERMS = Terms()
