"""Every table of the lake: its layer, columns, key, partition, event time and retention."""

from dataclasses import dataclass
from typing import Literal

from tallow.domain.errors import UserError, nearest

Layer = Literal["raw", "bronze", "silver", "gold", "meta"]
Type = Literal["string", "int64", "float64", "bool", "time", "binary"]
INCOMPLETE = "INCOMPLETE"  # cause in meta.gaps of a candle that is there, made of fewer finer ones than it should be
LAYERS: tuple[Layer, ...] = ("raw", "bronze", "silver", "gold", "meta")


@dataclass(frozen=True)
class Column:
    """One column: name, storage type (`time` is a microsecond UTC timestamp) and one sentence."""

    name: str
    type: Type
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table's contract.

    Attributes:
        key: columns that name a row; rows are unique by it and sorted by it.
        partition: columns that split the files; a series is one value of each.
        event_time: the column that time ranges speak of; empty when rows have no moment.
        retention: what may be deleted, and when.
    """

    layer: Layer
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition: tuple[str, ...] = ()
    event_time: str = ""
    meaning: str = ""
    retention: str = "kept"

    @property
    def full_name(self) -> str:
        """The name in SQL and on the command line: ``silver.candles``."""
        return f"{self.layer}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(column.name for column in self.columns)


_VENUE = Column("venue", "string", "venue's lower-case name")
_SYMBOL = Column("symbol", "string", "ccxt unified name")
_FRAME = Column("timeframe", "string", "candle length, ccxt spelling")
_PAYLOAD = Column("payload", "string", "sha256 of the raw bytes the row was read from")
_ROW = Column("row", "int64", "place in that payload, from 0")
_RECEIVED = Column("received_time", "time", "when our side had it; may precede the event")
_OHLCV = (
    Column("open", "float64", "first price"),
    Column("high", "float64", "highest price"),
    Column("low", "float64", "lowest price"),
    Column("close", "float64", "last price"),
    Column("volume", "float64", "base units traded"),
    Column("quote_volume", "float64", "quote units traded; null when the source does not tell"),
    Column("trades", "float64", "number of trades; null when the source does not tell"),
    Column("taker_buy_volume", "float64", "base units bought by takers; null when unknown"),
    Column("taker_buy_quote_volume", "float64", "quote units bought by takers; null when unknown"),
)
_TICK = (
    Column("trade_id", "int64", "venue's id, -1 when it has none"),
    Column("event_time", "time", "venue's time of the trade"),
    _RECEIVED,
    Column("price", "float64", "quote units for one base unit"),
    Column("quantity", "float64", "base units"),
    Column("buyer_is_maker", "bool", "true when the taker sold"),
)

RAW_PAYLOADS = Table(
    "raw", "payloads",
    (
        _PAYLOAD, Column("source", "string", "path or URL without secrets"), _VENUE, _SYMBOL,
        Column("kind", "string", "candles, trades, funding or instruments"),
        Column("format", "string", "name of the parser that reads it"),
        _RECEIVED, Column("size", "int64", "bytes"), Column("content", "binary", "the bytes as they came"),
    ),
    key=("payload",), partition=("venue",), event_time="received_time",
    meaning="Every response and file, byte for byte, once.",
    retention="may be deleted once silver holds its rows",
)  # fmt: skip
BRONZE_CANDLES = Table(
    "bronze", "candles",
    (
        _VENUE, _SYMBOL, _FRAME, Column("time", "time", "open of the candle"),
        Column("close_time", "time", "close as the venue states it; null when it does not"),
        *_OHLCV, _RECEIVED, _PAYLOAD, _ROW,
    ),
    key=("venue", "symbol", "timeframe", "time", "payload", "row"), partition=("venue", "symbol", "timeframe"),
    event_time="time", meaning="Candles as parsed, nothing dropped, each with the payload it came from.",
)  # fmt: skip
BRONZE_TRADES = Table(
    "bronze", "trades", (_VENUE, _SYMBOL, *_TICK, _PAYLOAD, _ROW),
    key=("venue", "symbol", "event_time", "trade_id", "payload", "row"), partition=("venue", "symbol"),
    event_time="event_time", meaning="Trades as parsed, nothing dropped, each with the payload it came from.",
)  # fmt: skip
BRONZE_FUNDING = Table(
    "bronze", "funding",
    (
        _VENUE, _SYMBOL, Column("time", "time", "when funding was paid"),
        Column("rate", "float64", "fraction of notional that longs pay"), _RECEIVED, _PAYLOAD, _ROW,
    ),
    key=("venue", "symbol", "time", "payload", "row"), partition=("venue", "symbol"), event_time="time",
    meaning="Funding rates as parsed.",
)  # fmt: skip
BRONZE_INSTRUMENTS = Table(
    "bronze", "instruments",
    (
        _VENUE, _SYMBOL, Column("status", "string", "venue's word for whether it trades"),
        Column("tick_size", "float64", "price step"), Column("lot_size", "float64", "quantity step"),
        Column("min_notional", "float64", "smallest order in quote units"), _RECEIVED, _PAYLOAD, _ROW,
    ),
    key=("venue", "symbol", "received_time"), partition=("venue",), event_time="received_time",
    meaning="Trading rules as each venue stated them, by the time they were received.",
)  # fmt: skip
SILVER_CANDLES = Table(
    "silver", "candles", (_VENUE, _SYMBOL, _FRAME, Column("time", "time", "open of the candle"), *_OHLCV, _PAYLOAD),
    key=("venue", "symbol", "timeframe", "time"), partition=("venue", "symbol", "timeframe"), event_time="time",
    meaning="One clean candle an interval; bad rows are in meta.quarantine, missing ones in meta.gaps.",
)  # fmt: skip
SILVER_TRADES = Table(
    "silver", "trades", (_VENUE, _SYMBOL, *_TICK, _PAYLOAD),
    key=("venue", "symbol", "event_time", "trade_id"), partition=("venue", "symbol"), event_time="event_time",
    meaning="Every trade once, by venue id.",
)  # fmt: skip
SILVER_FUNDING = Table(
    "silver", "funding",
    (_VENUE, _SYMBOL, Column("time", "time", "when it was paid"), Column("rate", "float64", "longs pay"), _PAYLOAD),
    key=("venue", "symbol", "time"), partition=("venue", "symbol"), event_time="time",
    meaning="Every funding payment once.",
)  # fmt: skip
GOLD_CANDLES = Table(
    "gold", "candles",
    (
        _VENUE, _SYMBOL, _FRAME, Column("time", "time", "open of the candle"), *_OHLCV,
        Column("origin", "string", "native, trades, or the timeframe it was resampled from"),
    ),
    key=("venue", "symbol", "timeframe", "time"), partition=("venue", "symbol", "timeframe"), event_time="time",
    meaning="Candles to research on: native ones, and those built from trades or finer candles.",
)  # fmt: skip
META_GAPS = Table(
    "meta", "gaps",
    (
        Column("table_name", "string", "table with the hole"), _VENUE, _SYMBOL, _FRAME,
        Column("start", "time", "first missing moment"), Column("end", "time", "first moment present again"),
        Column("missing", "int64", "candles or trade ids missing"), Column("cause", "string", "reason code"),
    ),
    key=("table_name", "venue", "symbol", "timeframe", "start"), partition=("venue",), event_time="start",
    meaning="What is known to be missing: nothing is ever filled in silently.",
)  # fmt: skip
META_QUARANTINE = Table(
    "meta", "quarantine",
    (
        Column("table_name", "string", "table the row was kept out of"), _VENUE, _SYMBOL, _FRAME,
        Column("time", "time", "event time of the row"), Column("reason", "string", "reason code"),
        Column("record", "string", "the row as JSON"), _PAYLOAD, _ROW,
    ),
    key=("table_name", "venue", "symbol", "timeframe", "time", "reason", "payload", "row"), partition=("venue",),
    event_time="time", meaning="Rows that break the contract, with the reason.",
)  # fmt: skip
META_LINEAGE = Table(
    "meta", "lineage",
    (
        Column("table_name", "string", "table written"), Column("version", "int64", "its version after the write"),
        _VENUE, _SYMBOL, _FRAME, Column("job", "string", "what wrote"),
        Column("inputs", "string", "JSON: input name -> version or digest"), Column("rows", "int64", "rows added"),
        Column("start", "time", "first event time written"), Column("end", "time", "last event time written"),
        Column("code_version", "string", "tallow version"), Column("written_time", "time", "wall clock"),
    ),
    key=("table_name", "version", "venue", "symbol", "timeframe"), event_time="written_time",
    meaning="One row a write and series: which job made it, from what.",
)  # fmt: skip

TABLES: tuple[Table, ...] = (
    RAW_PAYLOADS, BRONZE_CANDLES, BRONZE_TRADES, BRONZE_FUNDING, BRONZE_INSTRUMENTS, SILVER_CANDLES, SILVER_TRADES,
    SILVER_FUNDING, GOLD_CANDLES, META_GAPS, META_QUARANTINE, META_LINEAGE,
)  # fmt: skip


def find_table(name: str) -> Table:
    """Find a table by its full name.

    Raises:
        UserError: UNKNOWN_TABLE with the nearest names.
    """
    by_name = {table.full_name: table for table in TABLES}
    if name not in by_name:
        raise UserError(
            "UNKNOWN_TABLE",
            f"no table is called {name!r}",
            facts={"nearest": ", ".join(nearest(name, by_name) or by_name)},
            commands=["tallow catalog"],
        )
    return by_name[name]
