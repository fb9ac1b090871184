"""Kill an ingest and refine with SIGKILL at random moments, restart it each time, and count what was lost or doubled.

    python benchmarks/kill_ingest.py --kills 20 --seed 1

The pages are generated from the seed: overlapping candle pages of three symbols and trade pages of two connections that
saw the same trades. After the kills the run is let through, and every table is compared with a lake that was never
disturbed. The seed is printed with the result; the same seed chooses the same pages and the same kill points.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

START = 1_704_067_200_000_000
HOUR = 3_600_000_000
RECEIVED = START + 2_000 * 24 * HOUR


class Clock:
    """A clock that stands still: lineage times do not matter here."""

    def now(self) -> int:
        return RECEIVED

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise RuntimeError(f"nobody waits here for {seconds} s")


def build(seed: int) -> Iterator[object]:
    """Generate the pages of a seed."""
    from tallow.domain.columns import Bars, Ticks
    from tallow.domain.market import parse_symbol
    from tallow.domain.timeframes import parse_timeframe
    from tallow.ports import Page, Payload

    draw = random.Random(seed)
    for number in range(60):
        symbol = parse_symbol(draw.choice(["BTC/USDT", "ETH/USDT", "SOL/USDT"]))
        if number % 3:
            first = draw.randrange(0, 900)
            place = np.arange(first, first + 100)
            close = 100.0 + place * 7 % 23
            bars = Bars.of(START + place * HOUR, (close, close + 1, close - 1, close, close))
            payload = Payload(f"{seed} {number}".encode(), f"page{number}", "test", RECEIVED + number)
            yield Page(payload, "candles", symbol, bars, parse_timeframe("1h"))
        else:
            first = draw.randrange(0, 5_000)
            ids = np.arange(first, first + 400)
            ones = np.ones(len(ids))
            times = START + ids * 60_000_000
            ticks = Ticks(ids, times, np.full(len(ids), RECEIVED), 100.0 + ids % 11, ones, ids % 2 == 0)
            payload = Payload(f"{seed} {number}".encode(), f"page{number}", "test", RECEIVED + number)
            yield Page(payload, "trades", symbol, ticks)


def work(folder: str, seed: int) -> None:
    """Ingest all pages and refine, in batches of a few pages; say after every step that it was done."""
    from tallow.flows.ingest import ingest, pages
    from tallow.flows.refine import refine
    from tallow.stores.lake import DeltaLake

    pages.BATCH_PAGES = 4
    lake = DeltaLake(folder, Clock())
    ingest(build(seed), lake, progress=lambda *step: print(*step, flush=True))
    refine(lake, timeframes=("4h",), progress=lambda *step: print(*step, flush=True))


def kill_at(folder: str, seed: int, step: int) -> bool:
    """Run the work and kill it after `step` steps; False when it ended before."""
    command = [sys.executable, __file__, "--work", folder, "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(step):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        return child.wait() == -signal.SIGKILL


def compare(folder: str, truth: str) -> dict[str, int]:
    """Count rows that the disturbed lake lacks, has too much, or has twice."""
    from tallow.domain.tables import META_LINEAGE, TABLES
    from tallow.stores.lake import DeltaLake

    mine, theirs = DeltaLake(folder, Clock()), DeltaLake(truth, Clock())
    counts = {"rows": 0, "lost": 0, "extra": 0, "duplicated": 0, "lineage_missing": 0}
    for table in TABLES:
        if table == META_LINEAGE:
            continue
        left, right = mine.read(table), theirs.read(table)
        counts["rows"] += len(right)
        counts["lost"] += len(right.join(left, on=right.columns, how="anti", nulls_equal=True))
        counts["extra"] += len(left.join(right, on=right.columns, how="anti", nulls_equal=True))
        counts["duplicated"] += len(left) - left.select(table.key).n_unique()
        noted = mine.read(META_LINEAGE, {"table_name": table.full_name})["version"].max() or 0
        counts["lineage_missing"] += (mine.version(table) or 0) - noted
    return counts


def run(kills: int, seed: int) -> dict[str, int]:
    """Kill as often as told, let one run through, compare."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        lake, truth = str(Path(folder) / "lake"), str(Path(folder) / "truth")
        work(truth, seed)
        done = sum(kill_at(lake, seed, draw.randrange(0, 75)) for _ in range(kills))
        work(lake, seed)
        return {"seed": seed, "kills": done, **compare(lake, truth)}


def main() -> None:
    """Run, print one line of JSON on the last line, and fail when a row was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", help="folder of a lake: do the work once (what is killed)")
    options = parser.parse_args()
    if options.work:
        work(options.work, options.seed)
        return
    result = run(options.kills, options.seed)
    print(json.dumps(result))
    sys.exit(any(result[name] for name in ("lost", "extra", "duplicated", "lineage_missing")))


if __name__ == "__main__":
    main()
