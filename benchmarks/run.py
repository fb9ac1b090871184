"""Time tallow beside its peers in one run: a table on stderr, one JSON line per benchmark on stdout.

python benchmarks/run.py [--rounds N] [--only single,bracket,bars,sweep,large,wide,...] [--cache FOLDER] [--small]

The peers run in environments of their own (peers.py), on the same generated candles. Every measurement is a fresh
process that calls once cold and once warm; the engines take turns, round by round, so that a busy moment of the
machine hits all of them. Figures are medians of the rounds, ratios are taken within the run. An engine whose numbers
differ from ours gets no timing. Nothing here asserts a time.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import goals
import limits
import numpy as np
import peers
import workload
from tasks import OURS, TASKS, Entrant

HERE = Path(__file__).resolve().parent
SCRIPTS = {
    "portfolio": ("--rows", "100000"),
    "ticks": ("--rows", "300000", "--calm-rows", "30000"),
    "first": ("--rounds", "3"),
}
"""Benchmarks with scripts of their own, and what makes them small."""


def measure(task: str, entrant: Entrant, cache: Path) -> dict:
    """Run an engine in a fresh process; add the share of the machine that others took meanwhile."""
    python = sys.executable if entrant.engine == OURS else peers.interpreter(entrant.engine, cache)
    command = [python, HERE / f"engine_{entrant.engine}.py", "--task", task, "--mode", entrant.mode]
    command += ["--inputs", workload.prepare(cache, entrant.rows), "--combinations", entrant.combinations]
    command += ["--threads", entrant.threads, "--runs", entrant.runs]
    names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS")
    busy, own = _busy(), _children()
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **dict.fromkeys(names, str(entrant.threads))},
    )
    if done.returncode:
        raise SystemExit(f"{entrant.name} failed:\n{done.stderr}")
    line = json.loads(done.stdout.splitlines()[-1])
    total = max(_busy()[0] - busy[0], 1e-9)
    line["others_pct"] = max(0.0, 100 * ((_busy()[1] - busy[1]) - (_children() - own)) / total)
    return line


def _busy() -> tuple[float, float]:
    """Give processor seconds of the machine so far: all, and not idle; zeros where the system does not tell."""
    try:
        ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except OSError:
        return 0.0, 0.0
    second = os.sysconf("SC_CLK_TCK")
    return sum(ticks) / second, (sum(ticks) - ticks[3] - ticks[4]) / second


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def difference(mine: list, peer: list) -> dict[str, float]:
    """Give the largest difference per number over the combinations both ran; return and drawdown are fractions."""
    rows = min(len(mine), len(peer))
    count = len(workload.MEASURED)
    a, b = (np.asarray(found, np.float64)[:rows, :count] for found in (mine, peer))
    return dict(zip(workload.MEASURED, (np.abs(a - b) / np.maximum(1.0, np.abs(a))).max(axis=0).tolist(), strict=True))


def agrees(gap: dict[str, float], tolerance: float) -> bool:
    """Say whether counts are equal and fractions within the tolerance."""
    counts = ("trades", "wins", "losses")
    return not any(gap[name] for name in counts) and max(gap["total_return"], gap["max_drawdown"]) <= tolerance


def yardstick(task: str, entrant: Entrant, cache: Path) -> list:
    """Give our numbers on the rows an entrant runs on."""
    mode = {"sweep": "crossings", "bars": "", "compiled": ""}.get(task, "compiled")
    return measure(task, Entrant(OURS, mode, entrant.rows, entrant.combinations), cache)["found"]


def contest(task: str, rounds: int, cache: Path, entrants: tuple[Entrant, ...]) -> dict:
    """Check that the engines agree, then let them take turns; give one row per engine and the ratios."""
    lines: dict[str, list[dict]] = {entrant.name: [] for entrant in entrants}
    gaps: dict[str, dict[str, float]] = {}
    known: dict[int, list] = {}
    running = list(entrants)
    for turn in range(rounds):
        for entrant in tuple(running):
            line = measure(task, entrant, cache)
            lines[entrant.name].append(line)
            if turn:
                continue
            if entrant.engine == OURS and entrant.rows not in known:
                known[entrant.rows] = line["found"]
            elif entrant.rows not in known:
                known[entrant.rows] = yardstick(task, entrant, cache)
            gaps[entrant.name] = difference(known[entrant.rows], line["found"])
            if not agrees(gaps[entrant.name], entrant.tolerance):
                running.remove(entrant)
        print(f"{task}: round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
    rows = [summarise(entrant, lines[entrant.name], gaps[entrant.name], entrant in running) for entrant in entrants]
    return {"engines": rows, "ratios": ratios(rows)}


def summarise(entrant: Entrant, lines: list[dict], gap: dict[str, float], timed: bool) -> dict:
    """Give the medians of an engine over the rounds; no timing when its numbers are not ours."""
    first = lines[0]
    row = {
        "engine": entrant.name,
        "bars": entrant.rows,
        "combinations": entrant.combinations,
        "agrees": timed,
        "difference": gap,
        "note": entrant.note,
        "found": first["found"][0],
        "versions": first["versions"],
        "python": first["python"],
    }
    if not timed:
        return row
    warm = [seconds for line in lines for seconds in line["runs_s"]]
    middle = statistics.median(warm)
    return {
        **row,
        "median_s": middle,
        "runs_s": warm,
        "spread_pct": 100 * (max(warm) - min(warm)) / middle,
        "cpu_s": statistics.median(seconds for line in lines for seconds in line["cpu_s"]),
        "rate": entrant.work / middle,
        "cpu_rate": entrant.work / statistics.median(seconds for line in lines for seconds in line["cpu_s"]),
        "first_s": statistics.median(line["first_s"] for line in lines),
        "import_s": statistics.median(line["import_s"] for line in lines),
        "peak_rss_mb": statistics.median(line["peak_rss_mb"] for line in lines),
        "load_1m": max(line["load_1m"] for line in lines),
        "others_pct": max(line["others_pct"] for line in lines),
    }


def ratios(rows: list[dict]) -> dict[str, dict[str, float]]:
    """Divide the rate of each of our settings by that of each peer that agrees: by wall and by processor seconds.

    On a machine that others use, the second is the one to read.
    """
    timed = [row for row in rows if row["agrees"]]
    mine = [row for row in timed if row["engine"].startswith(OURS)]
    others = [row for row in timed if not row["engine"].startswith(OURS)]
    return {
        f"{a['engine']} / {b['engine']}": {"wall": a["rate"] / b["rate"], "cpu": a["cpu_rate"] / b["cpu_rate"]}
        for a in mine
        for b in others
    }


def table(title: str, rows: list[dict], found: dict[str, dict[str, float]]) -> str:
    """Lay a benchmark out for reading."""
    head = f"{'engine':20} {'bars':>10} {'pairs':>6} {'median s':>9} {'spread':>7} {'M bar*pair/s':>13}"
    out = ["", title, f"{head} {'cold s':>8} {'import s':>9} {'peak MB':>8} {'others':>7}  agrees"]
    for row in rows:
        start = f"{row['engine']:20} {row['bars']:>10,} {row['combinations']:>6}"
        if row["agrees"]:
            out.append(
                f"{start} {row['median_s']:>9.3f} {row['spread_pct']:>6.0f}% {row['rate'] / 1e6:>13,.3g} "
                f"{row['first_s']:>8.2f} {row['import_s']:>9.2f} {row['peak_rss_mb']:>8.0f} "
                f"{row['others_pct']:>6.0f}%  {max(row['difference'].values()):.0e}"
            )
        else:
            out.append(f"{start}  no timing, the numbers differ: {row['difference']}")
    return "\n".join(
        [*out, *(f"  {pair}: {x['wall']:.1f}x ({x['cpu']:.1f}x by processor time)" for pair, x in found.items())]
    )


def lines_of(name: str, *arguments: str) -> list[str]:
    """Run a benchmark with a script of its own; give its lines, and pass on what it says of them."""
    done = subprocess.run([sys.executable, str(HERE / name), *arguments], capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    print(done.stderr, file=sys.stderr, flush=True)
    return done.stdout.splitlines()


def script(name: str, *arguments: str) -> dict:
    """Run a benchmark that prints one line."""
    return json.loads(lines_of(name, *arguments)[-1])


def machine() -> dict:
    """Say what the figures were taken on."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else ""
    return {"cpus": os.cpu_count(), "model": model, "load_1m": os.getloadavg()[0], "system": os.uname().release}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="at least 3")
    parser.add_argument("--only", default=",".join((*TASKS, *SCRIPTS, "install-size", "start-up")))
    parser.add_argument("--cache", type=Path, default=peers.cache_folder())
    parser.add_argument("--small", action="store_true", help="a tenth of the bars and pairs, to try the harness")
    options = parser.parse_args()
    parts = options.only.split(",")
    for peer in peers.REQUIREMENTS:
        peers.interpreter(peer, options.cache)
    known = [script("limits.py")]
    print(json.dumps(known[0]), flush=True)
    for line in chain(contests(parts, options), others(parts, options)):
        for row in line.get("engines", ()):
            row["limit"] = limits.limit_of(line["benchmark"], row["engine"], row.get("rate"), known[0])
        if "cached_s" in line:
            line["limit"] = limits.limit_of_start(line["cached_s"], known[0])
        known.append(line)
        print(json.dumps(line), flush=True)
    print(goals.table(known, small=options.small), file=sys.stderr, flush=True)
    return 0


def contests(parts: list[str], options: argparse.Namespace) -> Iterator[dict]:
    """Stage the contests of tasks.py; give a line each."""
    for name, (task, title, entrants) in TASKS.items():
        if name not in parts:
            continue
        chosen = tuple(entrant.smaller() for entrant in entrants) if options.small else entrants
        for rows in {entrant.rows for entrant in chosen}:
            workload.prepare(options.cache, rows)
        found = contest(task, max(3, options.rounds), options.cache, chosen)
        print(table(title, found["engines"], found["ratios"]), file=sys.stderr, flush=True)
        yield {"benchmark": name, "what": title, "machine": machine(), **found}


def others(parts: list[str], options: argparse.Namespace) -> Iterator[dict]:
    """Run the benchmarks with scripts of their own; give their lines."""
    for name, small in SCRIPTS.items():
        if name in parts:
            arguments = small if options.small else ()
            for line in lines_of(f"{name}.py", *arguments, "--cache", str(options.cache)):
                yield json.loads(line)
    if "install-size" in parts or "start-up" in parts:
        size = script("install_size.py", "--keep", "--cache", str(options.cache))
        print(f"\ncore install: {size['mb']} MB, {size['packages']} packages", file=sys.stderr)
        yield size
    if "start-up" in parts:
        folder = options.cache / "environments" / "tallow-core" / "bin"
        start = script("start_up.py", "--bin", str(folder))
        for name in ("python", "import tallow", "tallow --help"):
            print(f"{name:14} {start[name]['wall_ms']:>7} ms wall {start[name]['cpu_ms']:>7} ms cpu", file=sys.stderr)
        yield start


if __name__ == "__main__":
    sys.exit(main())
