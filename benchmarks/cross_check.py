"""Compare crossovers on recorded candles, trade by trade, with vectorbt and backtesting.py.

python benchmarks/cross_check.py [--shared FOLDER] [--cache FOLDER] [--windows FAST SLOW] [--narrow] [--write]

SMA(20/100) on seven years of hourly BTC/USDT, then two crossovers on each of ten symbols at five minutes, both fill
rules each. One JSON line on stdout, the tables on stderr; --write puts them into docs/cross-check.md, --narrow leaves
the ten symbols out. Exits 4 when a difference is larger than its explanation allows.
"""

import argparse
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import peers
import polars as pl
import workload

from tallow.core import engine, indicators
from tallow.domain.columns import Bars
from tallow.domain.results import EXIT_REASONS
from tallow.domain.scene import Execution

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = REPOSITORY / "docs" / "cross-check.md"
MARK = "<!-- table: benchmarks/cross_check.py --write -->"
WIDE_MARK = "<!-- wide table: benchmarks/cross_check.py --write -->"
WINDOWS = (20, 100)
WIDE_WINDOWS = ((20, 100), (12, 48))
FILLS = ("next_open", "close")
EXACT = 1e-9


def hourly(shared: Path, cache: Path) -> Path:
    """Join the two recordings of hourly BTC/USDT into .npy columns: 2017-08-17 to 2025-06-30."""
    spot = shared / "binance" / "spot"
    old = pl.read_ipc(spot / "klines-1h-long" / "BTC_USDT-1h.feather")
    columns = [old["date"].dt.epoch("us").to_numpy(), *(old[name].to_numpy() for name in workload.COLUMNS[1:])]
    rows = []
    with zipfile.ZipFile(spot / "rest-klines" / "BTCUSDT-1h-pages.zip") as pages:
        for name in sorted(pages.namelist()):
            rows += [page[:6] for page in json.loads(pages.read(name))]
    newer = np.array(rows, np.float64)
    newer = newer[newer[:, 0] * 1000 > columns[0][-1]]
    times = np.concatenate((columns[0], (newer[:, 0] * 1000).astype(np.int64)))
    folder = cache / "inputs" / "btc-usdt-1h"
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "time.npy", times)
    for i, name in enumerate(workload.COLUMNS[1:], start=1):
        np.save(folder / f"{name}.npy", np.concatenate((columns[i], newer[:, i])))
    if not (np.diff(times) > 0).all():
        raise SystemExit("the joined recordings are not in ascending order")
    return folder


def five_minutes(shared: Path, cache: Path) -> dict[str, Path]:
    """Write the ten recordings of five-minute candles as .npy columns; give their folders by symbol."""
    folders = {}
    for path in sorted((shared / "binance" / "spot" / "klines-5m").glob("*-5m.feather")):
        frame = pl.read_ipc(path)
        folder = folders[path.name.partition("-")[0]] = cache / "inputs" / path.stem.lower()
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "time.npy", frame["date"].dt.epoch("us").to_numpy())
        for name in workload.COLUMNS[1:]:
            np.save(folder / f"{name}.npy", frame[name].to_numpy())
    return folders


def ours(folder: Path, fill: str, windows: list[int]) -> dict:
    """Run the same rule on tallow."""
    columns = workload.load(folder)
    bars = Bars.of(columns["time"], tuple(columns[name] for name in workload.COLUMNS[1:]))
    fast, slow = (indicators.sma(bars.close, window) for window in windows)
    targets = (fast > slow).astype(np.float64)
    done = engine.run(bars, targets, Execution(fill=fill, taker_fee=workload.FEE), cash=workload.CASH)
    log = done.trades
    closed = log.reason != EXIT_REASONS.index("open")
    return {
        "engine": "tallow",
        "final_equity": float(done.equity[-1]),
        "open_at_end": int((~closed).sum()),
        "decisions": targets,
        "rejected_orders": done.rejected_orders,
        "trades": {
            "entry_row": log.entry_row[closed],
            "exit_row": log.exit_row[closed],
            "entry_price": log.entry_price[closed],
            "exit_price": log.exit_price[closed],
            "quantity": log.quantity[closed],
            "profit": log.profit[closed],
            "return": log.return_pct[closed] / 100,
        },
    }


def theirs(peer: str, folder: Path, fill: str, windows: list[int], cache: Path, decisions: Path | None) -> dict:
    """Run the rule on a peer, under its own interpreter: with its own averages, or with decisions that are given."""
    script = Path(__file__).with_name(f"cross_{peer}.py")
    command = [peers.interpreter(peer, cache), script, "--inputs", folder, "--fill", fill, "--windows", *windows]
    command += ["--decisions", decisions] if decisions else []
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{script.name} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def equity_fraction(trades: dict) -> np.ndarray:
    """Give what each entry cost, fee included, as a fraction of the equity before it."""
    profit = np.asarray(trades["profit"])
    before = workload.CASH + np.concatenate(([0.0], np.cumsum(profit)[:-1]))
    return np.asarray(trades["quantity"]) * np.asarray(trades["entry_price"]) * (1 + workload.FEE) / before


def compare(mine: dict, peer: dict) -> dict:
    """Pair trades by entry and exit bar; give counts and the largest relative differences."""
    keys = [list(zip(run["trades"]["entry_row"], run["trades"]["exit_row"], strict=True)) for run in (mine, peer)]
    shared_keys = set(keys[0]) & set(keys[1])
    rows = [np.array([key in shared_keys for key in side], bool) for side in keys]
    a, b = (
        {
            name: np.asarray(values, np.float64)[kept]
            for name, values in {**run["trades"], "fraction": equity_fraction(run["trades"])}.items()
        }
        for run, kept in zip((mine, peer), rows, strict=True)
    )
    relative = {
        name: float(np.max(np.abs(a[name] / b[name] - 1), initial=0.0))
        for name in ("entry_price", "exit_price", "quantity", "fraction")
    }
    return {
        "peer": peer["engine"],
        "trades": len(keys[0]),
        "paired": len(shared_keys),
        "only_tallow": sorted(tuple(map(int, key)) for key in set(keys[0]) - shared_keys),
        "only_peer": sorted(tuple(map(int, key)) for key in set(keys[1]) - shared_keys),
        "open_at_end": [mine["open_at_end"], peer["open_at_end"]],
        "rejected_orders": mine["rejected_orders"],
        "decisions_differ": int((np.asarray(mine["decisions"]) != np.asarray(peer["decisions"])).sum()),
        **relative,
        "return": float(np.max(np.abs(a["return"] - b["return"]), initial=0.0)),
        "final_equity": [mine["final_equity"], peer["final_equity"]],
        "final_equity_relative": abs(mine["final_equity"] / peer["final_equity"] - 1),
        "versions": peer["versions"],
    }


def allowed(line: dict) -> bool:
    """Say whether nothing is left that the page does not explain."""
    rounding = 1e-6 if line["peer"] == "backtesting.py" else EXACT  # whole satoshis, on every entry
    same = line["paired"] == line["trades"] and not line["only_peer"] and len(set(line["open_at_end"])) == 1
    prices = max(line["entry_price"], line["exit_price"], line["return"])
    return same and prices <= EXACT and max(line["quantity"], line["final_equity_relative"]) <= rounding


def table(lines: list[dict]) -> str:
    """Write the comparison as Markdown."""
    out = [
        "| fill | peer | closed trades | same entry and exit bar | open at the end | entry, exit price | size as "
        "fraction of equity | net return per trade | quantity | final equity: tallow, peer, relative difference |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        mine, peer = line["final_equity"]
        out.append(
            f"| {line['fill']} | {line['peer']} {next(iter(line['versions'].values()))} | {line['trades']} "
            f"| {line['paired']} | {line['open_at_end'][0]}, {line['open_at_end'][1]} "
            f"| {max(line['entry_price'], line['exit_price']):.1e} | {line['fraction']:.1e} | {line['return']:.1e} "
            f"| {line['quantity']:.1e} | {mine:.6f}, {peer:.6f}, {line['final_equity_relative']:.1e} |"
        )
    return "\n".join(out)


def wide_table(lines: list[dict]) -> str:
    """Write many comparisons as Markdown: a row per symbol and windows, the worst of both fills and peers."""
    out = [
        "| symbol | windows | closed trades (next open, close) | same bars, four comparisons | price | net return per "
        "trade | final equity: vectorbt, backtesting.py |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in sorted({(line["symbol"], tuple(line["windows"])) for line in lines}):
        some = [line for line in lines if (line["symbol"], tuple(line["windows"])) == case]
        trades = [line["trades"] for line in some[::2]]
        same = sum(line["paired"] == line["trades"] and not line["only_peer"] for line in some)
        price = max(max(line["entry_price"], line["exit_price"]) for line in some)
        gap = {peer: max(one["final_equity_relative"] for one in some if one["peer"].startswith(peer)) for peer in "vb"}
        profit = max(line["return"] for line in some)
        out.append(
            f"| {case[0].replace('_', '/')} | {case[1][0]}/{case[1][1]} | {trades[0]}, {trades[1]} "
            f"| {same} of {len(some)} | {price:.1e} | {profit:.1e} | {gap['v']:.1e}, {gap['b']:.1e} |"
        )
    return "\n".join(out)


def comparisons(symbol: str, folder: Path, windows: list[int], cache: Path, *, given: bool = False) -> list[dict]:
    """Compare one crossover on one series under both fill rules with both peers; `given` hands them our decisions."""
    lines = []
    for fill in FILLS:
        mine = ours(folder, fill, windows)
        decisions = folder / "decisions.npy" if given else None
        if decisions:
            np.save(decisions, mine["decisions"] > 0)
        for peer in ("vectorbt", "backtesting"):
            found = compare(mine, theirs(peer, folder, fill, windows, cache, decisions))
            lines.append({"symbol": symbol, "windows": list(windows), "fill": fill, **found})
    return lines


def write(page: str, mark: str, text: str) -> str:
    """Put a table between its marks."""
    head, _, rest = page.partition(mark)
    return f"{head}{mark}\n{text}\n{mark}{rest.partition(mark)[2]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("TALLOW_SHARED_DATA", REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--cache", type=Path, default=peers.cache_folder())
    parser.add_argument("--windows", type=int, nargs=2, default=WINDOWS, metavar=("FAST", "SLOW"))
    parser.add_argument("--narrow", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    folder = hourly(options.shared, options.cache)
    lines, wide = comparisons("BTC_USDT 1h", folder, options.windows, options.cache), []
    for symbol, series in {} if options.narrow else five_minutes(options.shared, options.cache).items():
        for windows in WIDE_WINDOWS:
            wide += comparisons(symbol, series, windows, options.cache, given=True)
    times = np.load(folder / "time.npy")
    agree = all(allowed(line) for line in lines + wide)
    print(
        json.dumps(
            {
                "check": "cross-check",
                "rule": "SMA({}/{}), long only, all equity, 0.1 % a side".format(*options.windows),
                "bars": len(times),
                "first": int(times[0]),
                "last": int(times[-1]),
                "gaps": int((np.diff(times) != 3_600_000_000).sum()),
                "agree": agree,
                "cases": len({(line["symbol"], tuple(line["windows"])) for line in lines + wide}),
                "unexplained": [line for line in lines + wide if not allowed(line)],
                "comparisons": lines + wide,
            }
        )
    )
    print(table(lines), wide_table(wide), sep="\n\n", file=sys.stderr)
    if options.write:
        page = write(PAGE.read_text(), MARK, table(lines))
        PAGE.write_text(page if options.narrow else write(page, WIDE_MARK, wide_table(wide)))
    return 0 if agree else 4


if __name__ == "__main__":
    sys.exit(main())
