"""Check the whole corpus of tests/corpus with tallow, and with nullcheck beside it, on 5,000 seeded hourly bars.

    python benchmarks/causality.py [--nullcheck PYTHON] [--rows 5000] [--kind clean] [--details]

PYTHON is the interpreter of an environment that has nullcheck 0.2.5 and what the corpus imports (pandas, numpy, scipy,
scikit-learn, numba, polars); without it tallow is measured alone. Both run in turns on the same file, each in a process
that stays, so that neither pays for imports twice. Prints one JSON line: for each tool the leaky strategies caught, the
verdicts of the others, false alarms, and seconds.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np

from tallow.domain.columns import COLUMNS, Bars
from tallow.domain.errors import Error
from tallow.domain.evidence import Certificate
from tallow.domain.timeframes import HOUR
from tallow.flows.check import Bench, check
from tallow.runners.inline import Conditions, clock_moved, is_event_driven, load, probe
from tallow.runners.processes import Processes
from tallow.runners.watch import watch

CORPUS = Path(__file__).resolve().parents[1] / "tests" / "corpus"
KINDS = ("leaky", "clean", "unknown")

# Runs under the other interpreter: one path a line in, one JSON line out.
NULLCHECK = """
import importlib.util, json, os, sys, time, warnings
import numpy as np, pandas as pd, nullcheck
from nullcheck.core import Settings
warnings.simplefilter("ignore")
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what a strategy or LAPACK prints
sys.stdout = sys.stderr
columns = np.load(sys.argv[1])
index = pd.DatetimeIndex(columns["time"].view("M8[us]"), name="timestamp").tz_localize("UTC")
frame = pd.DataFrame({name: columns[name] for name in columns if name != "time"}, index=index)
for line in sys.stdin:
    began = time.perf_counter()
    try:
        spec = importlib.util.spec_from_file_location("checked", line.strip())
        module = importlib.util.module_from_spec(spec)
        sys.modules["checked"] = module
        spec.loader.exec_module(module)
        found = nullcheck.check(module.signals, frame)
        status, reason = found.status, found.reason
    except Exception as problem:
        status, reason = "NOT_ASSESSED", repr(problem)
    seconds = time.perf_counter() - began
    answers.write(json.dumps({"status": status, "reason": str(reason), "seconds": seconds}) + "\\n")
    answers.flush()
"""
VERDICTS = {"DIVERGENCE_OBSERVED": "leaky", "NO_DIVERGENCE_OBSERVED": "certified"}


class Stopwatch:
    now = staticmethod(lambda: 0)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


def market(count: int) -> Bars:
    """Make hourly bars from seed 7: a random walk with a range, a volume and taker shares."""
    draw = np.random.default_rng(7)
    close = 20_000 * np.exp(np.cumsum(draw.normal(0, 0.006, count)))
    opened = np.concatenate(([20_000], close[:-1]))
    high = np.maximum(opened, close) * np.exp(np.abs(draw.normal(0, 0.003, count)))
    low = np.minimum(opened, close) * np.exp(-np.abs(draw.normal(0, 0.003, count)))
    volume, share = np.exp(draw.normal(5, 0.6, count)), draw.uniform(0.3, 0.7, count)
    time_column = 1_704_067_200_000_000 + np.arange(count) * HOUR
    return Bars.of(
        time_column,
        (opened, high, low, close, volume),
        quote_volume=volume * close,
        trades=np.floor(volume * 3),
        taker_buy_volume=volume * share,
        taker_buy_quote_volume=volume * share * close,
    )


def by_tallow(path: Path, bars: Bars, processes: Processes) -> tuple[str, str, int]:
    try:
        strategy = load(str(path))
        bench = Bench(
            probe(strategy),
            Stopwatch(),
            fresh=partial(processes.begin, strategy, Conditions()),
            trace=partial(watch, strategy),
            clock_moved=clock_moved(strategy),
            by_bar=is_event_driven(strategy),
            file=path.name,
        )
        certificate: Certificate = check(strategy, bars, bench)
    except Error as problem:
        return "error", problem.message, 0
    return certificate.verdict, certificate.reason, certificate.runs


class Nullcheck:
    def __init__(self, python: str, columns: Path) -> None:
        self.process = subprocess.Popen(
            [python, "-c", NULLCHECK, str(columns)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __call__(self, path: Path) -> tuple[str, str, float]:
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return VERDICTS.get(answer["status"], "unknown"), answer["reason"], answer["seconds"]

    def close(self) -> None:
        self.process.communicate()


def summary(results: dict[str, list[tuple[str, str, float]]]) -> dict[str, object]:
    """Count verdicts by kind of strategy; `name` lists are of what went wrong."""
    line: dict[str, object] = {}
    for kind, rows in results.items():
        verdicts = [verdict for _, verdict, _ in rows]
        seconds = [second for _, _, second in rows]
        line[kind] = {
            "strategies": len(rows),
            **{verdict: verdicts.count(verdict) for verdict in ("leaky", "certified", "unknown", "error")},
            "seconds": round(sum(seconds), 1),
            "median_seconds": round(statistics.median(seconds), 3),
            "passed_although_leaky": [name for name, verdict, _ in rows if (kind, verdict) == ("leaky", "certified")],
            "false_alarms": [name for name, verdict, _ in rows if (kind, verdict) == ("clean", "leaky")],
            "not_told": [name for name, verdict, _ in rows if kind != "unknown" and verdict in ("unknown", "error")],
        }
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nullcheck", metavar="PYTHON", help="interpreter of an environment that has nullcheck")
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--details", action="store_true", help="print a line a strategy to standard error")
    chosen = parser.parse_args()
    bars, kinds = market(chosen.rows), chosen.kind or KINDS
    found: dict[str, dict[str, list[tuple[str, str, float]]]] = {"tallow": {kind: [] for kind in kinds}}
    runs: list[int] = []
    busy: dict[str, list[float]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as name, Processes() as processes:
        folder = Path(name)
        columns = folder / "columns.npz"
        np.savez(columns, **{column: getattr(bars, column) for column in COLUMNS})
        np.savetxt(folder / "bars.csv", bars.close, header="close", comments="")
        (folder / "levels.txt").write_text("20000")
        other = Nullcheck(chosen.nullcheck, columns) if chosen.nullcheck else None
        if other:
            found["nullcheck"] = {kind: [] for kind in kinds}
        processes.begin(
            load("sma_cross"), Conditions(), bars, ()
        ).collect()  # both processes are up before the clock runs
        for kind in kinds:
            for source in sorted((CORPUS / kind).glob("*.py")):
                path = Path(shutil.copy(source, folder / source.name))
                began, used = time.perf_counter(), time.process_time()
                verdict, reason, count = by_tallow(path, bars, processes)
                seconds = time.perf_counter() - began
                busy[kind].append(time.process_time() - used)
                found["tallow"][kind].append((source.stem, verdict, seconds))
                runs += [count] if (kind, verdict) == ("leaky", "leaky") else []
                note = f"{kind:8}{source.stem:32}{verdict:10}{seconds:8.2f} s  {count:5} runs  {reason[:90]}"
                if other:
                    (folder / f"{source.stem}.npy").unlink(missing_ok=True)
                    theirs, why, spent = other(path)
                    found["nullcheck"][kind].append((source.stem, theirs, spent))
                    note += f"\n{'':40}nullcheck {theirs:10}{spent:8.2f} s  {why[:90]}"
                if chosen.details:
                    print(note, file=sys.stderr, flush=True)
        if other:
            other.close()
    versions = {name: metadata.version(name) for name in ("numpy", "pandas", "numba")}
    head = {"rows": chosen.rows, "processors": os.cpu_count(), "load": round(os.getloadavg()[0], 1), **versions}
    body = {tool: summary(results) for tool, results in found.items()}
    for kind, used_seconds in busy.items():
        # Of the checking process; the other one works beside it, so this is the time on two free processors.
        body["tallow"][kind]["median_processor_seconds"] = round(statistics.median(used_seconds), 3)
    if runs:
        # Two of the runs repeat what was found, so that chance is never called a leak.
        body["tallow"]["runs_to_first_finding_median"] = statistics.median(runs) - 2
    print(json.dumps({**head, **body}))


if __name__ == "__main__":
    main()
