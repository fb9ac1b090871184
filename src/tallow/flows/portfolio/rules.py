"""Rebalancing rules as text: as people type them, in the one spelling of the records, and in words."""

from collections.abc import Callable
from typing import TypeVar, get_args

from tallow.core.portfolio import Calendar, Drift, EveryBars, OnChange, Rebalance
from tallow.core.portfolio.rules import Period
from tallow.domain.errors import UserError


def parse_rebalance(text: str) -> Rebalance:
    """Read a rebalancing rule: change, daily, weekly, monthly, every:24 or drift:0.05.

    Raises:
        UserError: BAD_SETTING.
    """
    word, colon, number = text.strip().lower().partition(":")
    if not colon and word == "change":
        return OnChange()
    for period in get_args(Period):
        if not colon and word == period:
            return Calendar(period)
    found = _number(int, number) if word == "every" else _number(float, number) if word == "drift" else None
    if found is None:
        valid = "change, daily, weekly, monthly, every:24 (bars), drift:0.05 (of the equity)"
        raise UserError("BAD_SETTING", f"rebalance = {text!r} is no rule", facts={"valid": valid})
    return EveryBars(int(found)) if word == "every" else Drift(found)


def write_rebalance(rule: Rebalance) -> str:
    """Write a rule in its one spelling, which `parse_rebalance` reads back.

    Example:
        >>> write_rebalance(Drift(0.05)), write_rebalance(Calendar("daily"))
        ('drift:0.05', 'daily')
    """
    if isinstance(rule, Calendar):
        return rule.period
    if isinstance(rule, EveryBars):
        return f"every:{rule.count}"
    return f"drift:{float(rule.threshold)!r}" if isinstance(rule, Drift) else "change"


def rebalanced(rule: Rebalance) -> str:
    """Write the rule in words."""
    if isinstance(rule, EveryBars):
        return f"every {rule.count} bars"
    if isinstance(rule, Drift):
        return f"on a drift of {rule.threshold:g}"
    return rule.period if isinstance(rule, Calendar) else "on change"


_Number = TypeVar("_Number", int, float)


def _number(kind: Callable[[str], _Number], text: str) -> _Number | None:
    try:
        return kind(text)
    except ValueError:
        return None
