"""Turn pages into bronze rows, as parsed, each with its payload and its place in it."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tallow.domain.columns import COLUMNS, Bars, FundingRates, Ticks, Times
from tallow.domain.tables import (
    BRONZE_CANDLES,
    BRONZE_FUNDING,
    BRONZE_INSTRUMENTS,
    BRONZE_TRADES,
    META_QUARANTINE,
    RAW_PAYLOADS,
    Table,
)
from tallow.ports import Kind, Page

if TYPE_CHECKING:
    import polars as pl

TABLE_OF: dict[Kind, Table] = {
    "candles": BRONZE_CANDLES,
    "trades": BRONZE_TRADES,
    "funding": BRONZE_FUNDING,
    "instruments": BRONZE_INSTRUMENTS,
}
_MOMENTS = ("time", "close_time", "event_time", "received_time")


def digest(content: bytes) -> str:
    """Give the name of a payload: sha256 of its bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def payload_row(page: Page, name: str) -> "pl.DataFrame":
    """Make the row of raw.payloads."""
    payload = page.payload
    return _typed(
        {
            "payload": [name],
            "source": [payload.source],
            "venue": [page.instrument.venue],
            "symbol": [page.instrument.symbol],
            "kind": [page.kind],
            "format": [payload.format],
            "received_time": [payload.received_time],
            "size": [len(payload.content)],
            "content": [payload.content],
        },
        RAW_PAYLOADS,
    )


def bronze_rows(page: Page, name: str, places: Times) -> "pl.DataFrame":
    """Make the bronze rows of a page; `places` says where in the payload each one stood."""
    rows = page.rows
    if isinstance(rows, Bars):
        values = {column: getattr(rows, column) for column in COLUMNS}
        if page.close_time is not None:
            values["close_time"] = page.close_time
    elif isinstance(rows, Ticks):
        names = ("trade_id", "event_time", "received_time", "price", "quantity", "buyer_is_maker")
        values = {column: getattr(rows, column) for column in names}
    elif isinstance(rows, FundingRates):
        values = {"time": rows.time, "rate": rows.rate}
    else:
        numbers = ("tick_size", "lot_size", "min_notional")
        values = {column: np.array([getattr(rule, column) for rule in rows], np.float64) for column in numbers}
        values["status"] = np.array([rule.status for rule in rows], np.str_)
        values["symbol"] = np.array([rule.instrument.symbol for rule in rows], np.str_)
    fixed: dict[str, Any] = {"venue": page.instrument.venue, "symbol": page.instrument.symbol}
    fixed |= {"timeframe": _timeframe(page), "received_time": page.payload.received_time, "payload": name}
    return _typed({**fixed, **values, "row": places}, TABLE_OF[page.kind], height=len(places))


def rejected_rows(page: Page, name: str) -> "pl.DataFrame":
    """Make the quarantine rows of what the parser could not read; their time is not known."""
    rejected = page.rejected
    return _typed(
        {
            "table_name": TABLE_OF[page.kind].full_name,
            "venue": page.instrument.venue,
            "symbol": page.instrument.symbol,
            "timeframe": _timeframe(page),
            "reason": [row.reason for row in rejected],
            "record": [json.dumps(row.record) for row in rejected],
            "payload": name,
            "row": [row.row for row in rejected],
        },
        META_QUARANTINE,
        height=len(rejected),
    )


def places_of(page: Page, start: int) -> tuple[Times, int]:
    """Number the rows of a page that begins at row `start` of its payload; give the next page's start too."""
    rejected = {row.row - start for row in page.rejected}
    whole = len(page.rows) + len(rejected)
    taken = np.array(sorted(row for row in rejected if 0 <= row < whole), np.int64)
    free = np.setdiff1d(np.arange(whole, dtype=np.int64), taken)[: len(page.rows)]
    return free + start, start + whole


def _timeframe(page: Page) -> str:
    return str(page.timeframe) if page.timeframe else ""


def _typed(values: dict[str, Any], table: Table, height: int = 1) -> "pl.DataFrame":
    import polars as pl

    columns = []
    for name in table.column_names:
        if name in values:
            value = values[name]
            one = isinstance(value, str | int)
            column = pl.Series(name, [value]).new_from_index(0, height) if one else pl.Series(name, value)
            columns.append(column.cast(pl.Datetime("us", "UTC")) if name in _MOMENTS else column)
    return pl.DataFrame(columns)
