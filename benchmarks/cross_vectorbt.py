"""SMA(20/100) on vectorbt, every trade as JSON: run by cross_check.py under the peer's environment.

Its own averages (`vbt.MA`), its own matching. Fills at the next open by signals moved one bar and `price=open`.
"""

import argparse
import json
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import vectorbt as vbt
import workload


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--fill", choices=("next_open", "close"), required=True)
    parser.add_argument("--windows", type=int, nargs=2, required=True)
    parser.add_argument("--decisions", type=Path, help="when to be long, in place of its own averages")
    options = parser.parse_args()
    vbt.settings["engine"] = "rust"
    columns = workload.load(options.inputs, ("time", "open", "close"))
    index = pd.to_datetime(columns["time"], unit="us")
    close, opened = pd.Series(columns["close"], index=index), pd.Series(columns["open"], index=index)
    fast, slow = (vbt.MA.run(close, window).ma for window in options.windows)
    above = np.load(options.decisions) if options.decisions else (fast > slow).to_numpy()
    before = np.concatenate(([False], above[:-1]))
    entries, exits = above & ~before, before & ~above
    if options.fill == "next_open":
        entries, exits = (np.concatenate(([False], signal[:-1])) for signal in (entries, exits))
    portfolio = vbt.Portfolio.from_signals(
        close,
        entries,
        exits,
        price=opened if options.fill == "next_open" else close,
        size=np.inf,
        fees=workload.FEE,
        init_cash=workload.CASH,
    )
    records = portfolio.trades.records
    closed = records[records["status"] == 1]
    line = {
        "engine": "vectorbt",
        "final_equity": float(portfolio.value().iloc[-1]),
        "open_at_end": len(records) - len(closed),
        "decisions": above.astype(int).tolist(),
        "trades": {
            "entry_row": closed["entry_idx"].tolist(),
            "exit_row": closed["exit_idx"].tolist(),
            "entry_price": closed["entry_price"].tolist(),
            "exit_price": closed["exit_price"].tolist(),
            "quantity": closed["size"].tolist(),
            "profit": closed["pnl"].tolist(),
            "return": closed["return"].tolist(),
        },
        "versions": {name: metadata.version(name) for name in ("vectorbt", "vectorbt-rust", "numpy", "pandas")},
    }
    json.dump(line, sys.stdout)


main()
