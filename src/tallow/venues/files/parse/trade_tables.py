"""Trades in comma-separated files: one layout a source, told by its column names or by the look of its cells."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from tallow.domain.columns import Floats
from tallow.domain.market import Instrument
from tallow.venues.files.parse.content import Content, Hints, Parsed
from tallow.venues.files.parse.names import read_symbol
from tallow.venues.files.parse.rows import frame_record, funding_rows, maker_flags, numbers, trade_ids, trade_rows
from tallow.venues.files.parse.tables import read_table
from tallow.venues.files.parse.times import BAD, moments

_TARDIS_VENUES = {
    "binance": ("binance", ""), "binance-futures": ("binance", "linear"), "binance-delivery": ("binance", "inverse"),
    "binance-us": ("binanceus", ""), "bybit": ("bybit", "linear"), "bybit-spot": ("bybit", ""), "okex": ("okx", ""),
    "okex-swap": ("okx", "linear"), "okex-futures": ("okx", "linear"), "coinbase": ("coinbase", ""),
    "kraken": ("kraken", ""), "ftx": ("ftx", "linear"),
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Where a source keeps what.

    Attributes:
        name: of the format.
        columns: our name -> column name, or place in a table without names.
        needed: further columns that must be there for the layout to be meant.
    """

    name: str
    columns: Mapping[str, str]
    needed: tuple[str, ...] = ()

    def fits(self, content: Content) -> bool:
        """Whether a table has the columns of this layout."""
        return {*self.columns.values(), *self.needed} <= set(content.header)


LAYOUTS = (
    Layout(
        "tardis-trades",
        {
            "time": "timestamp", "received": "local_timestamp", "trade_id": "id", "price": "price",
            "quantity": "amount", "side": "side", "symbol": "symbol",
        },
        ("exchange",),
    ),
    Layout(
        "binance-trade-stream-csv",
        {
            "time": "transactiontime", "received": "timestampofreceive", "trade_id": "tradeid", "price": "price",
            "quantity": "quantity", "side": "isbuyermarketmaker", "symbol": "symbol",
        },
    ),
    Layout(
        "binance-archive-aggtrades",
        {
            "time": "transact_time", "trade_id": "agg_trade_id", "price": "price", "quantity": "quantity",
            "side": "is_buyer_maker",
        },
    ),
    Layout(
        "binance-archive-trades",
        {"time": "time", "trade_id": "id", "price": "price", "quantity": "qty", "side": "is_buyer_maker"},
    ),
    Layout(
        "nautilus-trades",
        {
            "time": "timestamp", "trade_id": "trade_id", "price": "price", "quantity": "quantity",
            "side": "buyer_maker",
        },
    ),
    Layout(
        "bybit-archive-trades",
        {
            "time": "timestamp", "trade_id": "trdmatchid", "price": "price", "quantity": "size", "side": "side",
            "symbol": "symbol",
        },
    ),
    Layout(
        "bybit-spot-archive-trades",
        {"time": "timestamp", "trade_id": "id", "price": "price", "quantity": "volume", "side": "side"},
    ),
)  # fmt: skip
FUNDING = {"time": "calc_time", "rate": "last_funding_rate"}


def layout_of(content: Content) -> Layout | None:
    """Find the layout that a table's column names, or its cells, belong to."""
    if content.header:
        return next((layout for layout in LAYOUTS if layout.fits(content)), None)
    shape = "".join(_look(cell) for cell in content.cells)
    return next((layout for pattern, layout in _SHAPES if re.fullmatch(pattern, shape)), None)


def is_trades(content: Content) -> bool:
    """Whether a table holds trades in a known layout."""
    return layout_of(content) is not None


def is_kraken_bulk(content: Content) -> bool:
    """Whether a table has the three columns of Kraken's bulk files: seconds, price, volume."""
    return re.fullmatch("t[ni][ni]", "".join(_look(cell) for cell in content.cells)) is not None


def is_binance_funding(content: Content) -> bool:
    """Whether a table is Binance's archive of funding rates."""
    return set(FUNDING.values()) <= set(content.header)


def read_trades(content: Content, hints: Hints) -> list[Parsed]:
    """Read trades of any layout; several symbols in one file become several series."""
    layout, frame = layout_of(content), read_table(content)
    if layout is None:
        return []
    if "symbol" not in layout.columns:
        return [_read_series(frame, layout, hints, None)]
    groups = frame.partition_by(layout.columns["symbol"], maintain_order=True)
    return [_read_series(group, layout, hints, _instrument(group, layout, hints)) for group in groups]


def read_kraken_bulk(content: Content, hints: Hints) -> list[Parsed]:
    """Read Kraken's bulk trades; they tell neither ids nor sides.

    The side is not known: the buyer counts as maker where the price fell against the last different price (the tick
    rule of Lee and Ready, 1991), else as taker; the series is tagged `side_guessed`.
    """
    frame = read_table(content)
    price = numbers(frame["1"])
    columns = {
        "time": moments(frame["0"]),
        "received": np.full(frame.height, hints.received_time, np.int64),
        "trade_id": np.full(frame.height, -1, np.int64),
        "price": price,
        "quantity": numbers(frame["2"]),
        "buyer_is_maker": _tick_rule(price),
    }
    return [trade_rows(columns, frame_record(frame), tags=frozenset(["side_guessed"]))]


def read_binance_funding(content: Content, hints: Hints) -> list[Parsed]:
    """Read Binance's archive of funding rates."""
    frame = read_table(content)
    return [funding_rows(moments(frame[FUNDING["time"]]), numbers(frame[FUNDING["rate"]]), frame_record(frame))]


def _read_series(frame: pl.DataFrame, layout: Layout, hints: Hints, instrument: Instrument | None) -> Parsed:
    where = layout.columns
    received = moments(frame[where["received"]]) if "received" in where else np.full(frame.height, hints.received_time)
    columns = {
        "time": moments(frame[where["time"]]),
        "received": received,
        "trade_id": trade_ids(frame[where["trade_id"]]),
        "price": numbers(frame[where["price"]]),
        "quantity": numbers(frame[where["quantity"]]),
        "buyer_is_maker": maker_flags(frame[where["side"]]),
    }
    return trade_rows(columns, frame_record(frame), instrument=instrument)


def _instrument(frame: pl.DataFrame, layout: Layout, hints: Hints) -> Instrument | None:
    symbol = str(frame[layout.columns["symbol"]][0])
    venue, market = hints.venue, hints.market
    if "exchange" in frame.columns:
        venue, market = _TARDIS_VENUES.get(str(frame["exchange"][0]), ("", ""))
    elif layout.name.startswith("binance"):
        # the unnamed last column says MARKET for futures, and whether the price was the best for spot
        venue, market = venue or "binance", market or ("linear" if "MARKET" in frame.row(0) else "spot")
    else:
        venue, market = venue or "bybit", market or ("inverse" if symbol.endswith("USD") else "linear")
    return read_symbol(symbol, venue, market)


def _look(cell: str) -> str:
    # t a time, b a truth value, i a whole number, n a number, x anything else
    if cell.casefold() in ("true", "false"):
        return "b"
    value = numbers([cell])[0]
    if np.isnan(value):
        return "x"
    if moments(pl.Series([cell]))[0] != BAD:
        return "t"
    return "i" if cell.lstrip("-").isdigit() else "n"


def _tick_rule(price: Floats) -> Floats:
    change = np.diff(price, prepend=price[:1])
    moved = np.flatnonzero(change != 0)
    last = np.maximum.accumulate(np.where(change != 0, np.arange(len(price)), 0))
    fell = change[last] < 0 if len(moved) else np.zeros(len(price), bool)
    return fell.astype(np.float64)


_PLAIN = {"trade_id": "0", "price": "1", "quantity": "2"}
# Ids grow into the range of times, so `i` and `t` are both let through where an id stands.
_SHAPES = (
    ("[it][ni][ni][ni]tbb?", Layout("binance-archive-trades", {**_PLAIN, "time": "4", "side": "5"})),
    ("[it][ni][ni][it][it]tbb?", Layout("binance-archive-aggtrades", {**_PLAIN, "time": "5", "side": "6"})),
)
