"""The same portfolio on vectorbt: `from_orders` with target percent, shared cash, sales first. Run by portfolio.py.

Orders stand one row below their decision and fill at the open, as tallow's do. A target weight w is passed as
w / (1 + fee): tallow's weight includes the fee. Rows without an order are NaN. What is prepared is not timed.
Modes: ``rust`` and ``numba``, the two engines that it has.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import portfolio_inputs
import workload

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--scene", choices=portfolio_inputs.SCENES, required=True)
parser.add_argument("--inputs", type=Path, required=True)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--mode", choices=("rust", "numba"), default="rust")
parser.add_argument("--save", type=Path, required=True, help="where the equity goes, for comparison")
options = parser.parse_args()
options.task = options.scene
started = time.perf_counter()
import pandas as pd  # noqa: E402
import vectorbt as vbt  # noqa: E402

import_s = time.perf_counter() - started
if options.mode == "rust":
    vbt.settings["engine"] = "rust"
given = portfolio_inputs.load(options.inputs)
weights, times = given["weights"], given["time"]
if options.scene == "five":
    decided = np.vstack((weights[:1] != 0, weights[1:] != weights[:-1]))
else:
    step = np.diff(times).min()
    days = (times + step) // 86_400_000_000
    decided = np.repeat(np.concatenate(([True], days[1:] != days[:-1]))[:, None], weights.shape[1], axis=1)
size = np.full(weights.shape, np.nan)
size[1:][decided[:-1]] = weights[:-1][decided[:-1]] / (1 + workload.FEE)
index = pd.to_datetime(times, unit="us")
close, opened = (pd.DataFrame(given[name], index=index, columns=given["symbols"]) for name in ("close", "open"))


def call():
    book = vbt.Portfolio.from_orders(
        close,
        size,
        size_type="targetpercent",
        price=opened,
        fees=workload.FEE,
        init_cash=workload.CASH,
        cash_sharing=True,
        group_by=True,
        call_seq="auto",
        freq="1min",
    )
    equity = book.value().to_numpy()
    orders, trades = book.orders.values, book.trades.values
    return equity, [equity[-1], len(orders), orders["fees"].sum(), int((trades["status"] == 1).sum())]


equity, _ = call()
np.save(options.save, equity)
workload.report(
    "vectorbt",
    options,
    import_s,
    lambda: np.array(call()[1]),
    ("vectorbt", "vectorbt-rust", "numba", "numpy", "pandas"),
)
