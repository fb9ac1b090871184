"""Kill `tallow ingest binance` with SIGKILL at random moments while it fetches from the simulated exchange.

    python benchmarks/kill_exchange.py --kills 20 --seed 1

The exchange (loopback, Binance's REST form) knows the truth: every candle and every trade. The command is started,
killed at a moment drawn from the seed, and started again; after the kills it is let through. Bronze and silver are then
compared with the exchange, row by row. Prints one JSON line; exit code 1 when a row is lost, doubled or other.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tallow.app import open_workspace
from tallow.domain.ranges import parse_time
from tallow.domain.tables import BRONZE_CANDLES, BRONZE_TRADES, SILVER_CANDLES, SILVER_TRADES, Table
from tallow.venues.simulated import Market, SimulatedExchange, usual_halts

SYMBOLS = ("BTC/USDT", "ETH/USDT")
DAYS = 120


def main() -> int:
    """Kill, restart, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    halts = usual_halts(parse_time("2024-01-01"), DAYS)
    market = Market(chosen.seed, SYMBOLS, "2024-01-01", DAYS, 600.0, halts=halts)
    with tempfile.TemporaryDirectory() as folder, SimulatedExchange(market) as exchange:
        lake = str(Path(folder) / "lake")
        killed = kill_often(exchange.url, lake, chosen.kills, random.Random(chosen.seed))
        result = {"benchmark": "kill_exchange", "seed": chosen.seed, "kills": killed, **compare(lake, market)}
    print(json.dumps(result))
    return int(result["lost"] + result["extra"] + result["duplicated"] > 0)


def kill_often(url: str, lake: str, kills: int, draw: random.Random) -> int:
    """Start the command until it has been killed so often and then been let through; give the number of kills."""
    command = [
        sys.executable,
        "-m",
        "tallow.cli",
        "ingest",
        "binance",
        *SYMBOLS,
        "--kind",
        "candles",
        "--kind",
        "trades",
    ]
    command += ["--timerange", f"2024-01-01..{time.strftime('%Y-%m-%d')}", "-t", "1h", "--lake", lake, "-q"]
    settings = {"TALLOW__BINANCE__SPOT_URL": url, "TALLOW__BINANCE__ARCHIVE_URL": ""}
    killed = 0
    while True:
        child = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL)
        try:
            # Half a second goes by before anything is fetched; later moments fall anywhere in the work.
            child.wait(None if killed >= kills else draw.uniform(0.6, 3.0))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            killed += 1
            continue
        if child.returncode:
            raise SystemExit(f"the command failed by itself with exit code {child.returncode}")
        if killed >= kills:
            return killed
        killed = kills  # it came through before it could be killed again: the rest would only repeat a no-op


def compare(lake: str, market: Market) -> dict[str, int]:
    """Count rows that the exchange has and the lake lacks, that only the lake has, and that the lake has twice."""
    workspace = open_workspace(lake)
    found = {"rows": 0, "lost": 0, "extra": 0, "duplicated": 0}
    for symbol in SYMBOLS:
        where = {"venue": "binance", "symbol": symbol}
        candles = market.candles(symbol, "1h")
        trades = market.trades(symbol)
        truth_candles = Counter(zip(candles.time.tolist(), candles.close.tolist(), strict=True))
        truth_trades = Counter(zip(trades.trade_id.tolist(), trades.price.tolist(), strict=True))
        pairs: tuple[tuple[Table, str, Counter[tuple[int, float]]], ...] = (
            (BRONZE_CANDLES, "time", truth_candles), (SILVER_CANDLES, "time", truth_candles),
            (BRONZE_TRADES, "trade_id", truth_trades), (SILVER_TRADES, "trade_id", truth_trades),
        )  # fmt: skip
        for table, key, truth in pairs:
            frame = workspace.lake.read(table, where)
            value = "close" if key == "time" else "price"
            held = Counter(zip(frame[key].to_physical().to_list(), frame[value].to_list(), strict=True))
            found["rows"] += frame.height
            found["lost"] += sum((truth - held).values())
            found["extra"] += sum(1 for row in held if row not in truth)
            found["duplicated"] += sum(count - 1 for count in held.values())
    return found


if __name__ == "__main__":
    sys.exit(main())
