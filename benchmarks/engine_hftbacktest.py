"""Quoting on trades with hftbacktest: run under the environment that peers.py builds, called by ticks.py.

Every print of the tape is there from both sides, the book is one bid far below and one ask far above: so limit orders
fill by trades only, at their price or through it, first in their queue. Those are the rules that both engines have.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--inputs", type=Path, required=True)
parser.add_argument("--runs", type=int, default=1)
parser.add_argument("--latency", type=int, required=True, help="microseconds, for orders and for data")
options = parser.parse_args()
started = time.perf_counter()
from hftbacktest import (  # noqa: E402
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    FILLED,
    GTC,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
)
from hftbacktest.types import event_dtype  # noqa: E402
from numba import njit  # noqa: E402

import_s = time.perf_counter() - started
TICK, LOT, MOST = 0.5, 0.01, 5
columns = {name: np.load(options.inputs / f"{name}.npy") for name in ("time", "price", "quantity", "sold")}
moments = np.load(options.inputs / "moments.npy") * 1_000
reference = np.load(options.inputs / "reference.npy")


def events():
    rows = np.zeros(len(columns["time"]) + 2, event_dtype)
    rows["px"][2:], rows["qty"][2:] = columns["price"], columns["quantity"]
    rows["exch_ts"][2:] = columns["time"] * 1_000
    side = np.where(columns["sold"], SELL_EVENT, BUY_EVENT)
    rows["ev"][2:] = (TRADE_EVENT | EXCH_EVENT | LOCAL_EVENT | side).astype(np.uint64)
    # The book: one bid far below, one ask far above.
    rows["px"][:2], rows["qty"][:2], rows["exch_ts"][:2] = (TICK, 1e7), 1.0, rows["exch_ts"][2] - 1_000
    rows["ev"][:2] = [DEPTH_EVENT | EXCH_EVENT | LOCAL_EVENT | side for side in (BUY_EVENT, SELL_EVENT)]
    rows["local_ts"] = rows["exch_ts"] + options.latency * 1_000
    return rows


@njit
def quote(hbt, moments, reference, filled):
    number, count = 1, 0
    hbt.elapse(0)
    for k in range(len(moments) + 1):
        over = k == len(moments)
        if hbt.elapse(10**12 if over else moments[k] - hbt.current_timestamp) != 0 and not over:
            break
        values = hbt.orders(0).values()
        while values.has_next():
            order = values.get()
            if order.status == FILLED and len(filled) > 0:
                filled[count, 0], filled[count, 1] = order.order_id, order.exch_timestamp - moments[0]
                filled[count, 2], filled[count, 3] = order.exec_price_tick, order.side
                count += 1
            elif order.cancellable and not over:
                hbt.cancel(0, order.order_id, False)
        if over:
            break
        hbt.clear_inactive_orders(0)
        position = hbt.position(0)
        if position < MOST * LOT - LOT / 2:
            hbt.submit_buy_order(0, number, reference[k] - TICK, LOT, GTC, LIMIT, False)
            number += 1
        if position > -MOST * LOT + LOT / 2:
            hbt.submit_sell_order(0, number, reference[k] + TICK, LOT, GTC, LIMIT, False)
            number += 1
    return number - 1, count


def run(rows, filled):
    delay = options.latency * 1_000
    asset = BacktestAsset().data([rows]).linear_asset(1.0).constant_order_latency(delay, delay)
    asset = asset.risk_adverse_queue_model().no_partial_fill_exchange().trading_value_fee_model(0.0002, 0.0007)
    hbt = HashMapMarketDepthBacktest([asset.tick_size(TICK).lot_size(LOT).last_trades_capacity(0)])
    cpu, begun = time.process_time(), time.perf_counter()
    orders, count = quote(hbt, moments, reference, filled)
    spent = time.perf_counter() - begun, time.process_time() - cpu
    state = hbt.state_values(0)
    found = orders, int(state.num_trades), float(state.position), float(state.balance), float(state.fee)
    hbt.close()
    return spent, found, filled[:count]


rows = events()
begun = time.perf_counter()
fills = run(rows, np.zeros((2 * len(moments) + 2, 4)))[2]
first_s = time.perf_counter() - begun
np.save(options.inputs / "fills-hftbacktest.npy", fills)
nothing = np.zeros((0, 4))
runs = [run(rows, nothing) for _ in range(options.runs)]
print(
    json.dumps(
        {
            "engine": "hftbacktest",
            "import_s": import_s,
            "first_s": first_s,
            "runs_s": [spent[0] for spent, _, _ in runs],
            "cpu_s": [spent[1] for spent, _, _ in runs],
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
            "found": runs[-1][1],
        }
    )
)
