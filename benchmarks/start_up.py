"""Time fresh processes: `tallow --help`, `import tallow`, and Python doing nothing.

python benchmarks/start_up.py [--bin FOLDER] [--runs N]

--bin is the folder of an environment's `python` and `tallow`; by default that of the running interpreter. One JSON
line on stdout: medians in milliseconds of wall time and of processor time, byte code compiled, page cache warm.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

HEAVY = ("numpy", "pandas", "polars", "numba", "deltalake", "sqlalchemy", "httpx2")


def once(command: list[str]) -> tuple[float, float]:
    """Run a command in a fresh process; give wall and processor milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return 1e3 * wall, 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def imported(python: str, module: str) -> list[str]:
    """Name the heavy packages that a bare import pulls in."""
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, default=Path(sys.executable).parent)
    parser.add_argument("--runs", type=int, default=11)
    options = parser.parse_args()
    python = str(options.bin / "python")
    commands = {
        "python": [python, "-c", "pass"],
        "import tallow": [python, "-c", "import tallow"],
        "tallow --help": [str(options.bin / "tallow"), "--help"],
    }
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for command in commands.values():
        once(command)  # page cache and byte code
    for _ in range(options.runs):
        for name, command in commands.items():
            seen[name].append(once(command))
    line = {
        "benchmark": "start-up",
        "runs": options.runs,
        "load_1m": os.getloadavg()[0],
        "heavy_imports": imported(python, "tallow"),
    }
    for name, times in seen.items():
        walls, cpus = zip(*times, strict=True)
        line[name] = {
            "wall_ms": round(statistics.median(walls), 1),
            "cpu_ms": round(statistics.median(cpus), 1),
            "wall_range_ms": [round(min(walls), 1), round(max(walls), 1)],
        }
    print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
