"""Margin tiers: the larger a position, the higher its maintenance rate, and the lower the leverage it may have."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tallow.domain.errors import UserError

HIGHEST_RATE = 0.5  # as of a single maintenance margin
HIGHEST_LEVERAGE = 125.0
_MOST = 100  # tiers in one table: venues have some ten


class Tier(NamedTuple):
    """What holds from a notional on, until the next tier begins.

    Attributes:
        notional: quote units from which it holds.
        maintenance_margin: rate of the part of the notional that lies in this tier.
        max_leverage: highest leverage at which a position of this size may be opened; None is any. In a table, a tier
            that does not say has that of the tier before.
    """

    notional: float
    maintenance_margin: float
    max_leverage: float | None = None


Tiers = tuple[Tier, ...]


def tiers_of(rows: Iterable[Sequence[Any]]) -> Tiers:
    """Make tiers of rows, and check them.

    Example:
        >>> tiers_of([(0, 0.004, 125), (50_000, 0.005)])[1]
        Tier(notional=50000.0, maintenance_margin=0.005, max_leverage=125.0)

    Raises:
        UserError: BAD_SETTING unless the first begins at 0, notionals rise, and neither rates fall nor leverages rise.
    """
    found: Tiers = ()
    for row in rows:
        tier = _tier(row)
        said = found[-1].max_leverage if found and tier.max_leverage is None else tier.max_leverage
        found = (*found, tier._replace(max_leverage=said))
    if len(found) > _MOST:
        raise _bad(f"{len(found)} tiers", f"at most {_MOST}")
    if found and found[0].notional != 0.0:
        raise _bad(f"the first tier begins at {found[0].notional:g}", "a first tier from 0 on")
    for before, after in pairwise(found):
        if not before.notional < after.notional:
            raise _bad(f"a tier from {after.notional:g} follows one from {before.notional:g}", "rising notionals")
        if after.maintenance_margin < before.maintenance_margin:
            raise _bad(f"the maintenance margin falls at {after.notional:g}", "rates that rise or stay")
        if _leverage(after) > _leverage(before):
            raise _bad(f"the highest leverage rises at {after.notional:g}", "leverages that fall or stay")
    return found


def maintenance_amounts(tiers: Tiers) -> tuple[float, ...]:
    """Give what each tier takes off rate * notional, so that the sum does not jump where a tier begins.

    amount[k] = amount[k - 1] + notional[k] * (rate[k] - rate[k - 1]), quote units, as venues publish it.

    Example:
        >>> maintenance_amounts(tiers_of([(0, 0.25), (100, 0.5)]))
        (0.0, 25.0)
    """
    amounts, before = [], tiers[0].maintenance_margin if tiers else 0.0
    total = 0.0
    for tier in tiers:
        total += tier.notional * (tier.maintenance_margin - before)
        before = tier.maintenance_margin
        amounts.append(total)
    return tuple(amounts)


def largest_notional(tiers: Tiers, leverage: float) -> float:
    """Give the notional from which this leverage is not allowed; infinity when it always is."""
    return next((tier.notional for tier in tiers if _leverage(tier) < leverage), math.inf)


def check_room(tiers: Tiers, leverage: float) -> None:
    """See that a position opened at this leverage in any tier that allows it is not liquidated at once.

    Raises:
        UserError: BAD_SETTING.
    """
    if tiers and _leverage(tiers[0]) < leverage:
        raise _bad(f"leverage {leverage:g} is not allowed in any tier", f"at most {tiers[0].max_leverage:g}")
    for tier in tiers:
        if _leverage(tier) >= leverage and leverage * tier.maintenance_margin >= 1.0:
            raise _bad(
                f"leverage {leverage:g} leaves no room for {tier.maintenance_margin:g} from {tier.notional:g} on",
                f"below 1 / leverage = {1.0 / leverage:g}, or a max_leverage below {leverage:g} from there on",
            )


def _bad(what: str, valid: str) -> UserError:
    """Say what is wrong with tiers."""
    return UserError("BAD_SETTING", f"margin tiers: {what}", facts={"valid": valid})


def _leverage(tier: Tier) -> float:
    return math.inf if tier.max_leverage is None else tier.max_leverage


def _tier(row: Sequence[Any]) -> Tier:
    try:
        notional, rate, *rest = row
        leverage = None if not rest or rest[0] is None else float(rest[0])
        tier = Tier(float(notional), float(rate), leverage)
    except (TypeError, ValueError):
        raise _bad(f"{row!r} is no tier", "notional, maintenance margin, highest leverage or nothing") from None
    if len(rest) > 1 or not (math.isfinite(tier.notional) and tier.notional >= 0.0):
        raise _bad(f"{row!r} is no tier", "a notional from 0 on, a rate, a leverage or nothing")
    if not 0.0 <= tier.maintenance_margin <= HIGHEST_RATE:
        raise _bad(f"maintenance margin {tier.maintenance_margin!r}", f"0 to {HIGHEST_RATE:g}")
    if leverage is not None and not 1.0 <= leverage <= HIGHEST_LEVERAGE:
        raise _bad(f"highest leverage {leverage!r}", f"1 to {HIGHEST_LEVERAGE:g}, or nothing")
    return tier
