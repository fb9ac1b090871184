"""A portfolio on tallow: weights in; equity, every fill and every trade out. Run by portfolio.py."""

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
parser.add_argument("--mode", default="")
parser.add_argument("--save", type=Path, required=True, help="where the equity goes, for comparison")
options = parser.parse_args()
options.task = options.scene
started = time.perf_counter()
from tallow.core.portfolio import AccountRules, Calendar, OnChange, align, run  # noqa: E402
from tallow.domain.columns import Bars  # noqa: E402
from tallow.domain.scene import Execution  # noqa: E402

import_s = time.perf_counter() - started
given = portfolio_inputs.load(options.inputs)
bars = {
    symbol: Bars.of(given["time"], tuple(given[name][:, k].copy() for name in portfolio_inputs.FIELDS))
    for k, symbol in enumerate(given["symbols"])
}
weights, execution = given["weights"], Execution(taker_fee=workload.FEE)
rules = AccountRules(OnChange() if options.scene == "five" else Calendar("daily"))
panel = align(bars)


def call():
    book = align(bars) if options.mode == "align" else panel
    done = run(book, weights, execution, cash=workload.CASH, rules=rules)
    closed = sum(int((log.reason != 5).sum()) for log in done.trades)
    return done, [done.equity[-1], len(done.fills), done.fills.fee.sum(), closed]


done, _ = call()
np.save(options.save, done.equity)
assert done.shrunk_purchases == 0 or options.scene == "twenty"
workload.report("tallow", options, import_s, lambda: np.array(call()[1]), ("numba", "numpy"))
