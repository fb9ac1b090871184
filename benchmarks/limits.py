"""The physical limit of each benchmark: what this machine could do at best, and what the work needs at the least.

python benchmarks/limits.py

Constants are measured by the run itself: reading columns from memory, reading them again from the second cache,
multiplying and adding columns that lie in the first cache, on one thread and on two; an empty Python method called in a
loop; Python started. A need counts every input column once, and what the form of the work itself demands, such as the
lines that a vectorised strategy hands over; not what an engine writes for itself, and not the few tens of operations
that a fill costs. It is the limit of looking at every bar: what passes bars without looking could go beyond it.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np
from numba import njit

THREADS = (1, 2)
MEMORY, SECOND_CACHE, FIRST_CACHE = 1 << 25, 1 << 16, 1 << 11  # doubles: 256 MiB, 512 KiB, 16 KiB
CHAIN = 8  # multiplications and additions of each element in a pass


@dataclass(frozen=True)
class Need:
    """What one unit of work needs at the least: a bar, a bar and pair, a row of a panel, a trade.

    Attributes:
        memory: bytes read from or written to memory.
        cache: bytes read from the second cache.
        operations: arithmetic operations and comparisons that can be done on whole columns.
        calls: Python methods called.
        threads: that share the work.
        why: the sum in words.
    """

    memory: float = 0.0
    cache: float = 0.0
    operations: float = 0.0
    calls: float = 0.0
    threads: int = 1
    why: str = ""


SUMMARY = "two running averages 6, their comparison 1, equity 1, peak and drawdown 3, Sharpe ratio 5 operations"
PASS = Need(8, 0, 16, why=f"the close once; {SUMMARY}")
USER = Need(40, 0, 16, why=f"the close once, two lines written and read; {SUMMARY}")
PAIRS = "one line from the second cache, the other from the first; a comparison"
RULE = "a rule may use any two lines, both from the second cache; a comparison"
NEEDS = {
    ("single", "tallow compiled"): PASS,
    ("single", "tallow compiled-check"): Need(48, 0, 24, why=f"all columns once, eight comparisons; {SUMMARY}"),
    ("single", "tallow indicators"): USER,
    ("single", "tallow pandas"): USER,
    ("bracket", "tallow compiled"): Need(24, 0, 18, why=f"close, high and low once, two comparisons; {SUMMARY}"),
    ("bars", "tallow"): Need(48, 0, 16, 1, why=f"the whole bar once; {SUMMARY}; one Python call"),
    ("compiled", "tallow"): Need(48, 0, 16, why=f"the whole bar once; {SUMMARY}"),
    ("sweep", "tallow crossings"): Need(0, 8, 1, why=PAIRS),
    ("sweep", "tallow rule"): Need(0, 16, 1, why=RULE),
    ("sweep", "tallow signals"): Need(0, 16, 1, why=RULE),
    ("large", "tallow crossings"): Need(0, 8, 1, threads=2, why=PAIRS),
    ("wide", "tallow crossings"): Need(0, 8, 1, threads=2, why=PAIRS),
    ("wide", "tallow rule"): Need(0, 16, 1, threads=2, why=RULE),
    ("ticks", "tallow"): Need(17, 0, 3, why="time, price and side once; two prices and a time to compare with"),
    ("calm", "tallow"): Need(17, 0, 3, why="time, price and side once; two prices and a time to compare with"),
    ("five", "tallow"): Need(
        88, 0, 24, why="time, five closes and five weights once; five sums, five comparisons, equity"
    ),
    ("twenty", "tallow"): Need(168, 0, 49, why="time and twenty closes once; twenty sums, equity; weights once a day"),
}


@njit(nogil=True, fastmath=True)
def add(column, times):
    """Read a column so many times."""
    total = 0.0
    for turn in range(times):
        column[turn % len(column)] += 1.0  # else the compiler would read once
        for i in range(len(column)):
            total += column[i]
    return total


@njit(nogil=True)
def compute(column, times):
    """Multiply and add every element, `CHAIN` times in a pass."""
    for _ in range(times):
        for i in range(len(column)):
            value = column[i]
            for _ in range(CHAIN):
                value = value * 0.999 + 0.001
            column[i] = value
    return column[0]


def best(call: Callable[[], object], times: int = 5) -> float:
    """Give the seconds of the fastest call, after one that compiles and touches memory."""
    call()
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        spent.append(time.perf_counter() - started)
    return min(spent)


def speed(kernel: Callable, size: int, times: int, threads: int) -> float:
    """Give elements a second that a kernel gets through on columns of its own for each thread."""
    columns = [np.ones(size // threads if size == MEMORY else size) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        seconds = best(lambda: list(pool.map(lambda column: kernel(column, times), columns)))
    return sum(len(column) for column in columns) * times / seconds


class Empty:
    """A strategy that does nothing."""

    def next(self):
        """Do nothing."""


def python_call() -> float:
    """Give the seconds of a call of an empty method, its loop included."""
    method, count = Empty().next, 1_000_000

    def loop():
        for _ in range(count):
            method()

    return best(loop) / count


def measure() -> dict:
    """Measure the constants of the machine."""
    start = best(lambda: subprocess.run([sys.executable, "-c", ""], check=True))
    return {
        "memory_gb_s": {n: 8 * speed(add, MEMORY, 1, n) / 1e9 for n in THREADS},
        "cache_gb_s": {n: 8 * speed(add, SECOND_CACHE, 500, n) / 1e9 for n in THREADS},
        "operations_g_s": {n: 2 * CHAIN * speed(compute, FIRST_CACHE, 2_000, n) / 1e9 for n in THREADS},
        "python_call_ns": 1e9 * python_call(),
        "python_start_s": start,
    }


def least_seconds(need: Need, constants: dict) -> float:
    """Give the time below which a unit of work cannot be done: that of the scarcest of what it needs."""

    def constant(name: str) -> float:
        known = constants[name]
        return 1e9 * known.get(need.threads, known.get(str(need.threads)))

    return max(
        need.memory / constant("memory_gb_s"),
        need.cache / constant("cache_gb_s"),
        need.operations / constant("operations_g_s"),
        need.calls * constants["python_call_ns"] / 1e9,
    )


def limit_of(benchmark: str, engine: str, rate: float | None, constants: dict) -> dict | None:
    """Give a need, the rate that it allows at best, and the share of that which was reached."""
    need = NEEDS.get((benchmark, engine))
    if need is None or not rate:
        return None
    least = least_seconds(need, constants)
    return {**asdict(need), "least_ns": 1e9 * least, "share": rate * least}


def limit_of_start(seconds: float, constants: dict) -> dict:
    """Give the share of a process's first result that starting Python takes."""
    least = constants["python_start_s"]
    return {**asdict(Need(why="Python started")), "least_ns": 1e9 * least, "share": least / seconds}


if __name__ == "__main__":
    print(json.dumps({"benchmark": "limits", **measure()}))
