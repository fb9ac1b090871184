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
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import peers
import workload

HERE = Path(__file__).resolve().parent
TOLERANCE = 1e-9
OURS = "tallow"


@dataclass(frozen=True)
class Entrant:
    """One engine in one setting, and the size of its share of the work."""

    engine: str
    mode: str
    rows: int
    combinations: int = 1
    tolerance: float = TOLERANCE
    note: str = ""
    threads: int = 1

    @property
    def name(self) -> str:
        """Engine and mode."""
        return f"{self.engine} {self.mode}".strip()

    @property
    def work(self) -> int:
        """Bars times combinations of one call."""
        return self.rows * self.combinations


SATOSHIS = "sizes are whole satoshis, so its equity may differ from the eighth digit on"
TASKS = {
    "single": (
        "single",
        "B5 one backtest, SMA 30/150, fee 0.1 %, every trade and the full summary",
        (
            Entrant(OURS, "compiled", 10_000_000),
            Entrant(OURS, "compiled-check", 10_000_000),
            Entrant(OURS, "indicators", 10_000_000),
            Entrant(OURS, "pandas", 10_000_000),
            Entrant("raptorbt", "", 10_000_000),
            Entrant("vectorbt", "", 10_000_000),
            Entrant("backtesting", "", 500_000, tolerance=1e-6, note=SATOSHIS),
        ),
    ),
    "bracket": (
        "bracket",
        "B6 the same with a stop at 1 % and a target at 2 %",
        (Entrant(OURS, "compiled", 10_000_000), Entrant("raptorbt", "", 10_000_000)),
    ),
    "bars": (
        "bars",
        "B1 one backtest, asked at every bar in Python",
        (Entrant(OURS, "", 500_000), Entrant("backtesting", "", 500_000, tolerance=1e-6, note=SATOSHIS)),
    ),
    "sweep": (
        "sweep",
        "A1, A2 sweep of SMA pairs, fee 0.1 %, full summary a pair, one thread",
        (
            Entrant(OURS, "crossings", 500_000, 1000),
            Entrant(OURS, "rule", 500_000, 1000),
            Entrant(OURS, "signals", 500_000, 1000),
            Entrant("raptorbt", "", 500_000, 40),
            Entrant("vectorbt", "", 500_000, 20),
            Entrant("backtesting", "", 500_000, 2, tolerance=1e-6, note=SATOSHIS),
        ),
    ),
    "large": (
        "sweep",
        "A3 one million bars, 10,000 pairs, two threads",
        (Entrant(OURS, "crossings", 1_000_000, 10_000, threads=2),),
    ),
    "wide": (
        "sweep",
        "A5 200,000 bars, 10,000 pairs, two threads",
        (
            Entrant(OURS, "crossings", 200_000, 10_000, threads=2),
            Entrant(OURS, "rule", 200_000, 10_000, threads=2),
            Entrant("raptorbt", "batch", 200_000, 128, threads=2),
        ),
    ),
}


SCRIPTS = {"portfolio": (), "ticks": (), "first": ()}
"""Benchmarks with scripts of their own."""


def measure(task: str, entrant: Entrant, cache: Path) -> dict:
    """Run an engine in a fresh process; add the share of the machine that others took meanwhile."""
    python = sys.executable if entrant.engine == OURS else peers.interpreter(entrant.engine, cache)
    command = [python, HERE / f"engine_{entrant.engine}.py", "--task", task, "--mode", entrant.mode]
    command += ["--inputs", workload.prepare(cache, entrant.rows), "--combinations", entrant.combinations]
    command += ["--threads", entrant.threads]
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
    mode = {"sweep": "crossings", "bars": ""}.get(task, "compiled")
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
                f"{start} {row['median_s']:>9.3f} {row['spread_pct']:>6.0f}% {row['rate'] / 1e6:>13.1f} "
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
    for name, (task, title, entrants) in TASKS.items():
        if name not in parts:
            continue
        chosen = tuple(_smaller(entrant) for entrant in entrants) if options.small else entrants
        for rows in {entrant.rows for entrant in chosen}:
            workload.prepare(options.cache, rows)
        found = contest(task, max(3, options.rounds), options.cache, chosen)
        print(table(title, found["engines"], found["ratios"]), file=sys.stderr, flush=True)
        print(json.dumps({"benchmark": name, "what": title, "machine": machine(), **found}), flush=True)
    for name, arguments in SCRIPTS.items():
        if name in parts:
            print(*lines_of(f"{name}.py", *arguments, "--cache", str(options.cache)), sep="\n", flush=True)
    if "install-size" in parts or "start-up" in parts:
        size = script("install_size.py", "--keep", "--cache", str(options.cache))
        print(f"\ncore install: {size['mb']} MB, {size['packages']} packages", file=sys.stderr)
        print(json.dumps(size), flush=True)
    if "start-up" in parts:
        folder = options.cache / "environments" / "tallow-core" / "bin"
        start = script("start_up.py", "--bin", str(folder))
        for name in ("python", "import tallow", "tallow --help"):
            print(f"{name:14} {start[name]['wall_ms']:>7} ms wall {start[name]['cpu_ms']:>7} ms cpu", file=sys.stderr)
        print(json.dumps(start), flush=True)
    return 0


def _smaller(entrant: Entrant) -> Entrant:
    pairs = max(1, entrant.combinations // 10)
    return replace(entrant, rows=entrant.rows // 10, combinations=pairs)


if __name__ == "__main__":
    sys.exit(main())
