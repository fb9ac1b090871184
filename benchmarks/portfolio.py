"""Time a portfolio of tallow beside vectorbt's: one JSON line per scene on stdout, words on stderr.

python benchmarks/portfolio.py [--rounds N] [--runs N] [--scene five,twenty] [--rows N] [--data FOLDER] [--cache FOLDER]

five: five generated assets in one book, 1M one-minute bars, a crossover in each, 15 % of the equity while it is long,
fee 0.1 %, fills at the next open. twenty: the ten real 5-minute symbols of the shared recordings, each twice because
there are only ten, on the times that all of them have, inverse-volatility weights rebalanced daily, fee 0.1 %.

Every measurement is a fresh process; engines take turns, round by round. An engine whose equity differs from ours by
more than 1e-9 in any row gets no timing. Vectorbt's trades are counted by its own rule and are not compared: a partial
sale is a trade there, and a part of one here.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import peers
import portfolio_inputs

HERE = Path(__file__).resolve().parent
TOLERANCE = 1e-9
ENTRANTS = (("tallow", ""), ("tallow", "align"), ("vectorbt", "rust"), ("vectorbt", "numba"))


def measure(entrant: tuple[str, str], scene: str, inputs: Path, options: argparse.Namespace) -> dict:
    """Run an engine in a fresh process; give its line with the equity it found."""
    engine, mode = entrant
    python = sys.executable if engine == "tallow" else peers.interpreter(engine, options.cache)
    with tempfile.TemporaryDirectory() as folder:
        save = Path(folder) / "equity.npy"
        command = [python, HERE / f"portfolio_{engine}.py", "--scene", scene, "--inputs", inputs, "--save", save]
        command += ["--runs", options.runs] + (["--mode", mode] if mode else [])
        one_thread = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
        path = {"PYTHONPATH": str(HERE.parent / "src")} if engine == "tallow" else {}
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **one_thread, **path},
        )
        if done.returncode:
            raise SystemExit(f"{engine} {mode} failed:\n{done.stderr}")
        return {**json.loads(done.stdout.splitlines()[-1]), "equity": np.load(save)}


def compare(scene: str, options: argparse.Namespace) -> dict:
    """Measure all engines in turns; give the line of a scene."""
    inputs = portfolio_inputs.prepare(scene, options.cache, options.rows, options.data)
    lines = {entrant: [] for entrant in ENTRANTS}
    for _ in range(options.rounds):
        for entrant in ENTRANTS:
            lines[entrant].append(measure(entrant, scene, inputs, options))
            print(scene, *entrant, f"{statistics.median(lines[entrant][-1]['runs_s']):.4f} s", file=sys.stderr)
    mine = lines[ENTRANTS[0]][0]
    found = {}
    for entrant, rounds in lines.items():
        gap = np.abs(rounds[0]["equity"] / mine["equity"] - 1)
        seconds = [value for one in rounds for value in one["runs_s"]]
        agrees = float(gap.max()) <= TOLERANCE and rounds[0]["found"][1] == mine["found"][1]
        median = statistics.median(seconds) if agrees else None
        found[" ".join(entrant).strip()] = {
            "engine": " ".join(entrant).strip(),
            "agrees": agrees,
            "rate": len(mine["equity"]) / median if agrees else None,
            "largest_equity_difference": float(gap.max()),
            "orders": rounds[0]["found"][1],
            "median_s": median,
            "spread_s": [min(seconds), max(seconds)] if agrees else None,
            "cpu_median_s": statistics.median([v for one in rounds for v in one["cpu_s"]]) if agrees else None,
            "first_s": statistics.median([one["first_s"] for one in rounds]),
            "peak_rss_mb": max(one["peak_rss_mb"] for one in rounds),
            "versions": rounds[0]["versions"],
        }
    best = min((one["median_s"] for name, one in found.items() if "vectorbt" in name and one["median_s"]), default=None)
    ours = found["tallow"]["median_s"]
    rows, columns = len(mine["equity"]), len(portfolio_inputs.load(inputs)["symbols"])
    return {
        "benchmark": scene,
        "rows": rows,
        "instruments": columns,
        "ratio": best / ours if best else None,
        "goal": 40 if scene == "five" else 20,
        "load_1m": os.getloadavg()[0],
        "engines": list(found.values()),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=3, help="warm calls in every process")
    parser.add_argument("--scene", default=",".join(portfolio_inputs.SCENES))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=peers.cache_folder())
    chosen = parser.parse_args()
    for name in chosen.scene.split(","):
        print(json.dumps(compare(name, chosen)), flush=True)
