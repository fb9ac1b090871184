"""Portfolios: target weights of several instruments, one account with shared cash, by one compiled loop."""

from tallow.core.portfolio.batch import run
from tallow.core.portfolio.causality import certify_weights
from tallow.core.portfolio.metrics import account_run, portfolio_summary
from tallow.core.portfolio.panel import Panel, align
from tallow.core.portfolio.results import PortfolioFills, PortfolioRun
from tallow.core.portfolio.rules import AccountRules, Calendar, Drift, EveryBars, OnChange, Rebalance
from tallow.core.portfolio.weights import (
    BUILT_IN,
    Weigh,
    close_table,
    equal_weight,
    evaluate,
    inverse_volatility,
    momentum,
)

__all__ = [
    "BUILT_IN", "AccountRules", "Calendar", "Drift", "EveryBars", "OnChange", "Panel", "PortfolioFills",
    "PortfolioRun", "Rebalance", "Weigh", "account_run", "align", "certify_weights", "close_table", "equal_weight",
    "evaluate", "inverse_volatility", "momentum", "portfolio_summary", "run",
]  # fmt: skip
