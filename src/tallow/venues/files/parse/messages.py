"""Stream messages of Binance, OKX and Bybit become rows of trades and finished candles."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tallow.domain.market import Instrument
from tallow.domain.timeframes import Timeframe
from tallow.ports import Rejected
from tallow.venues.files.parse.content import Parsed
from tallow.venues.files.parse.names import read_symbol, timeframe_in
from tallow.venues.files.parse.rows import (
    candle_rows,
    json_record,
    maker_flags,
    numbers,
    trade_ids,
    trade_rows,
    whole_numbers,
)
from tallow.venues.files.parse.times import BAD, epoch

_BYBIT_LENGTHS = {"D": Timeframe(1, "d"), "W": Timeframe(1, "w"), "M": Timeframe(1, "M")}
_CANDLE = ("open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_volume",
           "taker_buy_quote_volume")  # fmt: skip


class Series(NamedTuple):
    """What rows are of: `trade`, `aggTrade` or `candle`, instrument and candle length."""

    form: str
    instrument: Instrument
    timeframe: Timeframe | None = None


class Row(NamedTuple):
    """One trade or candle of a message: its series, when it was received, its cells, and the original."""

    series: Series | None
    received: int
    cells: tuple[Any, ...]
    record: Any


@dataclass
class Tape:
    """Collect rows by series, in the order of the messages.

    Attributes:
        contracts: units of one contract by instrument, from the venue's own list.
        aside: rows of instruments that tallow has no name for, such as options.
    """

    contracts: Mapping[str, float] = field(default_factory=dict)
    rows: dict[Series, list[Row]] = field(default_factory=dict)
    aside: list[Rejected] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Put a row to those of its series."""
        if row.series is None:
            record = msgspec.json.encode(row.record).decode()
            self.aside.append(Rejected(len(self.aside), "UNKNOWN_SYMBOL", record[:2_000]))
        else:
            self.rows.setdefault(row.series, []).append(row)

    def parsed(self) -> list[Parsed]:
        """Give the series; aggregated trades only where the single ones were not recorded too."""
        single = {series.instrument for series in self.rows if series.form == "trade"}
        kept = [s for s in self.rows if s.form != "aggTrade" or s.instrument not in single]
        found = [_candles(s, self.rows[s]) if s.form == "candle" else self._trades(s) for s in kept]
        if found and self.aside:
            first = found[0]
            end = len(first.rows) + len(first.rejected)
            late = tuple(Rejected(end + item.row, item.reason, item.record) for item in self.aside)
            found[0] = replace(first, rejected=first.rejected + late)
        return found

    def _trades(self, series: Series) -> Parsed:
        rows = self.rows[series]
        time, ids, price, quantity, side = zip(*(row.cells for row in rows), strict=True)
        columns = {
            "time": epoch(whole_numbers(time)),
            "received": epoch(np.array([row.received for row in rows], np.int64)),
            "trade_id": trade_ids([None if i is None else str(i) for i in ids]),
            "price": numbers(price),
            "quantity": numbers(quantity),
            "buyer_is_maker": maker_flags([None if s is None else str(s) for s in side]),
        }
        value = self.contracts.get(series.instrument.symbol, float("nan"))
        record = json_record([row.record for row in rows])
        return trade_rows(columns, record, instrument=series.instrument, contract_value=value)


def read_message(message: Any, received: int, venue: str, market: str) -> Iterator[Row]:
    """Give the trades and finished candles of one message; nothing for all others.

    Args:
        message: decoded JSON.
        received: of any unit, as `epoch` reads it.
        venue: where the recording says it comes from; empty when it does not.
        market: spot, linear or inverse, where the recording or its name says so.
    """
    if not isinstance(message, dict):
        return
    if "topic" in message:
        yield from _bybit(message, received, market)
    elif isinstance(message.get("arg"), dict):
        yield from _okx(message, received)
    else:
        event = message.get("data", message)
        if isinstance(event, dict) and event.get("e") in ("trade", "aggTrade", "kline"):
            yield from _binance(event, received, venue or "binance", market)


def _binance(event: dict[str, Any], received: int, venue: str, market: str) -> Iterator[Row]:
    symbol, form = str(event.get("s")), str(event["e"])
    if form == "kline":
        candle = event.get("k")
        if isinstance(candle, dict) and candle.get("x") is True:
            instrument = read_symbol(symbol, venue, market)
            closed = candle.get("T")
            cells = (candle.get("t"), closed, *(candle.get(key) for key in "ohlcvqnVQ"))
            length = timeframe_in(str(candle.get("i")))
            yield Row(_series("candle", instrument, length), received, cells, event)
        return
    # only spot says whether the price was the best match
    instrument = read_symbol(symbol, venue, "spot" if "M" in event else market or "linear")
    number = event.get("t" if form == "trade" else "a")
    cells = (event.get("T"), number, event.get("p"), event.get("q"), event.get("m"))
    yield Row(_series(form, instrument), received, cells, event)


def _okx(message: dict[str, Any], received: int) -> Iterator[Row]:
    channel, rows = str(message["arg"].get("channel")), message.get("data")
    instrument = read_symbol(str(message["arg"].get("instId")), "okx")
    if not isinstance(rows, list):
        return
    if channel in ("trades", "trades-all"):
        for row in _objects(rows):
            cells = tuple(row.get(key) for key in ("ts", "tradeId", "px", "sz", "side"))
            yield Row(_series("trade", instrument), received, cells, row)
    elif channel.startswith("candle"):
        length = timeframe_in(channel.removeprefix("candle").removesuffix("utc"))
        yield from _okx_candles(rows, received, instrument, length)


def _okx_candles(
    rows: list[Any], received: int, instrument: Instrument | None, length: Timeframe | None
) -> Iterator[Row]:
    in_contracts = instrument is not None and not instrument.is_spot
    for row in rows:
        if isinstance(row, list) and len(row) >= 9 and row[8] == "1":
            cells = (row[0], None, *row[1:5], row[6] if in_contracts else row[5], row[7], None, None, None)
            yield Row(_series("candle", instrument, length), received, cells, row)


def _bybit(message: dict[str, Any], received: int, market: str) -> Iterator[Row]:
    topic, rows = str(message["topic"]).split("."), message.get("data")
    if not isinstance(rows, list):
        return
    if topic[0] in ("publicTrade", "trade"):
        instrument = read_symbol(topic[-1], "bybit", topic[1] if len(topic) == 3 else market)
        for row in _objects(rows):
            yield Row(_series("trade", instrument), received, tuple(row.get(key) for key in "TipvS"), row)
    elif topic[0] == "kline" and len(topic) == 3:
        instrument = read_symbol(topic[-1], "bybit", market)
        # the turnover of an inverse future is in coins
        sums = ("turnover", "volume") if market == "inverse" else ("volume", "turnover")
        keys = ("start", "end", "open", "high", "low", "close", *sums)
        for row in _objects(rows):
            if row.get("confirm") is True:
                cells = (*(row.get(key) for key in keys), None, None, None)
                yield Row(_series("candle", instrument, _bybit_length(topic[1])), received, cells, row)


def _bybit_length(text: str) -> Timeframe | None:
    if text.isdigit() and int(text):
        minutes = int(text)
        return Timeframe(minutes // 60, "h") if minutes % 60 == 0 else Timeframe(minutes, "m")
    return _BYBIT_LENGTHS.get(text)


def _series(form: str, instrument: Instrument | None, timeframe: Timeframe | None = None) -> Series | None:
    return Series(form, instrument, timeframe) if instrument else None


def _candles(series: Series, rows: list[Row]) -> Parsed:
    opens, ends, *cells = zip(*(row.cells for row in rows), strict=True)
    closes = epoch(whole_numbers([end + 1 if isinstance(end, int) else None for end in ends]))
    tags = frozenset([] if series.instrument.venue.startswith("binance") else ["base_volume"])
    return candle_rows(
        epoch(whole_numbers(opens)),
        {name: numbers(values) for name, values in zip(_CANDLE, cells, strict=True)},
        json_record([row.record for row in rows]),
        None if bool((closes == BAD).all()) else closes,
        instrument=series.instrument,
        timeframe=series.timeframe,
        tags=tags,
    )


def _objects(rows: list[Any]) -> list[dict[str, Any]]:
    return [row for row in rows if isinstance(row, dict)]
