"""Tell a file's format by what is in it: one table of formats, looked through from the top."""

from collections.abc import Callable
from dataclasses import dataclass

from tallow.domain.errors import UserError
from tallow.venues.files.parse import candle_tables, captures, json_candles, json_trades, lean, trade_tables
from tallow.venues.files.parse.content import Content, Hints, Parsed


def _nothing(content: Content, hints: Hints) -> list[Parsed]:
    return []


@dataclass(frozen=True)
class Format:
    """A format: its name, what it is, how it is recognised, and how it is read or why it is not.

    Attributes:
        venue: where it comes from when no name tells.
        refusal: why nothing is read from it; empty when it is read.
    """

    name: str
    meaning: str
    fits: Callable[[Content], bool]
    read: Callable[[Content, Hints], list[Parsed]] = _nothing
    venue: str = ""
    refusal: str = ""


def _has_columns(*names: str) -> Callable[[Content], bool]:
    return lambda content: set(names) <= set(content.header)


def _has_keys(*names: str) -> Callable[[Content], bool]:
    return lambda content: isinstance(content.json, dict) and set(names) <= set(content.json)


def _is_book_lines(content: Content) -> bool:
    return bool(content.lines) and content.lines[0].startswith('{"topic":"orderbook')


_QUOTES = "quotes are not trades: a candle of bids and asks has no price at which anything changed hands"
_BOOK = "it holds an order book, no trades and no candles"
_RULES = "it holds trading rules or answers without prices, no trades and no candles"

FORMATS: tuple[Format, ...] = (
    Format("empty-page", "JSON list without rows", lambda c: c.json == []),
    Format("binance-klines", "Binance /klines page", json_candles.is_binance_klines,
           json_candles.read_binance_klines, "binance"),
    Format("freqtrade-candles", "freqtrade or ccxt candle arrays", json_candles.is_freqtrade_candles,
           json_candles.read_freqtrade_candles),
    Format("coinbase-candles", "Coinbase candles JSON", json_candles.is_coinbase_candles,
           json_candles.read_coinbase_candles, "coinbase"),
    Format("ta4j-candles", "ta4j JSON, times are bar ends", json_candles.is_ta4j_candles,
           json_candles.read_ta4j_candles),
    Format("yahoo-chart", "Yahoo v8 chart, plain or recorded", json_candles.is_yahoo_chart,
           json_candles.read_yahoo_chart, "yahoo"),
    Format("okx-candles", "OKX candles answer", json_candles.is_okx_candles, json_candles.read_okx_candles, "okx"),
    Format("bybit-candles", "Bybit v5 kline answer", json_candles.is_bybit_candles,
           json_candles.read_bybit_candles, "bybit"),
    Format("kraken-candles", "Kraken OHLC answer", json_candles.is_kraken_candles,
           json_candles.read_kraken_candles, "kraken"),
    Format("funding", "funding answers of Binance, OKX, Bybit", json_candles.is_funding, json_candles.read_funding),
    Format("freqtrade-trades", "freqtrade trade arrays", json_trades.is_freqtrade_trades,
           json_trades.read_freqtrade_trades),
    Format("kraken-trades", "Kraken Trades answer", json_trades.is_kraken_trades, json_trades.read_kraken_trades,
           "kraken"),
    Format("trades", "trade lists of Binance, ccxt, OKX, Bybit", json_trades.is_trades, json_trades.read_trades),
    Format("stream-message", "one stream message of Binance, OKX or Bybit", captures.is_message,
           captures.read_messages),
    Format("hftbacktest", "lines of local time and stream message", captures.is_hftbacktest,
           captures.read_hftbacktest, "binance"),
    Format("cryptofeed-json", "cryptofeed recording, format 2", captures.is_cryptofeed_json,
           captures.read_cryptofeed_json),
    Format("cryptofeed-lines", "cryptofeed recording, format 1", captures.is_cryptofeed_lines,
           captures.read_cryptofeed_lines),
    Format("stream-messages", "stream messages, one a line", captures.is_messages, captures.read_messages),
    Format("cryptofeed-answers", "REST answers beside a cryptofeed recording", captures.is_cryptofeed_answers,
           refusal=_RULES),
    Format("freqtrade-funding", "freqtrade funding feather: rate in open", candle_tables.is_freqtrade_funding,
           candle_tables.read_freqtrade_funding),
    Format("binance-archive-funding", "Binance archive of funding rates", trade_tables.is_binance_funding,
           trade_tables.read_binance_funding, "binance"),
    Format("named-candles", "table that names its candle columns: CSV, feather, parquet",
           candle_tables.is_named_candles, candle_tables.read_named_candles),
    Format("binance-archive-klines", "Binance archive of candles, without header", candle_tables.is_binance_archive,
           candle_tables.read_binance_archive, "binance"),
    Format("named-trades", "tables of trades: Binance archives, Tardis, Bybit, recorded streams, Nautilus",
           trade_tables.is_trades, trade_tables.read_trades),
    Format("lean-candles", "LEAN trade bars", lean.is_lean_candles, lean.read_lean_candles),
    Format("lean-funding", "LEAN margin interest", lean.is_lean_funding, lean.read_lean_funding),
    Format("kraken-bulk-trades", "Kraken bulk trades: seconds, price, volume", trade_tables.is_kraken_bulk,
           trade_tables.read_kraken_bulk, "kraken"),
    Format("lean-quotes", "LEAN quote bars", lean.is_lean_quotes, refusal=_QUOTES),
    Format("tardis-quotes", "Tardis quotes", _has_columns("ask_price", "bid_price"), refusal=_QUOTES),
    Format("nautilus-quotes", "Nautilus quotes", _has_columns("ask", "bid"), refusal=_QUOTES),
    Format("book-table", "table of order book changes", _has_columns("first_update_id"), refusal=_BOOK),
    Format("book-stream-table", "recorded order book stream", _has_columns("firstupdateid"), refusal=_BOOK),
    Format("book-json", "order book answer", _has_keys("bids", "asks"), refusal=_BOOK),
    Format("book-lines", "Bybit order book archive", _is_book_lines, refusal=_BOOK),
    Format("answer", "any other answer of Binance, OKX or Bybit",
           lambda c: any(_has_keys(key)(c) for key in ("serverTime", "symbols", "retCode", "code", "e", "topic",
                                                        "stream", "arg", "symbol")), refusal=_RULES),
)  # fmt: skip


def detect(content: Content) -> Format:
    """Find the format of some content.

    Raises:
        UserError: UNKNOWN_FORMAT, or NOTHING_TO_READ when the format is known and holds nothing that is read.
    """
    found = next((form for form in FORMATS if form.fits(content)), None)
    if found is None:
        page = content.first == "<"
        raise UserError(
            "UNKNOWN_FORMAT",
            f"{content.name} is {'a web page' if page else 'in no format that is known'}",
            facts={"seen": content.seen, "known": "; ".join(form.meaning for form in FORMATS if not form.refusal)},
        )
    if found.refusal:
        raise nothing_to_read(content.name, found.meaning, found.refusal)
    return found


def nothing_to_read(name: str, meaning: str, why: str) -> UserError:
    """Say why a known format gives no rows."""
    return UserError("NOTHING_TO_READ", f"nothing is read from {name}: {why}", facts={"format": meaning})
