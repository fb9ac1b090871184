"""The workload on raptorbt (Rust): run under the environment that peers.py builds.

Averages and crossings by numpy, one pair a call; every call computes its full set of metrics. Mode ``batch`` hands
over up to 64 pairs a call, which it spreads over all cores.
"""

import time

import numpy as np
import workload

options = workload.options(__doc__).parse_args()
started = time.perf_counter()
import raptorbt  # noqa: E402

import_s = time.perf_counter() - started
columns = workload.load(options.inputs)
times = columns["time"] * 1000
ohlcv = [columns[name] for name in workload.COLUMNS[1:]]
grid = workload.chosen_pairs(options)
config = raptorbt.BacktestConfig(initial_capital=workload.CASH, fees=workload.FEE)
if options.task == "bracket":
    config.set_fixed_stop(workload.STOP)
    config.set_fixed_target(workload.TARGET)


def signals(lines, fast, slow):
    above = lines[fast] > lines[slow]
    entries, exits = np.empty_like(above), np.empty_like(above)
    entries[0], exits[0] = above[0], False
    np.greater(above[1:], above[:-1], out=entries[1:])
    np.less(above[1:], above[:-1], out=exits[1:])
    return entries, exits


def row(result):
    metrics = result.metrics
    return (
        metrics.total_return_pct / 100,
        metrics.total_trades,
        metrics.winning_trades,
        metrics.losing_trades,
        metrics.max_drawdown_pct / 100,
        metrics.sharpe_ratio,
    )


def one_by_one():
    lines = workload.averages(columns["close"], grid)
    return np.array(
        [
            row(raptorbt.run_single_backtest(times, *ohlcv, *signals(lines, *pair), 1, 1.0, "X", config))
            for pair in grid.tolist()
        ]
    )


def batch():
    lines = workload.averages(columns["close"], grid)
    rows = []
    for start in range(0, len(grid), 64):
        items = [
            raptorbt.BatchSingleItem(str(i), *signals(lines, *pair), 1, 1.0, "X", config)
            for i, pair in enumerate(grid[start : start + 64].tolist())
        ]
        rows += [row(result) for _, result in raptorbt.batch_single_backtest(times, *ohlcv, items, config)]
    return np.array(rows)


call = batch if options.mode == "batch" else one_by_one
workload.report("raptorbt", options, import_s, call, ("raptorbt", "numpy"))
