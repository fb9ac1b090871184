"""Metrics of round trips: how many, how good, how long."""

import math

import numpy as np

from tallow.domain.results import EXIT_REASONS, TradeLog

Metric = float | int | None
OPEN = EXIT_REASONS.index("open")


def trade_metrics(log: TradeLog) -> dict[str, Metric]:
    """Give the metrics of a trade log; only closed round trips count, an open one is reported apart.

    Without a closed trade counts are 0 and everything else is None; `open_trade_profit` is None without an open one.
    """
    closed = log.reason != OPEN
    profit, percent = log.profit[closed], log.return_pct[closed]
    won, lost = profit[profit > 0], profit[profit < 0]
    found: dict[str, Metric] = {
        "trades": len(profit),
        "wins": len(won),
        "losses": len(lost),
        "draws": len(profit) - len(won) - len(lost),
        "win_rate_pct": None,
        "profit_factor": float(won.sum() / -lost.sum()) if len(lost) else None,
        "expectancy": None,
        "expectancy_pct": None,
        "sqn": _system_quality(profit.tolist()),
        "best_trade_pct": None,
        "worst_trade_pct": None,
        "average_trade_bars": None,
        "open_trades": int(np.count_nonzero(~closed)),
        "open_trade_profit": float(log.profit[~closed].sum()) if not closed.all() else None,
    }
    if len(profit):
        found |= {
            "win_rate_pct": 100.0 * len(won) / len(profit),
            "expectancy": float(profit.mean()),
            "expectancy_pct": float(percent.mean()),
            "best_trade_pct": float(percent.max()),
            "worst_trade_pct": float(percent.min()),
            "average_trade_bars": float((log.exit_row - log.entry_row)[closed].mean()),
        }
    return found


def _system_quality(profits: list[float]) -> float | None:
    # sqrt(n) x mean / sample standard deviation of profit (V. Tharp).
    if len(profits) < 2:
        return None
    spread = float(np.std(profits, ddof=1))
    return math.sqrt(len(profits)) * float(np.mean(profits)) / spread if spread > 0 else None
