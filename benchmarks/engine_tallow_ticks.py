"""Quoting on trades with tallow: called by ticks.py in a process of its own."""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
from numba import njit

TICK, LOT, MOST = 0.5, 0.01, 5

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--inputs", type=Path, required=True)
parser.add_argument("--runs", type=int, default=1)
parser.add_argument("--latency", type=int, required=True, help="microseconds, for orders and for data")
options = parser.parse_args()
started = time.perf_counter()
from tallow.core.orders import CompiledStrategy  # noqa: E402
from tallow.core.orders.messages import BUY, SELL, cancellation, limit_order, send  # noqa: E402
from tallow.core.ticks import prepare_ticks, run_ticks_compiled  # noqa: E402
from tallow.domain.columns import Ticks  # noqa: E402
from tallow.domain.orders import Latency, Quotes, TickRules  # noqa: E402
from tallow.domain.scene import Execution  # noqa: E402

import_s = time.perf_counter() - started
NAMES = ("time", "price", "quantity", "sold", "moments", "reference")
data = {name: np.load(options.inputs / f"{name}.npy") for name in NAMES}


@njit(cache=True)
def quote(now, view, own, outbox):
    """Cancel what works and quote both sides one tick from the last price that is known."""
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
rules = TickRules(Latency(options.latency, options.latency), participation=None, queue=0.0)
strategy = CompiledStrategy(quote, data["reference"], (0, 0.0, 0.0))


def call():
    cpu, begun = time.process_time(), time.perf_counter()
    done = run_ticks_compiled(tape, strategy, execution, cash=1e6, rules=rules, at=data["moments"])
    return (time.perf_counter() - begun, time.process_time() - cpu), done


begun = time.perf_counter()
far = Quotes(data["time"][:1] - 1, np.array([TICK]), np.array([1e7]), np.ones(1), np.ones(1))
ticks = Ticks(data["time"], data["time"], data["time"], data["price"], data["quantity"], data["sold"])
tape = prepare_ticks(ticks, far, rules.latency)
prepare_s = time.perf_counter() - begun
call()
first_s = time.perf_counter() - begun
results = [call() for _ in range(options.runs)]
done = results[-1][1]
log = done.run.fills
moment = (log.time - data["moments"][0]) * 1_000
columns = done.fill_order, moment, np.round(log.price / TICK), np.sign(log.quantity), log.quantity
np.save(options.inputs / "fills-tallow.npy", np.column_stack(columns))
paid = -(log.quantity * log.price).sum()
print(
    json.dumps(
        {
            "engine": "tallow",
            "import_s": import_s,
            "prepare_s": prepare_s,
            "first_s": first_s,
            "runs_s": [spent[0] for spent, _ in results],
            "cpu_s": [spent[1] for spent, _ in results],
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
            "found": [len(done.orders), len(log), float(log.quantity.sum()), float(paid), float(log.fee.sum())],
        }
    )
)
