"""Trades in JSON: Binance, ccxt, freqtrade, Kraken, OKX and Bybit bodies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tallow.domain.columns import Times
from tallow.domain.market import Instrument
from tallow.venues.files.parse.content import Content, Hints, Parsed
from tallow.venues.files.parse.json_candles import is_array, kraken_rows, kraken_symbol
from tallow.venues.files.parse.names import read_symbol
from tallow.venues.files.parse.rows import json_record, maker_flags, numbers, trade_ids, trade_rows, whole_numbers
from tallow.venues.files.parse.times import epoch


@dataclass(frozen=True)
class Keys:
    """What a venue calls the fields of a trade, and whether it names the symbol in each."""

    time: str
    trade_id: str
    price: str
    quantity: str
    side: str
    symbol: str = ""

    @property
    def needed(self) -> set[str]:
        """Keys that tell the form."""
        return {self.time, self.trade_id, self.price, self.quantity, self.side}


FORMS: Mapping[str, tuple[str, Keys]] = {
    "binance-aggtrades": ("binance", Keys("T", "a", "p", "q", "m")),
    "binance-trades": ("binance", Keys("time", "id", "price", "qty", "isBuyerMaker")),
    "ccxt-trades": ("", Keys("timestamp", "id", "price", "amount", "side", "symbol")),
    "okx-trades": ("okx", Keys("ts", "tradeId", "px", "sz", "side", "instId")),
    "bybit-trades": ("bybit", Keys("time", "execId", "price", "size", "side", "symbol")),
}


def trades_form(content: Content) -> str:
    """Name the form of a JSON list of trades; empty when it is none."""
    rows = _rows(content.json)
    if not rows or not isinstance(rows[0], dict):
        return ""
    return next((name for name, (_, keys) in FORMS.items() if keys.needed <= set(rows[0])), "")


def is_trades(content: Content) -> bool:
    """Whether the JSON is a list of trades in a known form."""
    return bool(trades_form(content))


def read_trades(content: Content, hints: Hints) -> list[Parsed]:
    """Read a list of trades; several symbols become several series."""
    venue, keys = FORMS[trades_form(content)]
    rows = [row if isinstance(row, dict) else {} for row in _rows(content.json)]
    market = _category(content.json) or hints.market
    symbols = [str(row.get(keys.symbol, "")) for row in rows]
    series = []
    for symbol in dict.fromkeys(symbols):
        mine = [row for row, other in zip(rows, symbols, strict=True) if other == symbol]
        columns = {name: [row.get(key) for row in mine] for name, key in vars(keys).items() if name != "symbol"}
        instrument = read_symbol(symbol, venue or hints.venue, market)
        series.append(_series(columns, hints, mine, instrument))
    return series


def is_freqtrade_trades(content: Content) -> bool:
    """Whether the JSON is a list of `[ms, id, type, side, price, amount, cost]`."""
    return is_array(content.json, 7) and isinstance(content.json[0][3], str)


def read_freqtrade_trades(content: Content, hints: Hints) -> list[Parsed]:
    """Read freqtrade's trade arrays."""
    names = ("time", "trade_id", "", "side", "price", "quantity", "")
    return [_series(_by_place(content.json, names), hints, content.json, None)]


def is_kraken_trades(content: Content) -> bool:
    """Whether the JSON is an answer of Kraken's `/0/public/Trades`."""
    rows = kraken_rows(content.json)[1]
    return is_array(rows, 7) or is_array(rows, 6)


def read_kraken_trades(content: Content, hints: Hints) -> list[Parsed]:
    """Read Kraken trades: `[price, volume, seconds, b or s, market or limit, misc, id]`; old answers lack the id."""
    pair, rows = kraken_rows(content.json)
    names = ("price", "quantity", "time", "side", "", "", "trade_id")
    return [_series(_by_place(rows, names), hints, rows, kraken_symbol(pair))]


def _series(
    columns: Mapping[str, Sequence[Any]], hints: Hints, rows: Sequence[Any], instrument: Instrument | None
) -> Parsed:
    received: Times = np.full(len(rows), hints.received_time, np.int64)
    values = {
        "time": epoch(whole_numbers(columns["time"])),
        "received": received,
        "trade_id": trade_ids(columns["trade_id"]),
        "price": numbers(columns["price"]),
        "quantity": numbers(columns["quantity"]),
        "buyer_is_maker": maker_flags(columns["side"]),
    }
    return trade_rows(values, json_record(rows), instrument=instrument)


def _by_place(rows: list[Any], names: Sequence[str]) -> dict[str, list[Any]]:
    whole = [row if isinstance(row, list) else [] for row in rows]
    return {
        name: [row[place] if place < len(row) else None for row in whole] for place, name in enumerate(names) if name
    }


def _rows(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = value["result"].get("list") if isinstance(value.get("result"), dict) else value.get("data")
    return value if isinstance(value, list) else []


def _category(value: Any) -> str:
    result = value.get("result") if isinstance(value, dict) else None
    return str(result.get("category", "")) if isinstance(result, dict) else ""
