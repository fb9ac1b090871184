"""The Python interface: open a lake, look into it, run and check strategies."""

from tallow.sdk.cross import CrossValidation, cross_validate
from tallow.sdk.lake import Lake, open, sample
from tallow.sdk.portfolios import Portfolio, portfolio
from tallow.sdk.research import backtest, check, check_label
from tallow.sdk.results import Check, Result
from tallow.sdk.sweeps import Sweep, WalkForward, sweep, walk_forward

__all__ = [
    "Check", "CrossValidation", "Lake", "Portfolio", "Result", "Sweep", "WalkForward", "backtest", "check",
    "check_label", "cross_validate", "open", "portfolio", "sample", "sweep", "walk_forward",
]  # fmt: skip
