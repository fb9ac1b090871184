"""Metrics of a run: every definition in one place, with its unit and what it says when it is undefined."""

from tallow.core.metrics.drawdowns import Drawdown, drawdowns
from tallow.core.metrics.returns import (
    DailyEquity,
    MonthlyReturn,
    daily_equity,
    growth,
    monthly_returns,
    rolling_sharpe,
    sharpe,
    sharpe_interval,
    sortino,
    volatility,
)
from tallow.core.metrics.summaries import METRICS, buy_hold_pct, ratio_returns, summary
from tallow.core.metrics.trades import trade_metrics

__all__ = [
    "METRICS", "DailyEquity", "Drawdown", "MonthlyReturn", "buy_hold_pct", "daily_equity", "drawdowns", "growth",
    "monthly_returns", "ratio_returns", "rolling_sharpe", "sharpe", "sharpe_interval", "sortino", "summary",
    "trade_metrics", "volatility",
]  # fmt: skip
