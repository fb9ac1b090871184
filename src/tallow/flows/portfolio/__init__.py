"""Portfolios: weights of several instruments carried out in one account, scored, stored and replayed."""

from tallow.flows.portfolio.flow import one_range, portfolio
from tallow.flows.portfolio.opening import OpenedPortfolio, open_holdouts
from tallow.flows.portfolio.replay import open_portfolio, replay_portfolio
from tallow.flows.portfolio.rules import parse_rebalance
from tallow.flows.portfolio.values import Book, Instrument, PortfolioResult, Weights

__all__ = [
    "Book", "Instrument", "OpenedPortfolio", "PortfolioResult", "Weights", "one_range", "open_holdouts",
    "open_portfolio", "parse_rebalance", "portfolio", "replay_portfolio",
]  # fmt: skip
