"""What every engine is given and what it must answer: inputs, the rule, timing, and one JSON line.

Imported under the project's interpreter and under those of the peers: numpy and the standard library only.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np

SEED = 20240101
START = 1_577_836_800_000_000  # 2020-01-01, microseconds
MINUTE = 60_000_000
TICK = 1 / 64  # a power of two: sums of prices are exact, so an average is the same in whatever order it is added
FEE = 0.001
CASH = 10_000.0
PAIR = (30, 150)
STOP, TARGET = 0.01, 0.02
COLUMNS = ("time", "open", "high", "low", "close", "volume")
MEASURED = ("total_return", "trades", "wins", "losses", "max_drawdown")


def generate(rows: int, seed: int = SEED) -> dict[str, np.ndarray]:
    """Draw 1-minute candles: a random walk with slow volatility and slow drift, and a falling end.

    The drift is there because some forty thousand round trips at 0.2 % leave nothing of the cash to compare on a
    walk without one. The last thousand candles fall, so that every crossing rule ends flat: engines differ in how
    they count a position that is still open.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    hours = rows // 60 + 1
    volatility = 8e-4 * np.exp(np.repeat(_wander(random, hours, 0.985, 0.08), 60)[:rows])
    drift = np.repeat(_wander(random, hours, 0.9, 1.0), 60)[:rows] * 0.0225 * volatility
    change = random.standard_normal(rows) * volatility + drift
    change -= change.mean()
    change[-1000:] = -np.abs(change[-1000:])
    close = _grid(7200.0 * np.exp(np.cumsum(change)))
    opened = np.concatenate(([7200.0], close[:-1]))
    reach = np.abs(random.standard_normal((2, rows))) * volatility * 0.5
    high = np.maximum(_grid(np.maximum(opened, close) * (1 + reach[0])), np.maximum(opened, close))
    low = np.minimum(_grid(np.minimum(opened, close) * (1 - reach[1])), np.minimum(opened, close))
    volume = np.round(np.exp(random.standard_normal(rows) * 1.1 + 2.5), 5)
    times = START + MINUTE * np.arange(rows, dtype=np.int64)
    return dict(zip(COLUMNS, (times, opened, high, low, close, volume), strict=True))


def _wander(random: np.random.Generator, steps: int, keep: float, size: float) -> np.ndarray:
    """Draw a stationary-looking path: each step keeps a part of the last value."""
    path = np.empty(steps)
    value = 0.0
    for i, shock in enumerate(random.standard_normal(steps) * size):
        value = keep * value + shock
        path[i] = value
    return path


def _grid(prices: np.ndarray) -> np.ndarray:
    return np.maximum(np.round(prices / TICK), 1.0) * TICK


def prepare(cache: Path, rows: int) -> Path:
    """Write the columns once as .npy files; give their folder."""
    folder = cache / "inputs" / f"minutes-{rows}-{SEED}"
    if not (folder / "volume.npy").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name, column in generate(rows).items():
            np.save(folder / f"{name}.npy", column)
    return folder


def load(folder: Path, names: tuple[str, ...] = COLUMNS) -> dict[str, np.ndarray]:
    """Read columns back into memory."""
    return {name: np.load(Path(folder) / f"{name}.npy") for name in names}


def pairs(count: int) -> np.ndarray:
    """Give `count` (fast, slow) windows, shuffled by a fixed seed: any prefix is a fair sample of the grid."""
    grid = np.array([(fast, slow) for fast in range(5, 105) for slow in range(10, 410, 2) if slow >= fast + 5])
    return grid[np.random.Generator(np.random.PCG64(SEED)).permutation(len(grid))[:count]]


def averages(close: np.ndarray, windows: np.ndarray) -> dict[int, np.ndarray]:
    """Average over each distinct window once, from running sums: the fastest way that numpy has."""
    sums = np.concatenate(([0.0], np.cumsum(close)))
    lines = {}
    for window in np.unique(windows).tolist():
        lines[window] = np.full(len(close), np.nan)
        lines[window][window - 1 :] = (sums[window:] - sums[:-window]) / window
    return lines


def summary_of_fills(close: np.ndarray, fills: np.ndarray) -> np.ndarray:
    """Summarise round trips of all the cash: for engines whose own statistics would cost them time.

    Args:
        close: prices at which equity is marked.
        fills: a row each, in order, buys and sells by turns: the bar whose close first counts it, signed quantity,
            price, fee.
    """
    row, quantity, price, fee = fills.T
    paid = np.zeros(len(close))
    held = np.zeros(len(close))
    np.add.at(paid, row.astype(int), -quantity * price - fee)
    np.add.at(held, row.astype(int), quantity)
    # A sale leaves nothing, whatever the rounding of a sum of all quantities so far.
    held = np.where(np.cumsum(held) > 1e-9, np.cumsum(held), 0.0)
    equity = CASH + np.cumsum(paid) + held * close
    gained = (-quantity * price - fee).reshape(-1, 2).sum(axis=1)
    peak = np.maximum.accumulate(np.maximum(equity, CASH))
    counts = len(gained), (gained > 0).sum(), (gained < 0).sum()
    return np.array([(equity[-1] / CASH - 1, *counts, (1 - equity / peak).max())])


def options(description: str) -> argparse.ArgumentParser:
    """Give the arguments that every engine script takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--task", choices=("single", "bracket", "bars", "compiled", "sweep"), default="single")
    parser.add_argument("--inputs", type=Path, required=True, help="folder written by prepare()")
    parser.add_argument("--combinations", type=int, default=1)
    parser.add_argument("--runs", type=int, default=1, help="timed calls after the first, cold one")
    parser.add_argument("--mode", default="")
    parser.add_argument("--threads", type=int, default=1)
    return parser


def chosen_pairs(arguments: argparse.Namespace) -> np.ndarray:
    """Give the one pair of the single backtest, or the first pairs of the grid."""
    return pairs(arguments.combinations) if arguments.task == "sweep" else np.array([PAIR])


def report(
    engine: str,
    arguments: argparse.Namespace,
    import_s: float,
    call: Callable[[], np.ndarray],
    packages: tuple[str, ...],
) -> None:
    """Call once cold and `runs` times warm; print one JSON line with seconds, memory and the numbers found."""
    started = time.perf_counter()
    found = call()
    first_s = time.perf_counter() - started
    runs_s, cpu_s = [], []
    for _ in range(arguments.runs):
        cpu, started = time.process_time(), time.perf_counter()
        found = call()
        runs_s.append(time.perf_counter() - started)
        cpu_s.append(time.process_time() - cpu)
    line = {
        "engine": engine,
        "mode": arguments.mode,
        "task": arguments.task,
        "import_s": import_s,
        "first_s": first_s,
        "runs_s": runs_s,
        "cpu_s": cpu_s,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "load_1m": os.getloadavg()[0],
        "python": sys.version.split()[0],
        "versions": {package: metadata.version(package) for package in packages},
        "found": np.asarray(found, np.float64).tolist(),
    }
    print(json.dumps(line))
