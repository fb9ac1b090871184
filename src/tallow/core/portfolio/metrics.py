"""Metrics of a portfolio: those of a run, applied to the account as a whole."""

from collections.abc import Mapping
from dataclasses import fields

import numpy as np

from tallow.core.metrics import buy_hold_pct, summary
from tallow.core.portfolio.results import PortfolioRun
from tallow.domain.columns import Bars, Floats
from tallow.domain.results import FillLog, Run, TradeLog
from tallow.domain.scene import Execution
from tallow.domain.timeframes import Timeframe


def account_run(done: PortfolioRun) -> Run:
    """Give the whole account as one run: its equity, all fills, and the trades of all instruments by entry.

    `position` is the value of all positions without sign, in quote units; `target` the sum of the weights without sign.
    """
    columns = range(len(done.symbols))
    held = [_value(done, i) for i in columns]
    log = done.fills
    return Run(
        time=done.time,
        equity=done.equity,
        position=np.sum(held, axis=0),
        target=np.sum([np.abs(done.target(i)) for i in columns], axis=0),
        fills=FillLog(**{item.name: getattr(log, item.name) for item in fields(FillLog)}),
        trades=_merged(done.trades),
        ambiguous_bars=sum(done.ambiguous_bars),
        rejected_orders=sum(done.rejected_orders),
    )


def portfolio_summary(
    done: PortfolioRun, timeframe: Timeframe, execution: Execution | Mapping[str, Execution]
) -> dict[str, float | int | None]:
    """Give every metric of the account, under the keys of `core.metrics.METRICS`.

    Trades are those of all instruments; `exposure_pct` counts rows with any position; `buy_hold_pct` is the mean over
    instruments, as if each had got the same part of the cash: None unless every one of them could be bought.
    """
    found = summary(account_run(done), _bars(done, 0), timeframe, _of(execution, done.symbols[0]), done.start_cash)
    held = [buy_hold_pct(_bars(done, i), _of(execution, symbol)) for i, symbol in enumerate(done.symbols)]
    known = [value for value in held if value is not None]
    found["buy_hold_pct"] = sum(sorted(known)) / len(held) if len(known) == len(held) else None
    return found


def _of(execution: Execution | Mapping[str, Execution], symbol: str) -> Execution:
    return execution if isinstance(execution, Execution) else execution[symbol]


def _bars(done: PortfolioRun, instrument: int) -> Bars:
    market = done.panel.markets[instrument]
    return Bars.of(market.time, market.columns[:5])


def _value(done: PortfolioRun, instrument: int) -> Floats:
    quantity = done.positions[:, instrument]
    return np.where(quantity != 0.0, np.abs(quantity) * done.panel.closes(instrument), 0.0)


def _merged(logs: tuple[TradeLog, ...]) -> TradeLog:
    joined = {item.name: np.concatenate([getattr(log, item.name) for log in logs]) for item in fields(TradeLog)}
    order = np.argsort(joined["entry_row"], kind="stable")
    return TradeLog(**{name: column[order] for name, column in joined.items()})
