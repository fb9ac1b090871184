"""The workload on backtesting.py: run under the environment that peers.py builds; one backtest a pair.

Fractional sizes by a fraction of equity; fills at the deciding bar's close, in tasks bars and compiled at the next
open.
"""

import time
import warnings

import numpy as np
import workload

options = workload.options(__doc__).parse_args()
warnings.simplefilter("ignore")
started = time.perf_counter()
import backtesting  # noqa: E402
import pandas as pd  # noqa: E402

import_s = time.perf_counter() - started
columns = workload.load(options.inputs)
grid = workload.chosen_pairs(options)
SHRINK = 1e-8  # whole units only: prices are made so small that one unit is a hundred-millionth of a coin
frame = pd.DataFrame(
    {name.capitalize(): columns[name] * (SHRINK if name != "volume" else 1) for name in workload.COLUMNS[1:]},
    index=pd.to_datetime(columns["time"], unit="us"),
)
backtesting.backtesting._tqdm = lambda rows, **_: rows


class Crossover(backtesting.Strategy):
    above: np.ndarray

    def init(self):
        self.long = self.I(lambda: self.above, name="long")

    def next(self):
        if self.long[-1]:
            if not self.position:
                self.buy()
        elif self.position:
            self.position.close()


def one_by_one():
    lines = workload.averages(columns["close"], grid)
    rows = []
    for fast, slow in grid.tolist():
        # One line without NaN: behind a line with NaN it asks the strategy one candle late for the first time.
        Crossover.above = (lines[fast] > lines[slow]).astype(np.float64)
        found = backtesting.Backtest(
            frame,
            Crossover,
            cash=workload.CASH,
            commission=workload.FEE,
            trade_on_close=options.task not in ("bars", "compiled"),
            finalize_trades=True,
        ).run()
        trades = found["_trades"]
        rows.append(
            (
                found["Return [%]"] / 100,
                found["# Trades"],
                (trades["PnL"] > 0).sum(),
                (trades["PnL"] < 0).sum(),
                -found["Max. Drawdown [%]"] / 100,
                found["Sharpe Ratio"],
            )
        )
    return np.array(rows)


workload.report("backtesting.py", options, import_s, one_by_one, ("backtesting", "numpy", "pandas"))
