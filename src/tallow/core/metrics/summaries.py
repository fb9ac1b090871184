"""The summary of a run: one number under each canonical name."""

import math

import numpy as np

from tallow.core.metrics.drawdowns import path_drawdowns
from tallow.core.metrics.returns import YEAR_DAYS, growth, last_of_days, sharpe, sharpe_interval, sortino, volatility
from tallow.core.metrics.trades import Metric, trade_metrics
from tallow.domain.columns import Bars, Floats, Times
from tallow.domain.results import Path, Run
from tallow.domain.scene import Execution
from tallow.domain.timeframes import DAY, YEAR, Timeframe

METRICS = (
    "return_pct", "final_equity", "buy_hold_pct", "cagr_pct", "volatility_pct", "sharpe", "sharpe_low", "sharpe_high",
    "sharpe_n", "sortino", "calmar", "max_drawdown_pct", "max_drawdown_bars", "max_drawdown_days",
    "max_drawdown_start", "max_drawdown_end", "trades", "wins", "losses", "draws", "win_rate_pct", "profit_factor",
    "expectancy", "expectancy_pct", "sqn", "best_trade_pct", "worst_trade_pct", "average_trade_bars", "open_trades",
    "open_trade_profit", "exposure_pct", "turnover", "fees", "slippage", "funding", "break_even_cost_bps",
    "ambiguous_bars", "rejected_orders",
)  # fmt: skip
"""The keys of a summary, in order. Definitions, units and what None means: docs/metrics.md."""


def summary(run: Run, bars: Bars, timeframe: Timeframe, execution: Execution, cash: float) -> dict[str, Metric]:
    """Give every metric of a run, under the keys of `METRICS`.

    Percentages are in per cent, money in quote units, times in microseconds UTC. None where a metric is undefined,
    never NaN or infinity. A year has 365 days of 24 hours.

    Args:
        run: what the engine computed.
        bars: the bars it ran on.
        timeframe: their length.
        execution: costs, for buy and hold.
        cash: starting balance in quote units.
    """
    found: dict[str, Metric] = {
        **_growth_metrics(run, timeframe, cash),
        **_ratio_metrics(run, timeframe, cash),
        **_drawdown_metrics(run, cash),
        **trade_metrics(run.trades),
        **_cost_metrics(run, cash),
        "buy_hold_pct": buy_hold_pct(bars, execution),
        "exposure_pct": 100.0 * (run.exposed_bars / len(run.time)) if len(run.time) else None,
        "ambiguous_bars": run.ambiguous_bars,
        "rejected_orders": run.rejected_orders,
    }
    depth, yearly = found["max_drawdown_pct"], found["cagr_pct"]
    found["calmar"] = yearly / abs(depth) if yearly is not None and depth else None
    return {name: _finite(found[name]) for name in METRICS}


def buy_hold_pct(bars: Bars, execution: Execution) -> float | None:
    """Give the return, in per cent, of spending all cash once and holding: same taker fee, same slippage.

    Bought at the first open that an order decided at the first close could meet (at that close itself when
    `execution.fill` is ``close``), valued at the last close, never sold. Without leverage, funding, volume impact, lot
    or tick sizes. None when no such bar exists.
    """
    at_close = execution.fill == "close"
    prices, first = (bars.close, 0) if at_close else (bars.open, 1)
    while first < len(bars) and bars.volume[first] <= 0.0:
        first += 1
    if first >= len(bars):
        return None
    cost = (1.0 + execution.slippage_bps / 10_000) * (1.0 + execution.taker_fee)
    return 100.0 * (float(bars.close[-1]) / (float(prices[first]) * cost) - 1.0)


def _growth_metrics(run: Run, timeframe: Timeframe, cash: float) -> dict[str, Metric]:
    final = _final(run, cash)
    span = timeframe.next(int(run.time[-1])) - int(run.time[0]) if len(run.time) else 0
    return {
        "return_pct": 100.0 * (final - cash) / cash,
        "final_equity": final,
        "cagr_pct": _yearly_growth_pct(final / cash, span),
    }


def _final(run: Run, cash: float) -> float:
    return float(equity_at(run.path, np.array([len(run.time) - 1]))[0]) if len(run.time) else cash


def equity_at(path: Path, rows: Times) -> Floats:
    """Give the equity at the closes of these rows."""
    place = np.searchsorted(path.row, rows, side="right") - 1
    return path.cash[place] + path.quantity[place] * path.close[rows]


def _yearly_growth_pct(factor: float, span: int) -> float | None:
    # Less than a day blown up to a year says nothing; nor does a factor that has no such root or no such size.
    if span < DAY:
        return None
    if factor <= 0.0:
        return -100.0
    exponent = math.log(factor) * YEAR / span
    return 100.0 * math.expm1(exponent) if exponent < 700.0 else None


def _ratio_metrics(run: Run, timeframe: Timeframe, cash: float) -> dict[str, Metric]:
    returns, per_year = ratio_returns(run, timeframe, cash)
    low, high = sharpe_interval(returns, per_year)
    yearly = volatility(returns, per_year)
    return {
        "sharpe": sharpe(returns, per_year),
        "sharpe_low": low,
        "sharpe_high": high,
        "sharpe_n": len(returns),
        "sortino": sortino(returns, per_year),
        "volatility_pct": None if yearly is None else 100.0 * yearly,
    }


def ratio_returns(run: Run, timeframe: Timeframe, cash: float) -> tuple[Floats, float]:
    """Give the returns behind the Sharpe ratio, daily ones for bars below a day, and how many of them a year has."""
    # Bars shorter than a day are joined to days: the square root of time is then the same for every timeframe.
    if timeframe.microseconds < DAY:
        return growth(equity_at(run.path, last_of_days(run.time)), cash), YEAR_DAYS
    return growth(run.equity, cash), timeframe.per_year


def _drawdown_metrics(run: Run, cash: float) -> dict[str, Metric]:
    worst = path_drawdowns(run.path, run.time, cash, count=1)
    if not worst:
        nothing: dict[str, Metric] = {"max_drawdown_start": None, "max_drawdown_end": None}
        return {"max_drawdown_pct": 0.0, "max_drawdown_bars": 0, "max_drawdown_days": 0.0, **nothing}
    fall = worst[0]
    until = int(run.time[-1]) if fall.end is None else fall.end
    return {
        "max_drawdown_pct": fall.depth_pct,
        "max_drawdown_bars": fall.bars,
        "max_drawdown_days": (until - fall.start) / DAY,
        "max_drawdown_start": fall.start,
        "max_drawdown_end": fall.end,
    }


def _cost_metrics(run: Run, cash: float) -> dict[str, Metric]:
    fees, slippage = float(run.fills.fee.sum()), float(run.fills.slippage.sum())
    turnover = float(np.abs(run.fills.quantity * run.fills.price).sum())
    profit = _final(run, cash) - cash
    return {
        "turnover": turnover,
        "fees": fees,
        "slippage": slippage,
        "funding": float(run.trades.funding.sum()),
        "break_even_cost_bps": 10_000 * (profit + fees + slippage) / turnover if turnover > 0.0 else None,
    }


def _finite(value: Metric) -> Metric:
    return None if isinstance(value, float) and not math.isfinite(value) else value
