"""Inputs of the portfolio benchmarks as .npy files, read by tallow and by its peer alike: prices and weights."""

import json
import sys
from pathlib import Path

import numpy as np
import workload

ASSETS = 5
SHARE = 0.15  # of the equity in each asset while its fast average is above the slow one: cash always suffices
COPIES = 2
SCENES = ("five", "twenty")
FIELDS = ("open", "high", "low", "close", "volume")


def prepare(scene: str, cache: Path, rows: int, data: Path | None) -> Path:
    """Write the inputs of a scene once; give their folder."""
    if scene == "five":
        return _five(cache, rows)
    if data is None or not data.exists():
        raise SystemExit(f"the scene twenty needs the shared recordings; {data} is not there")
    return _twenty(cache, data)


def load(folder: Path) -> dict:
    """Read times, one array a field (rows x instruments) and weights."""
    arrays = {name: np.load(Path(folder) / f"{name}.npy") for name in ("time", *FIELDS, "weights")}
    return {**arrays, **json.loads((Path(folder) / "facts.json").read_text())}


def _five(cache: Path, rows: int) -> Path:
    folder = cache / "inputs" / f"portfolio-five-{rows}-{workload.SEED}"
    if (folder / "facts.json").exists():
        return folder
    drawn = [workload.generate(rows, workload.SEED + k) for k in range(ASSETS)]
    fast, slow = workload.PAIR
    weights = np.zeros((rows, ASSETS))
    for k, columns in enumerate(drawn):
        lines = workload.averages(columns["close"], np.array(workload.PAIR))
        weights[:, k] = np.where(lines[fast] > lines[slow], SHARE, 0.0)
    fields = {name: np.column_stack([columns[name] for columns in drawn]) for name in FIELDS}
    return _write(folder, drawn[0]["time"], fields, weights, [f"S{k}/USDT" for k in range(ASSETS)])


def _twenty(cache: Path, data: Path) -> Path:
    folder = cache / "inputs" / "portfolio-twenty"
    if (folder / "facts.json").exists():
        return folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
    import pandas as pd

    from tallow.core.portfolio import inverse_volatility

    files = sorted((data / "binance/spot/klines-5m").glob("*_USDT-5m.feather"))
    tables = {path.name.split("-")[0].replace("_", "/"): pd.read_feather(path).set_index("date") for path in files}
    common = sorted(set.intersection(*(set(table.index) for table in tables.values())))
    time = pd.DatetimeIndex(common).as_unit("us").asi8
    tables = {symbol: table.loc[common] for symbol, table in tables.items()}
    fields = {name: np.column_stack([table[name] for table in tables.values()] * COPIES) for name in FIELDS}
    weights = inverse_volatility(fields["close"], window=288)
    weights[np.isnan(weights)] = 0.0
    symbols = [symbol if copy == 0 else f"{symbol}#{copy + 1}" for copy in range(COPIES) for symbol in tables]
    return _write(folder, time, fields, weights, symbols)


def _write(folder: Path, time: np.ndarray, fields: dict, weights: np.ndarray, symbols: list[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in {"time": time, **fields, "weights": weights}.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array, np.int64 if name == "time" else np.float64))
    (folder / "facts.json").write_text(json.dumps({"symbols": symbols}))
    return folder
