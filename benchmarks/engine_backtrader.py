"""The crossover on backtrader: run under the environment that peers.py builds.

All the cash at the next open, as its default is; fractional sizes, a part in 10^15 less than the cash pays, because it
refuses an order whose cost rounds to more. Modes: empty (the fastest setting that was found: columns put into its
lines at once, averages by numpy as a line of the feed, no observers, no analyzers), ``indicators`` (its feed for pandas
and its `SMA`, the way its manual shows).
"""

import time

import numpy as np
import workload

options = workload.options(__doc__).parse_args()
started = time.perf_counter()
import backtrader as bt  # noqa: E402
import pandas as pd  # noqa: E402

import_s = time.perf_counter() - started
columns = workload.load(options.inputs)
LESS = 1 - 1e-15


class Columns(bt.feed.DataBase):
    """A feed that takes whole columns; `above` says that the fast average is above the slow one."""

    lines = ("above",)
    params = (("columns", None),)

    def preload(self):
        """Put every column into its line."""
        for name, column in self.p.columns.items():
            getattr(self.lines, name).array.frombytes(column.tobytes())
        self.home()


class Crossover(bt.Strategy):
    """Hold all while the fast average is above; keep every fill with the row that it first counts in."""

    def __init__(self):
        """Take the line of the feed."""
        self.above = self.data.lines.above
        self.filled = []

    def holds(self):
        """Say whether the rule is long at this close."""
        return self.above[0] > 0.0

    def notify_order(self, order):
        """Keep a fill."""
        if order.status == order.Completed:
            done = order.executed
            self.filled.append((len(self) - 1, done.size, done.price, done.comm))

    def next(self):
        """Decide at the close."""
        if self.holds():
            if not self.position:
                self.buy(size=self.broker.getcash() / (self.data.close[0] * (1 + workload.FEE)) * LESS)
        elif self.position:
            self.close()


class Manual(Crossover):
    """The same with the averages that backtrader has."""

    def __init__(self):
        """Declare the averages."""
        quick, calm = (bt.ind.SMA(period=window) for window in workload.PAIR)
        self.above = quick > calm
        self.filled = []


def feed():
    if options.mode == "indicators":
        table = {name: columns[name] for name in workload.COLUMNS[1:]}
        return bt.feeds.PandasData(dataname=pd.DataFrame(table, index=pd.to_datetime(columns["time"], unit="us")))
    lines = workload.averages(columns["close"], np.array(workload.PAIR))
    fast, slow = workload.PAIR
    table = {name: columns[name] for name in workload.COLUMNS[1:]}
    # Days since the year 1, as its lines keep time.
    table["datetime"] = columns["time"] / 86_400e6 + 719_163.0
    table["openinterest"] = np.zeros(len(columns["time"]))
    table["above"] = (lines[fast] > lines[slow]).astype(np.float64)
    return Columns(columns=table)


def run():
    cerebro = bt.Cerebro(stdstats=False, preload=True, runonce=True)
    cerebro.adddata(feed())
    cerebro.addstrategy(Manual if options.mode == "indicators" else Crossover)
    cerebro.broker.setcash(workload.CASH)
    cerebro.broker.setcommission(commission=workload.FEE)
    (strategy,) = cerebro.run()
    return workload.summary_of_fills(columns["close"], np.array(strategy.filled))


workload.report("backtrader", options, import_s, run, ("backtrader", "numpy", "pandas"))
