"""B3: quote on trades beside hftbacktest and NautilusTrader; one JSON line a tape on stdout, a table on stderr.

python benchmarks/ticks.py [--rows N] [--calm-rows N] [--rounds N] [--tape ticks,calm] [--cache FOLDER]

Once a second both sides are renewed one tick from the last price, orders and data take 5 ms each way. The fills of both
engines are compared one by one, time, price and side; without agreement there is no timing. Engines take turns, each in
a fresh process and its own environment; figures are medians. Nothing here asserts a time.

hftbacktest plays the tape ``ticks``. NautilusTrader plays the tape ``calm``, whose price stands still for 15 ms
before and after every second: it fills an order that meets a market which has moved to it at once, as a taker, where
the others let it rest until the next trade. That is so for 2 % of the fills on the first tape, for none on the second.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import peers

HERE = Path(__file__).resolve().parent
SEED = 20240101
LATENCY = 5_000  # microseconds
TICK, LOT = 0.5, 0.01
TAPES = {"ticks": "hftbacktest", "calm": "nautilus"}
SCRIPTS = {
    "tallow": "engine_tallow_ticks.py",
    "hftbacktest": "engine_hftbacktest.py",
    "nautilus": "engine_nautilus_ticks.py",
}


def prepare(cache: Path, rows: int, tape: str) -> Path:
    """Draw a tape once: a walk on a grid of half a unit, each print from both sides, 125 rows a second."""
    folder = cache / "inputs" / f"{tape}-{rows}-{SEED}"
    if (folder / "reference.npy").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.Generator(np.random.PCG64(SEED))
    prints = rows // 2
    moved = random.integers(-1, 2, prints) * (random.random(prints) < 0.05)
    moment = 1_735_689_600_000_000 + np.cumsum(1 + random.exponential(16_000, prints).astype(np.int64))
    if tape == "calm":
        moved[(moment + 3 * LATENCY) % 1_000_000 <= 6 * LATENCY] = 0
    price = 60_000.0 + TICK * np.cumsum(moved)
    # Whole lots: hftbacktest rounds what has traded in a queue to lots, and less than half a lot is none.
    quantity = LOT * np.ceil(random.exponential(1.0 / LOT, prints))
    columns = {"time": np.repeat(moment, 2), "price": np.repeat(price, 2), "quantity": np.repeat(quantity, 2)}
    columns["sold"] = np.tile([True, False], prints)
    moments = np.arange(moment[0] // 1_000_000 + 1, moment[-1] // 1_000_000 + 1) * 1_000_000
    known = np.searchsorted(moment + LATENCY, moments, side="right") - 1
    columns |= {"moments": moments[known >= 0], "reference": price[known[known >= 0]]}
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column)
    return folder


def compare(folder: Path, peer: str) -> dict:
    """Lay the fills of both engines side by side, an order at a time: what was traded by one fill or by several."""
    mine, theirs = (np.load(folder / f"fills-{name}.npy") for name in ("tallow", peer))
    first = np.unique(mine[:, 0], return_index=True)[1]  # a fill through zero closes and opens
    whole = mine[first][:, :4]
    theirs = theirs[np.argsort(theirs[:, 0], kind="stable")]
    if whole.shape != theirs.shape:
        return {"fills": len(whole), "fills_of_peer": len(theirs), "equal": False}
    return {"fills": len(whole), "fills_of_peer": len(theirs), "equal": bool((whole == theirs).all())}


def child(engine: str, folder: Path, runs: int, cache: Path) -> dict:
    """Run an engine in a fresh process and read its line."""
    python = sys.executable if engine == "tallow" else peers.interpreter(engine, cache)
    command = [python, HERE / SCRIPTS[engine], "--inputs", folder, "--runs", runs, "--latency", LATENCY]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{engine} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def contest(tape: str, rows: int, rounds: int, cache: Path) -> dict:
    """Compare the fills, then let the engines take turns."""
    folder, peer = prepare(cache, rows, tape), TAPES[tape]
    lines: dict[str, list[dict]] = {"tallow": [], peer: []}
    for _ in range(rounds):
        for engine, done in lines.items():
            done.append(child(engine, folder, 3, cache))
    agreement = compare(folder, peer)
    answer = {"benchmark": tape, "rows": rows, "agreement": agreement, "engines": []}
    for engine, done in lines.items():
        warm = [seconds for line in done for seconds in line["runs_s"]]
        cpu = [seconds for line in done for seconds in line["cpu_s"]]
        row = {"engine": engine, "agrees": agreement["equal"], "found": done[0]["found"]}
        row["peak_rss_mb"] = max(line["peak_rss_mb"] for line in done)
        if agreement["equal"]:
            row |= {"median_s": statistics.median(warm), "rate": rows / statistics.median(warm)}
            row |= {"cpu_rate": rows / statistics.median(cpu), "first_s": done[0]["first_s"], "runs_s": warm}
        answer["engines"].append(row)
    if agreement["equal"]:
        a, b = answer["engines"]
        answer["ratio"] = {"wall": a["rate"] / b["rate"], "cpu": a["cpu_rate"] / b["cpu_rate"]}
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--calm-rows", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tape", default=",".join(TAPES))
    parser.add_argument("--cache", type=Path, default=peers.cache_folder())
    options = parser.parse_args()
    for tape in options.tape.split(","):
        rows = options.calm_rows if tape == "calm" else options.rows
        answer = contest(tape, rows, options.rounds, options.cache)
        print(f"{tape}: {answer['agreement']}", file=sys.stderr)
        for row in answer["engines"]:
            print(f"{row['engine']:12} {row.get('rate', 0) / 1e6:8.2f} M rows/s", file=sys.stderr)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
