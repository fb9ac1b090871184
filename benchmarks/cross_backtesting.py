"""SMA(20/100) on backtesting.py, every trade as JSON: run by cross_check.py under the peer's environment.

Its own matching, averages by pandas, sizes in hundred-millionths of a coin (`FractionalBacktest`).
"""

import argparse
import json
import sys
import warnings
from importlib import metadata
from pathlib import Path

import backtesting
import numpy as np
import pandas as pd
import workload
from backtesting.lib import FractionalBacktest

warnings.simplefilter("ignore")
backtesting.backtesting._tqdm = lambda rows, **_: rows


class Crossover(backtesting.Strategy):
    windows: tuple = ()
    above = None

    def init(self):
        if self.above is not None:
            given = self.above.astype(float)
            self.fast, self.slow = self.I(lambda: given, name="above"), self.I(lambda: given * 0.0 + 0.5, name="half")
            return
        close = pd.Series(self.data.Close)
        self.fast, self.slow = (
            self.I(lambda window=window: close.rolling(window).mean().to_numpy(), name=f"sma{window}")
            for window in self.windows
        )

    def next(self):
        if self.fast[-1] > self.slow[-1]:
            if not self.position:
                self.buy()
        elif self.position:
            self.position.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--fill", choices=("next_open", "close"), required=True)
    parser.add_argument("--windows", type=int, nargs=2, required=True)
    parser.add_argument("--decisions", type=Path, help="when to be long, in place of its own averages")
    options = parser.parse_args()
    columns = workload.load(options.inputs)
    frame = pd.DataFrame(
        {name.capitalize(): columns[name] for name in workload.COLUMNS[1:]},
        index=pd.to_datetime(columns["time"], unit="us"),
    )
    Crossover.windows = tuple(options.windows)
    Crossover.above = np.load(options.decisions) if options.decisions else None
    found = FractionalBacktest(
        frame,
        Crossover,
        cash=workload.CASH,
        commission=workload.FEE,
        trade_on_close=options.fill == "close",
    ).run()
    trades = found["_trades"]
    fast, slow = (frame["Close"].rolling(window).mean() for window in options.windows)
    above = fast > slow if Crossover.above is None else Crossover.above
    line = {
        "engine": "backtesting.py",
        "final_equity": float(found["Equity Final [$]"]),
        "open_at_end": len(found["_strategy"].trades),
        "decisions": above.astype(int).tolist(),
        "trades": {
            "entry_row": trades["EntryBar"].tolist(),
            "exit_row": trades["ExitBar"].tolist(),
            "entry_price": trades["EntryPrice"].tolist(),
            "exit_price": trades["ExitPrice"].tolist(),
            "quantity": trades["Size"].tolist(),
            "profit": trades["PnL"].tolist(),
            "return": trades["ReturnPct"].tolist(),
        },
        "versions": {name: metadata.version(name) for name in ("backtesting", "numpy", "pandas")},
    }
    json.dump(line, sys.stdout)


main()
