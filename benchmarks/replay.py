"""Replay one stored result in fresh processes under other surroundings, and count the digests that come out.

    python benchmarks/replay.py [--runs 100] [--seed 1]

A simulated market is fetched, one built-in strategy is backtested and stored; every run then replays it from the pinned
versions in a process of its own, under a PYTHONHASHSEED, time zone, locale and number of threads drawn from the seed.
The first run starts with an empty compiler cache of its own. One JSON line: `digests` must be 1, `equal` the number of
runs. A locale that this machine does not have falls back to C and is counted as absent.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ZONES = ("UTC", "Asia/Kolkata", "America/St_Johns")
LOCALES = ("C", "C.UTF-8", "de_DE.UTF-8")
ONE = """
import locale, sys
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass
from tallow.cli import main
main(sys.argv[1:])
"""


def tallow(words: list[str], surroundings: dict[str, str]) -> dict[str, object]:
    """Run one command in a fresh process; give what it prints as JSON."""
    command = [sys.executable, "-c", ONE, *words, "--json", "-q"]
    done = subprocess.run(command, env={**os.environ, **surroundings}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words} failed with {done.returncode} under {surroundings}:\n{done.stderr}{done.stdout}")
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def installed() -> set[str]:
    """Name the locales of this machine, as `locale -a` spells them."""
    listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.split()
    return {name.lower().replace("-", "") for name in listed}


def drawn(dice: random.Random) -> dict[str, str]:
    """Draw the surroundings of one run."""
    threads = str(dice.choice((1, 2)))
    names = ("NUMBA_NUM_THREADS", "POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {
        "PYTHONHASHSEED": str(dice.randrange(2**32)),
        "TZ": dice.choice(ZONES),
        "LC_ALL": dice.choice(LOCALES),
        **dict.fromkeys(names, threads),
    }


def replay_all(lake: str, key: str, runs: int, seed: int) -> dict[str, object]:
    """Replay a result again and again; give what was seen."""
    dice, seen, equal, spent = random.Random(seed), [], 0, []
    with tempfile.TemporaryDirectory() as cold:
        for number in range(runs):
            surroundings = drawn(dice) | ({"NUMBA_CACHE_DIR": cold} if number == 0 else {})
            began = time.perf_counter()
            found = tallow(["results", "replay", key, "--lake", lake], surroundings)
            spent.append(time.perf_counter() - began)
            seen.append((surroundings, str(found["now"])))
            equal += bool(found["equal"])
    digests = sorted({digest for _, digest in seen})
    counts = {
        name: {value: sum(one[name] == value for one, _ in seen) for value in values}
        for name, values in (("TZ", ZONES), ("LC_ALL", LOCALES), ("NUMBA_NUM_THREADS", ("1", "2")))
    }
    have = installed()
    return {
        "benchmark": "replay",
        "runs": runs,
        "seed": seed,
        "digests": len(digests),
        "digest": digests,
        "equal": equal,
        "hash_seeds": len({one["PYTHONHASHSEED"] for one, _ in seen}),
        **counts,
        "locales_absent": [name for name in LOCALES if name.lower().replace("-", "") not in have],
        "first_cold_s": round(spent[0], 2),
        "median_s": round(sorted(spent)[len(spent) // 2], 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lake = str(Path(folder) / "lake")
        prepare = "import sys; from tallow.app import open_workspace as o; w = o(sys.argv[1]); w.ingest_simulated()"
        subprocess.run([sys.executable, "-c", f"{prepare}; w.refine()", lake], check=True)
        stored = tallow(["backtest", "sma_cross", "--lake", lake, "--no-check"], {})
        line = replay_all(lake, str(stored["key"]), options.runs, options.seed)
    line["stored"] = stored["digest"]
    print(json.dumps(line))
    return 0 if line["digests"] == 1 and line["equal"] == options.runs else 1


if __name__ == "__main__":
    sys.exit(main())
