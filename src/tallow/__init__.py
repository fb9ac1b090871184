"""Crypto market data and backtests with numbers one can trust.

Importing tallow loads nothing heavy: each name below is imported when it is first used.

Example:
    >>> import tallow
    >>> tallow.Int(10, 2, 50).default
    10
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tallow.core import indicators
    from tallow.core.strategies import Choice, Float, Int, Strategy
    from tallow.domain.errors import Error
    from tallow.domain.orders import Order, Side
    from tallow.runners.higher import higher
    from tallow.sdk import (
        Check,
        CrossValidation,
        Lake,
        Portfolio,
        Result,
        Sweep,
        WalkForward,
        backtest,
        check,
        check_label,
        cross_validate,
        open,
        portfolio,
        sample,
        sweep,
        walk_forward,
    )

_HOMES = {
    "Check": "tallow.sdk",
    "Choice": "tallow.core.strategies",
    "CrossValidation": "tallow.sdk",
    "Error": "tallow.domain.errors",
    "Float": "tallow.core.strategies",
    "Int": "tallow.core.strategies",
    "Lake": "tallow.sdk",
    "Order": "tallow.domain.orders",
    "Portfolio": "tallow.sdk",
    "Result": "tallow.sdk",
    "Side": "tallow.domain.orders",
    "Strategy": "tallow.core.strategies",
    "Sweep": "tallow.sdk",
    "WalkForward": "tallow.sdk",
    "backtest": "tallow.sdk",
    "check": "tallow.sdk",
    "check_label": "tallow.sdk",
    "cross_validate": "tallow.sdk",
    "higher": "tallow.runners.higher",
    "open": "tallow.sdk",
    "portfolio": "tallow.sdk",
    "sample": "tallow.sdk",
    "sweep": "tallow.sdk",
    "walk_forward": "tallow.sdk",
}

__all__ = [
    "Check", "Choice", "CrossValidation", "Error", "Float", "Int", "Lake", "Order", "Portfolio", "Result", "Side",
    "Strategy", "Sweep", "WalkForward", "backtest", "check", "check_label", "cross_validate", "higher", "indicators",
    "open", "portfolio", "sample", "sweep", "walk_forward",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    if name == "indicators":
        return import_module("tallow.core.indicators")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tallow' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted([*__all__, "__version__"])
