"""Read the CSV tables of Binance's bulk archives: with or without header, milliseconds or microseconds."""

import io

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tallow.domain.columns import Floats, Times
from tallow.ports import Rejected
from tallow.venues.binance.parse import AggTrades, Klines, aggtrades_of, klines_of

_KLINE_COLUMNS = 12
_ID, _PRICE, _QUANTITY, _TIME, _MAKER = 0, 1, 2, 5, 6  # columns of an aggTrades table; 3 and 4 are trade ids
_AGGTRADE_COLUMNS = (7, 8)  # futures have no eighth column


def read_vision_klines(csv: bytes, contract_size: float = 0.0) -> Klines:
    """Read a table of candles; `contract_size` is the quote value of a COIN-M contract, 0 for all others."""
    table, rejected, kept = _read(csv, (_KLINE_COLUMNS,))
    columns = [_floats(table, i) for i in range(_KLINE_COLUMNS - 1)]
    return klines_of(np.stack(columns, axis=1), rejected, kept, contract_size)


def read_vision_aggtrades(csv: bytes, received_time: int, contract_size: float = 0.0) -> AggTrades:
    """Read a table of aggregated trades; `contract_size` as for candles."""
    table, rejected, kept = _read(csv, _AGGTRADE_COLUMNS)
    ids = _whole(table, _ID)
    maker = _flags(table)
    matrix = np.stack([_floats(table, i) for i in (_TIME, _PRICE, _QUANTITY)] + [maker], axis=1)
    return aggtrades_of(ids, matrix, received_time, (rejected, kept, contract_size))


def _read(csv: bytes, widths: tuple[int, ...]) -> tuple[pl.DataFrame, list[Rejected], NDArray[np.int64]]:
    """Split into text columns; lines of another width are set aside."""
    first_line, _, _ = csv.partition(b"\n")
    skipped = 1 if first_line[:1].isalpha() else 0
    width = first_line.count(b",") + 1
    width = width if width in widths else widths[0]
    try:
        # Everything as text: one unreadable cell must not cost the whole table.
        table = pl.read_csv(
            io.BytesIO(csv), has_header=False, skip_rows=skipped, schema=_schema(width), raise_if_empty=False
        )
        return table, [], np.arange(len(table))
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        return _read_line_by_line(csv, skipped, width)


def _read_line_by_line(csv: bytes, skipped: int, width: int) -> tuple[pl.DataFrame, list[Rejected], NDArray[np.int64]]:
    rows, rejected, kept = [], [], []
    for place, line in enumerate(csv.decode("utf-8", "replace").splitlines()[skipped:]):
        cells = line.split(",")
        if len(cells) == width:
            rows.append(cells)
            kept.append(place)
        else:
            rejected.append(Rejected(place, "UNREADABLE_ROW", line[:2000]))
    return pl.DataFrame(rows, schema=_schema(width), orient="row"), rejected, np.array(kept, np.int64)


def _schema(width: int) -> dict[str, type[pl.String]]:
    return {f"c{i}": pl.String for i in range(width)}


def _floats(table: pl.DataFrame, column: int) -> Floats:
    # Text that is no number becomes NaN here, and a rejected row where columns become candles or trades.
    numbers = table.to_series(column).cast(pl.Float64, strict=False)
    return numbers.fill_null(float("nan")).to_numpy().astype(np.float64)


def _whole(table: pl.DataFrame, column: int) -> Times:
    return table.to_series(column).cast(pl.Int64, strict=False).fill_null(-1).to_numpy().astype(np.int64)


def _flags(table: pl.DataFrame) -> Floats:
    text = table.to_series(_MAKER).str.to_lowercase()
    flags = np.full(len(table), np.nan)
    flags[(text == "true").fill_null(False).to_numpy()] = 1.0
    flags[(text == "false").fill_null(False).to_numpy()] = 0.0
    return flags
