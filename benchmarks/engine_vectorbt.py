"""The workload on vectorbt, with its Rust engine: run under the environment that peers.py builds.

One pair a call, the averages and the crossings by numpy, drawdown from `value()`: on long series this is faster than
its wide matrices, `vbt.MA` and `max_drawdown()`, so it is the setting to compare with. Modes: empty (that setting),
``indicators`` (`vbt.MA`, `ma_crossed_above` and `max_drawdown()`, the way its manual shows).
"""

import time

import numpy as np
import workload

options = workload.options(__doc__).parse_args()
started = time.perf_counter()
import pandas as pd  # noqa: E402
import vectorbt as vbt  # noqa: E402

import_s = time.perf_counter() - started
vbt.settings["engine"] = "rust"
vbt.settings.array_wrapper["freq"] = "1min"
vbt.settings.returns["year_freq"] = "365 days"

columns = workload.load(options.inputs, ("time", "close"))
close = pd.Series(columns["close"], index=pd.to_datetime(columns["time"], unit="us"))
grid = workload.chosen_pairs(options)


def simulate(entries, exits):
    return vbt.Portfolio.from_signals(close, entries, exits, size=np.inf, fees=workload.FEE, init_cash=workload.CASH)


def tuned():
    prices = columns["close"]
    lines = workload.averages(prices, grid)
    rows = []
    for fast, slow in grid.tolist():
        above = lines[fast] > lines[slow]
        entries, exits = np.empty_like(above), np.empty_like(above)
        entries[0], exits[0] = above[0], False
        np.greater(above[1:], above[:-1], out=entries[1:])
        np.less(above[1:], above[:-1], out=exits[1:])
        portfolio = simulate(entries, exits)
        value = portfolio.value().to_numpy()
        peak = np.maximum.accumulate(np.maximum(value, workload.CASH))
        trades = portfolio.trades
        rows.append(
            (
                value[-1] / workload.CASH - 1,
                trades.count(),
                trades.winning.count(),
                trades.losing.count(),
                1 - (value / peak).min(),
                portfolio.sharpe_ratio(),
            )
        )
    return np.array(rows)


def indicators():
    rows = []
    for fast, slow in grid.tolist():
        fast_line, slow_line = vbt.MA.run(close, fast), vbt.MA.run(close, slow)
        portfolio = simulate(fast_line.ma_crossed_above(slow_line), fast_line.ma_crossed_below(slow_line))
        trades = portfolio.trades
        rows.append(
            (
                portfolio.total_return(),
                trades.count(),
                trades.winning.count(),
                trades.losing.count(),
                -portfolio.max_drawdown(),
                portfolio.sharpe_ratio(),
            )
        )
    return np.array(rows)


call = indicators if options.mode == "indicators" else tuned
workload.report("vectorbt", options, import_s, call, ("vectorbt", "vectorbt-rust", "numba", "numpy", "pandas"))
