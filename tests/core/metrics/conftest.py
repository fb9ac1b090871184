"""Runs built by hand."""

import numpy as np
import pytest

from tallow.domain.columns import Bars
from tallow.domain.results import EXIT_REASONS, FillLog, Run, TradeLog


def make_trades(rows=()):
    """Trades from (entry_row, exit_row, profit, return_pct, reason, funding) rows."""
    table = np.array([(*row, 0.0)[:6] if len(row) == 5 else row for row in rows], object).reshape(len(rows), 6)
    entry, leave = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    ones = np.ones(len(rows))
    return TradeLog(
        entry_row=entry, exit_row=leave, entry_time=entry * 3_600_000_000, exit_time=leave * 3_600_000_000,
        side=ones.astype(np.int64), quantity=ones, entry_price=ones, exit_price=ones, fees=0 * ones, slippage=0 * ones,
        funding=table[:, 5].astype(float), profit=table[:, 2].astype(float), return_pct=table[:, 3].astype(float),
        reason=np.array([EXIT_REASONS.index(name) for name in table[:, 4]], np.int64),
    )  # fmt: skip


def make_fills(rows=()):
    """Fills from (row, quantity, price, fee, slippage) rows."""
    table = np.array(rows, np.float64).reshape(len(rows), 5)
    row = table[:, 0].astype(np.int64)
    return FillLog(row, row * 3_600_000_000, *table[:, 1:].T, reason=np.zeros(len(rows), np.int64))


def make_run(equity, step=3_600_000_000, position=None, trades=(), fills=()):
    """A run with this equity on bars `step` microseconds apart from 1970 on."""
    equity = np.array(equity, np.float64)
    position = np.zeros(len(equity)) if position is None else np.array(position, np.float64)
    time = np.arange(len(equity), dtype=np.int64) * step
    return Run(time, equity, position, np.sign(position), make_fills(fills), make_trades(trades), 3, 2)


def make_bars(close, step=3_600_000_000, volume=None):
    """Bars that open at the close before."""
    close = np.array(close, np.float64)
    opens = np.concatenate((close[:1], close[:-1]))
    volume = np.ones(len(close)) if volume is None else np.array(volume, np.float64)
    time = np.arange(len(close), dtype=np.int64) * step
    return Bars.of(time, (opens, np.maximum(opens, close), np.minimum(opens, close), close, volume))


@pytest.fixture
def build():
    """The builders, by name."""
    return type("Build", (), {"run": staticmethod(make_run), "bars": staticmethod(make_bars),
                              "trades": staticmethod(make_trades), "fills": staticmethod(make_fills)})  # fmt: skip
