"""Portfolios: target weights of several instruments, one account with shared cash, by one compiled loop."""

from tallow.core.portfolio.batch import run
from tallow.core.portfolio.panel import Panel, align
from tallow.core.portfolio.results import PortfolioFills, PortfolioRun
from tallow.core.portfolio.rules import AccountRules, Calendar, Drift, EveryBars, OnChange, Rebalance

__all__ = [
    "AccountRules", "Calendar", "Drift", "EveryBars", "OnChange", "Panel", "PortfolioFills", "PortfolioRun",
    "Rebalance", "align", "run",
]  # fmt: skip
