"""The workload on tallow, through the calls that a backtest is made of, on columns already in memory.

Task single: a strategy is loaded, its targets evaluated, the engine run with all its trades, the full summary made.
Mode ``compiled`` loads the built-in crossover; ``indicators`` and ``pandas`` load a user's file with a vectorised
`signals()`. Task sweep: the crossover under every pair of the grid, through `core.sweep.sweep`.
"""

import time
from pathlib import Path

import numpy as np
import workload

options = workload.options(__doc__).parse_args()
started = time.perf_counter()
from tallow.core import engine, metrics  # noqa: E402
from tallow.core.indicators import sma  # noqa: E402
from tallow.core.sweep import sweep  # noqa: E402
from tallow.domain.columns import Bars  # noqa: E402
from tallow.domain.scene import Execution  # noqa: E402
from tallow.domain.timeframes import parse_timeframe  # noqa: E402
from tallow.runners import inline  # noqa: E402

import_s = time.perf_counter() - started
columns = workload.load(options.inputs)
bars = Bars.of(columns["time"], tuple(columns[name] for name in workload.COLUMNS[1:]))
grid = workload.chosen_pairs(options)
execution = Execution(fill="close", taker_fee=workload.FEE)
minute = parse_timeframe("1m")
STRATEGY = "sma_cross" if options.mode == "compiled" else str(Path(__file__).with_name(f"crossover_{options.mode}.py"))


def single():
    ((fast, slow),) = grid.tolist()
    strategy = inline.load(STRATEGY, {"fast": fast, "slow": slow})
    targets = inline.evaluate(strategy, bars, execution, workload.CASH)
    done = engine.run(bars, targets, execution, cash=workload.CASH)
    found = metrics.summary(done, bars, minute, execution, workload.CASH)
    return np.array(
        [
            (
                done.equity[-1] / workload.CASH - 1,
                found["trades"],
                found["wins"],
                found["losses"],
                -found["max_drawdown_pct"] / 100,
                found["sharpe"],
            )
        ]
    )


def crossover(lines, pair):
    fast, slow = (lines(sma, "close", int(pair[name])) for name in ("fast", "slow"))
    return (fast > slow).astype(np.float64)


def combinations():
    pairs = [{"fast": fast, "slow": slow} for fast, slow in grid.tolist()]
    found = sweep(bars, crossover, pairs, execution, cash=workload.CASH)
    found["max_drawdown"] = -found["max_drawdown"]
    return np.column_stack([found[name] for name in (*workload.MEASURED, "bar_sharpe")])


call = single if options.task == "single" else combinations
workload.report("tallow", options, import_s, call, ("numba", "numpy", "pandas"))
