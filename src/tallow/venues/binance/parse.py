"""Read Binance's bytes into columns: pure functions, no clock, no network.

A row that cannot be read is set aside with its place and a reason; bytes that are no page at all are a DataError.
Times come in milliseconds, in microseconds in spot archives since 2025; both are told apart by their size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tallow.domain.columns import Bars, Floats, FundingRates, Ticks, Times
from tallow.domain.errors import DataError
from tallow.domain.market import Instrument
from tallow.ports import InstrumentRule, Rejected

# A time in milliseconds stays below this until the year 5138; one in microseconds is above it since 1973.
_MICROSECONDS_FROM = 100_000_000_000_000
_LATEST = 7_258_118_400_000_000  # 2200-01-01: no row can be younger

_Kline = tuple[int, float, float, float, float, float, int, float, float, float, float, Any]


class _AggTrade(msgspec.Struct, gc=False):
    a: int
    p: float
    q: float
    T: int
    m: bool


class _Funding(msgspec.Struct, gc=False):
    fundingTime: int
    fundingRate: float


class _Symbol(msgspec.Struct):
    symbol: str
    baseAsset: str
    quoteAsset: str
    filters: list[dict[str, Any]]
    status: str = ""
    contractStatus: str = ""
    contractSize: float = 0.0
    marginAsset: str = ""


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Symbol]


@dataclass(frozen=True)
class Klines:
    """Candles of one page; `close_time` is exclusive: the venue's last instant plus one unit."""

    bars: Bars
    close_time: Times
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True)
class AggTrades:
    """Trades of one page, in the page's order."""

    ticks: Ticks
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True)
class Funding:
    """Funding payments of one page."""

    rates: FundingRates
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True)
class Rules:
    """Symbols of one interface: the rules, and units of the quote currency in one contract by symbol."""

    rules: tuple[InstrumentRule, ...]
    contract_sizes: dict[str, float]


def read_klines(content: bytes, contract_size: float = 0.0) -> Klines:
    """Read a page of `/klines`.

    Args:
        content: a JSON array of twelve-column rows.
        contract_size: quote units in one contract for COIN-M, whose columns count contracts; 0 otherwise.

    Raises:
        DataError: BAD_PAGE when the bytes are no such page.
    """
    rows, rejected, kept = _decode(content, list[_Kline], _Kline)
    return klines_of(_matrix([row[:11] for row in rows], 11), rejected, kept, contract_size)


def klines_of(matrix: Floats, rejected: list[Rejected], kept: NDArray[np.int64], contract_size: float = 0.0) -> Klines:
    """Build candles from the eleven numeric columns, setting aside rows that are not finite or out of time."""
    opened, closed = _microseconds(matrix[:, 0]), _microseconds(matrix[:, 6], closing=True)
    readable = _finite(matrix)
    timely = readable & (opened > 0) & (closed > opened) & (closed < _LATEST)
    rejected = rejected + _refused(matrix, kept, ~readable, "NOT_FINITE")
    rejected += _refused(matrix, kept, readable & ~timely, "BAD_TIME")
    m, opened, closed = matrix[timely], opened[timely], closed[timely]
    volume, quote, buy, buy_quote = m[:, 5], m[:, 7], m[:, 9], m[:, 10]
    if contract_size:
        volume, quote, buy, buy_quote = quote, volume * contract_size, buy_quote, buy * contract_size
    bars = Bars.of(
        opened,
        (m[:, 1], m[:, 2], m[:, 3], m[:, 4], volume),
        quote_volume=np.ascontiguousarray(quote),
        trades=np.ascontiguousarray(m[:, 8]),
        taker_buy_volume=np.ascontiguousarray(buy),
        taker_buy_quote_volume=np.ascontiguousarray(buy_quote),
    )
    return Klines(bars, closed, tuple(sorted(rejected, key=lambda item: item.row)))


def read_aggtrades(content: bytes, received_time: int, contract_size: float = 0.0) -> AggTrades:
    """Read a page of `/aggTrades`; `contract_size` as for candles.

    Raises:
        DataError: BAD_PAGE when the bytes are no such page.
    """
    rows, rejected, kept = _decode(content, list[_AggTrade], _AggTrade)
    return aggtrades_of(
        np.array([row.a for row in rows], np.int64),
        _matrix([(row.T, row.p, row.q, row.m) for row in rows], 4),
        received_time,
        (rejected, kept, contract_size),
    )


def aggtrades_of(
    ids: Times, matrix: Floats, received_time: int, rest: tuple[list[Rejected], NDArray[np.int64], float]
) -> AggTrades:
    """Build trades from ids and the columns time, price, quantity, buyer-is-maker."""
    rejected, kept, contract_size = rest
    time = _microseconds(matrix[:, 0])
    readable = _finite(matrix)
    timely = readable & (time > 0) & (time < _LATEST) & (ids >= 0)
    rejected = rejected + _refused(matrix, kept, ~readable, "NOT_FINITE")
    rejected += _refused(matrix, kept, readable & ~timely, "BAD_TIME")
    m = matrix[timely]
    price, quantity = np.ascontiguousarray(m[:, 1]), np.ascontiguousarray(m[:, 2])
    if contract_size:
        quantity = quantity * contract_size / price
    received = np.full(len(m), received_time, np.int64)
    ticks = Ticks(ids[timely], time[timely], received, price, quantity, m[:, 3] != 0)
    return AggTrades(ticks, tuple(sorted(rejected, key=lambda item: item.row)))


def read_funding(content: bytes) -> Funding:
    """Read a page of `/fundingRate`.

    Raises:
        DataError: BAD_PAGE when the bytes are no such page.
    """
    rows, rejected, kept = _decode(content, list[_Funding], _Funding)
    matrix = _matrix([(row.fundingTime, row.fundingRate) for row in rows], 2)
    time, readable = _microseconds(matrix[:, 0]), _finite(matrix)
    timely = readable & (time > 0) & (time < _LATEST)
    rejected += _refused(matrix, kept, ~readable, "NOT_FINITE")
    rejected += _refused(matrix, kept, readable & ~timely, "BAD_TIME")
    rates = FundingRates(time[timely], np.ascontiguousarray(matrix[timely, 1]))
    return Funding(rates, tuple(sorted(rejected, key=lambda item: item.row)))


def read_rules(content: bytes, venue: str) -> Rules:
    """Read `/exchangeInfo` of any of the three interfaces.

    Raises:
        DataError: BAD_PAGE when the bytes are no such page.
    """
    try:
        info = msgspec.json.decode(content, type=_ExchangeInfo, strict=False)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _no_page(content, error) from None
    rules = tuple(_rule(symbol, venue) for symbol in info.symbols)
    return Rules(rules, {symbol.symbol: symbol.contractSize for symbol in info.symbols if symbol.contractSize})


def read_server_time(content: bytes) -> int:
    """Read `/time`: microseconds.

    Raises:
        DataError: BAD_PAGE when the bytes are no such page.
    """
    try:
        return msgspec.json.decode(content, type=dict[str, int])["serverTime"] * 1_000
    except (msgspec.MsgspecError, RecursionError, KeyError) as error:
        raise _no_page(content, error) from None


def read_refusal(content: bytes) -> tuple[int, str]:
    """Read the code and words of an error body; (0, start of the body) when it is none of Binance's."""
    try:
        body = msgspec.json.decode(content, type=dict[str, Any])
        return int(body["code"]), str(body["msg"])
    except (msgspec.MsgspecError, RecursionError, KeyError, ValueError, TypeError):
        return 0, excerpt(content)


def excerpt(content: bytes, length: int = 80) -> str:
    """Show the start of a body on one line."""
    return " ".join(content[: 4 * length].decode("utf-8", "replace").split())[:length]


def _decode(content: bytes, page: Any, row: Any) -> tuple[list[Any], list[Rejected], NDArray[np.int64]]:
    try:
        rows = msgspec.json.decode(content, type=page, strict=False)
        return rows, [], np.arange(len(rows))
    except (msgspec.MsgspecError, RecursionError):
        return _decode_row_by_row(content, lambda raw: msgspec.convert(raw, row, strict=False))


def _decode_row_by_row(
    content: bytes, convert: Callable[[Any], Any]
) -> tuple[list[Any], list[Rejected], NDArray[np.int64]]:
    try:
        raw_rows = msgspec.json.decode(content, type=list[Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _no_page(content, error) from None
    rows, rejected, kept = [], [], []
    for place, raw in enumerate(raw_rows):
        try:
            rows.append(convert(raw))
            kept.append(place)
        except msgspec.MsgspecError:
            record = msgspec.json.encode(raw).decode()
            rejected.append(Rejected(place, "UNREADABLE_ROW", record[:2000]))
    return rows, rejected, np.array(kept, np.int64)


def _no_page(content: bytes, error: Exception) -> DataError:
    return DataError(
        "BAD_PAGE",
        "the answer is not the JSON that was asked for",
        facts={"received": f"{len(content)} bytes: {excerpt(content)!r}", "because": str(error)[:200]},
    )


def _matrix(rows: list[Any], width: int) -> Floats:
    return np.array(rows, np.float64).reshape(-1, width)


def _finite(matrix: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(matrix).all(axis=1), np.bool_)


def _microseconds(time: Floats, closing: bool = False) -> Times:
    # float64 holds every integer below 2**53, and microseconds stay below that until 2255.
    whole = np.where(np.isfinite(time) & (np.abs(time) < 2**53), time, -1).astype(np.int64)
    is_micro = whole >= _MICROSECONDS_FROM
    return np.where(is_micro, whole + closing, (whole + closing) * 1_000)


def _refused(matrix: Floats, kept: NDArray[np.int64], rows: NDArray[np.bool_], reason: str) -> list[Rejected]:
    places = np.flatnonzero(rows)
    return [Rejected(int(kept[i]), reason, str([float(x) for x in matrix[i]])) for i in places]


def _rule(symbol: _Symbol, venue: str) -> InstrumentRule:
    filters = {str(item.get("filterType")): item for item in symbol.filters}
    notional = filters.get("MIN_NOTIONAL") or filters.get("NOTIONAL") or {}
    _, _, suffix = symbol.symbol.partition("_")
    expiry = suffix if suffix.isdigit() and symbol.marginAsset else ""
    instrument = Instrument(venue, symbol.baseAsset, symbol.quoteAsset, symbol.marginAsset, expiry)
    return InstrumentRule(
        instrument,
        symbol.status or symbol.contractStatus,
        _number(filters.get("PRICE_FILTER", {}).get("tickSize")),
        _number(filters.get("LOT_SIZE", {}).get("stepSize")),
        _number(notional.get("minNotional", notional.get("notional"))),
    )


def _number(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        return float("nan")
