"""The workload on tallow, through the calls that a backtest is made of, on columns already in memory.

Task single: a strategy is loaded, its targets evaluated, the engine run with all its trades, the full summary made;
bars are checked (`prepare`) once before the timed calls, or in each of them in modes that end in ``-check``. Mode
``compiled`` loads the built-in crossover; ``indicators`` and ``pandas`` load a user's file with a vectorised
`signals()`. Task bracket: the built-in crossover with a stop and a target. Task bars: a class that decides bar by bar.
Task sweep: the crossover under every pair of the grid; mode ``crossings`` by the kernel for crossings, ``rule`` by any
rule that gives targets, ``signals`` by a user's file as `tallow sweep` evaluates it. Task compiled: a strategy that
numba compiles into the loop and that sends market orders. Tasks bars and compiled fill at the next open.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import workload

options = workload.options(__doc__).parse_args()
started = time.perf_counter()
from tallow.core import engine, metrics  # noqa: E402
from tallow.core.indicators import sma  # noqa: E402
from tallow.core.strategies import Strategy, decider  # noqa: E402
from tallow.core.sweep import Spread, crossings, sweep  # noqa: E402
from tallow.domain.columns import Bars  # noqa: E402
from tallow.domain.scene import Execution  # noqa: E402
from tallow.domain.timeframes import parse_timeframe  # noqa: E402

if options.task in ("single", "bracket") or options.mode == "signals":  # strategies of files, which come with pandas
    from tallow.runners import batches, inline
import_s = time.perf_counter() - started
columns = workload.load(options.inputs)
bars = Bars.of(columns["time"], tuple(columns[name] for name in workload.COLUMNS[1:]))
grid = workload.chosen_pairs(options)
stops = {"stop_loss": workload.STOP, "take_profit": workload.TARGET} if options.task == "bracket" else {}
fill = "next_open" if options.task in ("bars", "compiled") else "close"
execution = Execution(fill=fill, taker_fee=workload.FEE, maker_fee=workload.FEE, **stops)
minute = parse_timeframe("1m")
mode, _, checks = options.mode.partition("-")
code = "sma_cross" if mode == "compiled" else str(Path(__file__).with_name(f"crossover_{mode}.py"))
market = None if checks else engine.prepare(bars)


class Crossover(Strategy):
    """The crossover as a class that is asked at every bar."""

    fast, slow = workload.PAIR

    def init(self):
        """Declare the averages."""
        self.quick = self.indicator(sma, self.bars.close, self.fast)
        self.calm = self.indicator(sma, self.bars.close, self.slow)

    def next(self):
        """Hold all while the fast one is above."""
        if self.quick[-1] > self.calm[-1]:
            if not self.position:
                self.buy()
        elif self.position:
            self.close_position()


def summary_of(done):
    found = metrics.summary(done, bars, minute, execution, workload.CASH)
    names = ("trades", "wins", "losses")
    counts = tuple(found[name] for name in names)
    drawdown = -found["max_drawdown_pct"] / 100
    return np.array([(found["final_equity"] / workload.CASH - 1, *counts, drawdown, found["sharpe"])])


def single():
    ((fast, slow),) = grid.tolist()
    strategy = inline.load(code, {"fast": fast, "slow": slow})
    targets = inline.evaluate(strategy, bars, execution, workload.CASH)
    return summary_of(engine.run(market or engine.prepare(bars), targets, execution, cash=workload.CASH))


def bar_by_bar():
    return summary_of(engine.run_path(market, decider(Crossover, {}, bars), execution, cash=workload.CASH))


def compiled():
    from crossover_compiled import decide

    from tallow.core.orders import CompiledStrategy, run_compiled

    strategy = CompiledStrategy(decide, workload.PAIR, own=(0.0, 0.0))
    return summary_of(run_compiled(market, strategy, execution, cash=workload.CASH).run)


def by_crossings(pairs):
    with ThreadPoolExecutor(options.threads) as pool:
        return crossings(market, pairs, execution, cash=workload.CASH, spread=Spread(options.threads, pool.map))


def by_rule(pairs):
    def rule(lines, pair):
        return lines(sma, "close", pair["fast"]) > lines(sma, "close", pair["slow"])

    named = [{"fast": fast, "slow": slow} for fast, slow in pairs]
    with ThreadPoolExecutor(options.threads) as pool:
        spread = Spread(options.threads, pool.map)
        return sweep(market, rule, named, execution, cash=workload.CASH, spread=spread)


def by_signals(pairs):
    strategy = inline.load(str(Path(__file__).with_name("crossover_indicators.py")))
    ground = batches.Ground(bars, execution, workload.CASH)
    return batches.evaluate(ground, strategy, ("fast", "slow"), pairs).columns


def combinations():
    pairs = [tuple(pair) for pair in grid.tolist()]
    found = {"crossings": by_crossings, "rule": by_rule, "signals": by_signals}[options.mode](pairs)
    named = {**found, "max_drawdown": -found["max_drawdown"]}
    return np.column_stack([named[name] for name in (*workload.MEASURED, "bar_sharpe")])


call = {"sweep": combinations, "bars": bar_by_bar, "compiled": compiled}.get(options.task, single)
workload.report("tallow", options, import_s, call, ("numba", "numpy", "pandas"))
