"""Candles and funding in JSON: Binance and freqtrade arrays, Coinbase, ta4j, Yahoo, OKX, Bybit and Kraken bodies."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tallow.domain.columns import Floats, Times
from tallow.domain.market import Instrument
from tallow.domain.timeframes import Timeframe
from tallow.ports import Rejected
from tallow.venues.files.parse.content import Content, Hints, Parsed, text_at
from tallow.venues.files.parse.names import read_symbol, timeframe_in, venue_word
from tallow.venues.files.parse.rows import candle_rows, funding_rows, json_record, numbers, whole_numbers
from tallow.venues.files.parse.times import BAD, epoch

_OHLCV = ("open", "high", "low", "close", "volume")
_KLINE = dict(zip((*_OHLCV, "quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume"),
                  (1, 2, 3, 4, 5, 7, 8, 9, 10), strict=True))  # fmt: skip
_YAHOO_LENGTHS = {"1wk": Timeframe(1, "w"), "1mo": Timeframe(1, "M"), "3mo": Timeframe(3, "M")}


def is_array(value: Any, width: int) -> bool:
    """Whether a JSON value is a list of rows, the first of which is a list of about this width."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], list) and len(value[0]) == width


def is_binance_klines(content: Content) -> bool:
    """Whether the JSON is a page of Binance's `/klines`."""
    return is_array(content.json, 12) and isinstance(content.json[0][1], str)


def is_freqtrade_candles(content: Content) -> bool:
    """Whether the JSON is a list of `[ms, open, high, low, close, volume]`."""
    return is_array(content.json, 6) and isinstance(content.json[0][1], int | float)


def read_binance_klines(content: Content, hints: Hints) -> list[Parsed]:
    """Read a page of Binance's `/klines`."""
    cells = _cells(content.json, 12)
    columns = {name: numbers(cells[place]) for name, place in _KLINE.items()}
    return [candle_rows(_time(cells[0]), columns, json_record(content.json), _closing(cells[6]))]


def read_freqtrade_candles(content: Content, hints: Hints) -> list[Parsed]:
    """Read freqtrade's (and ccxt's) candle arrays."""
    cells = _cells(content.json, 6)
    columns = {name: numbers(cells[place]) for place, name in enumerate(_OHLCV, 1)}
    return [candle_rows(_time(cells[0]), columns, json_record(content.json))]


def is_coinbase_candles(content: Content) -> bool:
    """Whether the JSON is Coinbase's `{"candles": [...]}`."""
    return isinstance(content.json, dict) and isinstance(content.json.get("candles"), list)


def read_coinbase_candles(content: Content, hints: Hints) -> list[Parsed]:
    """Read Coinbase Advanced Trade candles."""
    rows = _objects(content.json["candles"])
    columns = {name: numbers(_get(rows, name)) for name in _OHLCV}
    return [candle_rows(_time(_get(rows, "start")), columns, json_record(rows))]


def is_ta4j_candles(content: Content) -> bool:
    """Whether the JSON is ta4j's `{"name", "ohlc": [{"endTime", ...}]}`."""
    return isinstance(content.json, dict) and isinstance(content.json.get("ohlc"), list)


def read_ta4j_candles(content: Content, hints: Hints) -> list[Parsed]:
    """Read ta4j's candles, whose times are the last millisecond of each; the name holds pair, length and venue."""
    rows, name = _objects(content.json["ohlc"]), text_at(content.json, "name")
    pair, _, venue = name.partition("@")
    length = timeframe_in(pair.partition("_")[2]) or hints.timeframe
    ends = _closing(_get(rows, "endTime"))
    if length is None or not length.is_fixed:
        steps = np.diff(np.unique(ends[ends != BAD]))
        step = int(steps.min()) if len(steps) else 0
    else:
        step = length.microseconds
    columns = {field: numbers(_get(rows, f"{field}Price")) for field in _OHLCV[:4]}
    columns["volume"] = numbers(_get(rows, "volume"))
    opens = np.where(ends == BAD, BAD, ends - step)
    instrument = read_symbol(pair.partition("_")[0], venue_word(venue) or hints.venue)
    return [candle_rows(opens, columns, json_record(rows), ends, instrument=instrument, timeframe=length)]


def yahoo_chart(content: Content) -> Mapping[str, Any] | None:
    """Find the chart in a Yahoo body, plain or recorded with its request; None when there is none."""
    value = content.json
    for path in ((), ("response", "bodyJson")):
        inner = value
        for key in path:
            inner = inner.get(key) if isinstance(inner, dict) else None
        results = inner.get("chart", {}).get("result") if isinstance(inner, dict) else None
        if isinstance(results, list) and results and isinstance(results[0], dict):
            return results[0]
    return None


def is_yahoo_chart(content: Content) -> bool:
    """Whether the JSON is an answer of Yahoo's v8 chart."""
    return yahoo_chart(content) is not None


def read_yahoo_chart(content: Content, hints: Hints) -> list[Parsed]:
    """Read Yahoo's chart; volume is in quote units, null rows are set aside."""
    chart = yahoo_chart(content) or {}
    quote: Mapping[str, Any] = next(iter(chart.get("indicators", {}).get("quote", [])), {})
    times = chart.get("timestamp") or []
    padded = {name: (list(quote.get(name) or []) + [None] * len(times))[: len(times)] for name in _OHLCV}
    rows = [{"timestamp": time, **{k: v[i] for k, v in padded.items()}} for i, time in enumerate(times)]
    granularity = text_at(chart, "meta", "dataGranularity")
    return [
        candle_rows(
            _time(times),
            {name: numbers(values) for name, values in padded.items()},
            json_record(rows),
            instrument=read_symbol(text_at(chart, "meta", "symbol"), "yahoo"),
            timeframe=_YAHOO_LENGTHS.get(granularity) or timeframe_in(granularity),
            tags=frozenset(["quote_volume"]),
        )
    ]


def is_okx_candles(content: Content) -> bool:
    """Whether the JSON is an answer of OKX's `/market/candles` or its history."""
    return isinstance(content.json, dict) and "code" in content.json and is_array(content.json.get("data"), 9)


def read_okx_candles(content: Content, hints: Hints) -> list[Parsed]:
    """Read OKX candles, newest first as they come; those not confirmed are set aside as UNFINISHED.

    For spot the volume is the sixth cell; for futures that one counts contracts and the seventh the base asset.
    """
    rows = content.json["data"]
    cells = _cells(rows, 9)
    columns = {name: numbers(cells[place]) for place, name in enumerate(_OHLCV, 1)}
    instrument = hints.instrument
    if hints.market in ("linear", "inverse") or (instrument is not None and not instrument.is_spot):
        columns["volume"] = numbers(cells[6])
    columns["quote_volume"] = numbers(cells[7])
    return [_drop_unfinished(rows, _time(cells[0]), columns, [cell == "0" for cell in cells[8]])]


def is_bybit_candles(content: Content) -> bool:
    """Whether the JSON is an answer of Bybit's `/v5/market/kline`."""
    return isinstance(content.json, dict) and is_array(_bybit_list(content.json), 7)


def read_bybit_candles(content: Content, hints: Hints) -> list[Parsed]:
    """Read Bybit candles, newest first as they come; inverse contracts swap volume and turnover."""
    cells = _cells(_bybit_list(content.json), 7)
    market = text_at(content.json, "result", "category")
    volume, turnover = (6, 5) if market == "inverse" else (5, 6)
    columns = {name: numbers(cells[place]) for place, name in enumerate(_OHLCV[:4], 1)}
    columns |= {"volume": numbers(cells[volume]), "quote_volume": numbers(cells[turnover])}
    instrument = read_symbol(text_at(content.json, "result", "symbol"), "bybit", market)
    return [
        candle_rows(
            _time(cells[0]), columns, json_record(_bybit_list(content.json)), instrument=instrument,
            tags=frozenset(["base_volume"]),
        )
    ]  # fmt: skip


def is_kraken_candles(content: Content) -> bool:
    """Whether the JSON is an answer of Kraken's `/0/public/OHLC`."""
    return is_array(kraken_rows(content.json)[1], 8)


def read_kraken_candles(content: Content, hints: Hints) -> list[Parsed]:
    """Read Kraken candles: `[time, open, high, low, close, vwap, volume, count]`."""
    pair, rows = kraken_rows(content.json)
    cells = _cells(rows, 8)
    columns = {name: numbers(cells[place]) for name, place in zip(_OHLCV, (1, 2, 3, 4, 6), strict=True)}
    columns |= {"trades": numbers(cells[7]), "quote_volume": numbers(cells[5]) * columns["volume"]}
    return [candle_rows(_time(cells[0]), columns, json_record(rows), instrument=kraken_symbol(pair))]


def kraken_rows(value: Any) -> tuple[str, list[Any]]:
    """Find pair and rows in a Kraken body; ("", []) when it is none."""
    result = value.get("result") if isinstance(value, dict) and "error" in value else None
    if not isinstance(result, dict):
        return "", []
    return next(((pair, rows) for pair, rows in result.items() if isinstance(rows, list)), ("", []))


def kraken_symbol(pair: str) -> Instrument | None:
    """Read Kraken's spelling of a pair: `XBTUSDT`, or `XXBTZUSD` with its class letters."""
    legacy = len(pair) == 8 and pair[0] == "X" and pair[4] == "Z"
    found = read_symbol(pair[1:4] + pair[5:] if legacy else pair, "kraken")
    if found is None:
        return None
    return Instrument("kraken", "DOGE" if found.base == "XDG" else found.base, found.quote)


def is_funding(content: Content) -> bool:
    """Whether the JSON is a list of funding payments of Binance, OKX or Bybit."""
    return bool(_funding(content.json)[1])


def read_funding(content: Content, hints: Hints) -> list[Parsed]:
    """Read funding payments; several symbols become several series."""
    venue, rows = _funding(content.json)
    symbols = [str(row.get("symbol") or row.get("instId")) for row in rows]
    return [
        _funding_series([row for row, other in zip(rows, symbols, strict=True) if other == symbol], symbol, venue)
        for symbol in dict.fromkeys(symbols)
    ]


def _funding_series(rows: list[Any], symbol: str, venue: str) -> Parsed:
    times = [row.get("fundingTime") or row.get("fundingRateTimestamp") for row in rows]
    rates = numbers([row.get("realizedRate") or row.get("fundingRate") for row in rows])
    market = "inverse" if "USD_PERP" in symbol or symbol.endswith("USD") else "linear"
    return funding_rows(_time(times), rates, json_record(rows), instrument=read_symbol(symbol, venue, market))


def _funding(value: Any) -> tuple[str, list[Any]]:
    if isinstance(value, dict):
        # OKX's stream of the same keys tells the rate to come, not one that was paid
        venue, rows = ("bybit", _bybit_list(value)) if "retCode" in value else ("okx", value.get("data"))
        rows = rows if "code" in value or venue == "bybit" else None
    else:
        venue, rows = "binance", value
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return "", []
    return (venue, rows) if "fundingRate" in rows[0] else ("", [])


def _bybit_list(value: Any) -> list[Any]:
    result = value.get("result") if isinstance(value, dict) and "retCode" in value else None
    rows = result.get("list") if isinstance(result, dict) else None
    return rows if isinstance(rows, list) else []


def _drop_unfinished(rows: list[Any], time: Times, columns: dict[str, Floats], unfinished: list[bool]) -> Parsed:
    done = [place for place, is_open in enumerate(unfinished) if not is_open]
    kept = candle_rows(
        time[done],
        {name: column[done] for name, column in columns.items()},
        json_record([rows[place] for place in done]),
        tags=frozenset(["base_volume"]),
    )
    again = tuple(Rejected(done[item.row], item.reason, item.record) for item in kept.rejected)
    record = json_record(rows)
    late = tuple(Rejected(place, "UNFINISHED", record(place)) for place, is_open in enumerate(unfinished) if is_open)
    rejected = tuple(sorted(again + late, key=lambda item: item.row))
    return Parsed("candles", kept.rows, rejected=rejected, tags=kept.tags)


def _time(values: Sequence[Any]) -> Times:
    return epoch(whole_numbers(values))


def _closing(values: Sequence[Any]) -> Times:
    return epoch(whole_numbers(values) + 1)


def _cells(rows: list[Any], width: int) -> list[tuple[Any, ...]]:
    empty = [None] * width
    padded = [(row + empty)[:width] if isinstance(row, list) else empty for row in rows]
    return list(zip(*padded, strict=True))


def _objects(rows: list[Any]) -> list[dict[str, Any]]:
    return [row if isinstance(row, dict) else {} for row in rows]


def _get(rows: list[dict[str, Any]], key: str) -> list[Any]:
    return [row.get(key) for row in rows]
