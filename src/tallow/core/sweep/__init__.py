"""Many parameter combinations on one series, each with the numbers that a single backtest gives."""

from tallow.core.sweep.crossings import crossings
from tallow.core.sweep.rules import Lines, Rule, Spread, by_shared_lines, sweep

__all__ = ["Lines", "Rule", "Spread", "by_shared_lines", "crossings", "sweep"]
