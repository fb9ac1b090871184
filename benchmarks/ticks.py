"""B3: quote on trades beside hftbacktest, the same orders on the same tape; one JSON line on stdout, a table on stderr.

python benchmarks/ticks.py [--rows N] [--rounds N] [--cache FOLDER]

Once a second both sides are renewed one tick from the last price, orders and data take 5 ms each way. The fills of both
engines are compared one by one, time, price and side; without agreement there is no timing. Engines take turns, each in
a fresh process and its own environment; figures are medians. Nothing here asserts a time.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import peers

HERE = Path(__file__).resolve().parent
SEED = 20240101
LATENCY = 5_000  # microseconds
TICK, LOT, MOST = 0.5, 0.01, 5


def prepare(cache: Path, rows: int, calm: bool = False) -> Path:
    """Draw a tape once: a walk on a grid of half a unit, each print from both sides, 125 rows a second.

    On a calm tape the price stands still around every whole second: no order meets a market that has moved away.
    """
    folder = cache / "inputs" / f"ticks-{'calm-' if calm else ''}{rows}-{SEED}"
    if (folder / "reference.npy").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.Generator(np.random.PCG64(SEED))
    prints = rows // 2
    moved = random.integers(-1, 2, prints) * (random.random(prints) < 0.05)
    moment = 1_735_689_600_000_000 + np.cumsum(1 + random.exponential(16_000, prints).astype(np.int64))
    if calm:
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


def ours(folder: Path, runs: int) -> dict:
    """Run tallow in this process."""
    started = time.perf_counter()
    from numba import njit

    from tallow.core.orders import CompiledStrategy
    from tallow.core.orders.messages import BUY, SELL, cancellation, limit_order, send
    from tallow.core.ticks import prepare_ticks, run_ticks_compiled
    from tallow.domain.columns import Ticks
    from tallow.domain.orders import Latency, Quotes, TickRules
    from tallow.domain.scene import Execution

    import_s = time.perf_counter() - started
    data = {
        name: np.load(folder / f"{name}.npy") for name in ("time", "price", "quantity", "sold", "moments", "reference")
    }
    start = data["time"][:1] - 1
    far = Quotes(start, np.array([TICK]), np.array([1e7]), np.ones(1), np.ones(1))
    ticks = Ticks(data["time"], data["time"], data["time"], data["price"], data["quantity"], data["sold"])

    @njit
    def quote(now, view, own, outbox):
        turn, bid, ask = own
        count, number, price = 0, view.next_id, now.inputs[turn]
        if bid > 0.0:
            count = send(outbox, count, cancellation(bid))
        if ask > 0.0:
            count = send(outbox, count, cancellation(ask))
        bid = ask = 0.0
        if view.position < MOST * LOT - LOT / 2:
            count = send(outbox, count, limit_order(BUY, LOT, price - TICK))
            bid, number = number, number + 1.0
        if view.position > -MOST * LOT + LOT / 2:
            count = send(outbox, count, limit_order(SELL, LOT, price + TICK))
            ask = number
        return (turn + 1, bid, ask), count

    execution = Execution(maker_fee=0.0002, taker_fee=0.0007, allow_short=True, leverage=5.0)
    rules = TickRules(Latency(LATENCY, LATENCY), participation=None, queue=0.0)
    strategy = CompiledStrategy(quote, data["reference"], (0, 0.0, 0.0))

    def call():
        cpu, begun = time.process_time(), time.perf_counter()
        done = run_ticks_compiled(tape, strategy, execution, cash=1e6, rules=rules, at=data["moments"])
        return (time.perf_counter() - begun, time.process_time() - cpu), done

    begun = time.perf_counter()
    tape = prepare_ticks(ticks, far, rules.latency)
    prepare_s = time.perf_counter() - begun
    call()
    first_s = time.perf_counter() - begun
    results = [call() for _ in range(runs)]
    done = results[-1][1]
    log = done.run.fills
    found = np.column_stack(
        (
            done.fill_order,
            (log.time - data["moments"][0]) * 1_000,
            np.round(log.price / TICK),
            np.sign(log.quantity),
            log.quantity,
        )
    )
    np.save(folder / "fills-tallow.npy", found)
    return {
        "engine": "tallow",
        "import_s": import_s,
        "prepare_s": prepare_s,
        "first_s": first_s,
        "runs_s": [spent[0] for spent, _ in results],
        "cpu_s": [spent[1] for spent, _ in results],
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "found": [len(done.orders), len(log), float(log.quantity.sum()), float(-(log.quantity * log.price).sum()),
                  float(log.fee.sum())],
    }  # fmt: skip


def compare(folder: Path) -> dict:
    """Lay the fills of both engines side by side, an order at a time: what was traded by one fill or by several."""
    mine, theirs = (np.load(folder / f"fills-{name}.npy") for name in ("tallow", "hftbacktest"))
    first = np.unique(mine[:, 0], return_index=True)[1]  # a fill through zero closes and opens
    whole = mine[first][:, :4]
    theirs = theirs[np.argsort(theirs[:, 0], kind="stable")]
    if whole.shape != theirs.shape:
        return {"fills": len(whole), "fills_of_peer": len(theirs), "equal": False}
    return {"fills": len(whole), "fills_of_peer": len(theirs), "equal": bool((whole == theirs).all())}


def child(engine: str, folder: Path, runs: int, cache: Path) -> dict:
    """Run an engine in a fresh process and read its line."""
    command = [sys.executable, __file__, "--child", folder, "--runs", runs]
    if engine != "tallow":
        command = [peers.interpreter(engine, cache), HERE / f"engine_{engine}.py", "--inputs", folder, "--runs", runs]
        command += ["--latency", LATENCY]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{engine} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def contest(rows: int, rounds: int, cache: Path) -> dict:
    """Compare the fills, then let the engines take turns."""
    folder = prepare(cache, rows)
    lines: dict[str, list[dict]] = {"tallow": [], "hftbacktest": []}
    for _ in range(rounds):
        for engine, done in lines.items():
            done.append(child(engine, folder, 3, cache))
    agreement = compare(folder)
    answer = {"benchmark": "B3", "rows": rows, "agreement": agreement, "engines": []}
    for engine, done in lines.items():
        warm = [seconds for line in done for seconds in line["runs_s"]]
        cpu = [seconds for line in done for seconds in line["cpu_s"]]
        row = {"engine": engine, "found": done[0]["found"], "peak_rss_mb": max(line["peak_rss_mb"] for line in done)}
        if agreement["equal"]:
            row |= {"median_s": statistics.median(warm), "rate": rows / statistics.median(warm)}
            row |= {"cpu_rate": rows / statistics.median(cpu), "first_s": done[0]["first_s"], "runs_s": warm}
        answer["engines"].append(row)
    if agreement["equal"]:
        a, b = answer["engines"]
        answer["ratio"] = {"wall": a["rate"] / b["rate"], "cpu": a["cpu_rate"] / b["cpu_rate"]}
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=peers.cache_folder())
    parser.add_argument("--child", type=Path)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(ours(options.child, options.runs)))
        return
    answer = contest(options.rows, options.rounds, options.cache)
    for row in answer["engines"]:
        print(f"{row['engine']:12} {row.get('rate', 0) / 1e6:8.1f} M rows/s", file=sys.stderr)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
