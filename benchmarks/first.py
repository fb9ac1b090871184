"""Time the first result of a fresh process: import, compile or load machine code, one backtest of 500,000 bars.

python benchmarks/first.py [--rounds N] [--cache FOLDER]

The process runs in an environment that has tallow and nothing else: numba imports scipy where it finds it, for a third
of a second. Cold starts with an empty folder for machine code, cached with what the run before left.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import install_size
import peers
import workload

ROWS = 500_000
CODE = """
import sys
import numpy as np
import workload
from tallow.core.engine import run
from tallow.core.strategies.built_in import sma_cross
from tallow.domain.columns import Bars
from tallow.domain.scene import Execution
columns = workload.load(sys.argv[1])
bars = Bars.of(columns["time"], tuple(columns[name] for name in workload.COLUMNS[1:]))
done = run(bars, sma_cross(bars, fast=30, slow=150), Execution(taker_fee=0.001), cash=10_000.0)
print(len(done.trades), done.equity[-1])
"""


def seconds(python: Path, inputs: Path, machine_code: str) -> float:
    """Run the first backtest of a process; give wall seconds from its start to its end."""
    started = time.perf_counter()
    subprocess.run(
        [str(python), "-c", CODE, str(inputs)],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).parent,
        env={**os.environ, "NUMBA_CACHE_DIR": machine_code},
    )
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cache", type=Path, default=peers.cache_folder())
    options = parser.parse_args()
    inputs = workload.prepare(options.cache, ROWS)
    python = install_size.install(options.cache) / "bin" / "python"
    cold, cached = [], []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            cold.append(seconds(python, inputs, folder))
            cached.append(seconds(python, inputs, folder))
    found = {"cold_s": statistics.median(cold), "cached_s": statistics.median(cached)}
    print(f"first result: cold {found['cold_s']:.2f} s, cached {found['cached_s']:.2f} s", file=sys.stderr)
    print(json.dumps({"benchmark": "first", "bars": ROWS, **found, "all_cold_s": cold, "all_cached_s": cached}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
