"""Candles in comma-separated files: Binance archives, Yahoo, Coinbase, FTX and whatever names its columns."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from tallow.domain.columns import Times
from tallow.domain.market import Instrument
from tallow.venues.files.parse.content import Content, Hints, Parsed
from tallow.venues.files.parse.names import names_funding, names_marks, read_symbol
from tallow.venues.files.parse.rows import candle_rows, frame_record, funding_rows, numbers
from tallow.venues.files.parse.tables import read_table
from tallow.venues.files.parse.times import BAD, epoch, moments

TIME_NAMES = ("open_time", "opentime", "open time", "unix", "timestamp", "time", "datetime", "date", "start")
_OPTIONAL = {
    "quote_volume": ("quote_volume", "quote_asset_volume", "quote asset volume", "quotevolume", "turnover"),
    "trades": ("count", "trades", "number_of_trades", "number of trades", "trade_count", "tradecount"),
    "taker_buy_volume": ("taker_buy_volume", "taker_buy_base_asset_volume", "taker_buy_base"),
    "taker_buy_quote_volume": (
        "taker_buy_quote_volume", "taker_buy_quote_asset_volume", "taker_buy_quote",
    ),
}  # fmt: skip
_CLOSE_NAMES = ("close_time", "closetime", "close time")
_KLINE = ("open", "high", "low", "close", "volume")
_KLINE_PLACES = {
    **dict(zip(_KLINE, "12345", strict=True)),
    "quote_volume": "7",
    "trades": "8",
    "taker_buy_volume": "9",
    "taker_buy_quote_volume": "10",
}


def is_named_candles(content: Content) -> bool:
    """Whether the column names are those of candles."""
    names = content.header
    if content.frame is not None and names_funding(content.name):
        return False
    return set(_KLINE[:4]) <= set(names) and bool(_volumes(names)) and any(name in names for name in TIME_NAMES)


def is_binance_archive(content: Content) -> bool:
    """Whether the cells are the twelve of a Binance candle, without names."""
    cells = content.cells
    return (
        len(cells) == 12
        and bool((numbers(cells) == numbers(cells)).all())
        and _is_time(cells[0])
        and _is_time(cells[6])
    )


def read_named_candles(content: Content, hints: Hints) -> list[Parsed]:
    """Read a table whose header names the columns of candles, in any order.

    Where two volumes stand side by side the first counts the base asset, the second the quote asset. FTX and Yahoo
    state volume in quote units.
    """
    frame = read_table(content)
    names = frame.columns
    volumes = _volumes(names)
    picked = {name: [name] for name in _KLINE[:4]} | {"volume": volumes[:1], "quote_volume": volumes[1:2]}
    columns = {name: numbers(frame[found]) for name, found in _pick(names, picked)}
    columns |= {name: numbers(frame[found]) for name, found in _pick(names, _OPTIONAL)}
    opened = _first(names, TIME_NAMES)
    stated = _first(names, _CLOSE_NAMES)
    if names_marks(content.name):  # nothing is traded at a mark price
        columns["volume"] = np.nan_to_num(columns["volume"], nan=0.0)
    in_quote = "adj close" in names or hints.venue in ("ftx", "yahoo")
    return [
        candle_rows(
            moments(frame[opened]),
            columns,
            frame_record(frame),
            closing_times(frame[stated].cast(pl.Int64, strict=False)) if stated else None,
            instrument=_stated_instrument(frame, hints),
            tags=frozenset(["quote_volume"] if in_quote else []),
        )
    ]


def is_freqtrade_funding(content: Content) -> bool:
    """Whether a feather file has the columns of candles and a name that speaks of funding."""
    return content.frame is not None and names_funding(content.name) and {"date", "open"} <= set(content.header)


def read_freqtrade_funding(content: Content, hints: Hints) -> list[Parsed]:
    """Read freqtrade's funding rates: the rate stands in the column `open`."""
    frame = read_table(content)
    return [funding_rows(moments(frame["date"]), numbers(frame["open"]), frame_record(frame))]


def read_binance_archive(content: Content, hints: Hints) -> list[Parsed]:
    """Read a Binance archive without a header: the twelve columns of `/klines`."""
    frame = read_table(content)
    columns = {name: numbers(frame[place]) for name, place in _KLINE_PLACES.items()}
    closes = closing_times(frame["6"].str.strip_chars().cast(pl.Int64, strict=False))
    return [candle_rows(moments(frame["0"]), columns, frame_record(frame), closes)]


def closing_times(last_instants: pl.Series) -> Times:
    """Turn a venue's last instant of each candle into the first moment after it: one more of its unit."""
    plus_one = last_instants + 1
    return epoch(plus_one.fill_null(BAD).to_numpy().astype(np.int64))


def _is_time(cell: str) -> bool:
    return bool(moments(pl.Series([cell]))[0] != BAD)


def _volumes(names: Sequence[str]) -> list[str]:
    return [name for name in names if name == "volume" or name.startswith(("volume_", "volume "))]


def _pick(names: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    found = ((name, _first(names, spellings)) for name, spellings in wanted.items())
    return [(name, spelling) for name, spelling in found if spelling]


def _first(names: Sequence[str], spellings: Sequence[str]) -> str:
    return next((spelling for spelling in spellings if spelling in names), "")


def _stated_instrument(frame: pl.DataFrame, hints: Hints) -> Instrument | None:
    if "symbol" not in frame.columns or frame["symbol"].n_unique() != 1:
        return None
    return read_symbol(str(frame["symbol"][0]), hints.venue, hints.market)
