"""Write a simulated market as Binance writes its own: JSON bodies, CSV tables in zip files."""

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence

import numpy as np

from tallow.domain.columns import Bars, Floats, FundingRates, Ticks, Times
from tallow.domain.market import Instrument
from tallow.ports import InstrumentRule

_EXACT = 2.0**53
_KLINES_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
_TRADES_HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"


def symbol_of(instrument: Instrument) -> str:
    """Spell an instrument as the exchange does."""
    return f"{instrument.base}{instrument.quote}{'_' + instrument.expiry if instrument.expiry else ''}"


def numbers(column: Floats, digits: int = 8) -> list[str]:
    """Write numbers with fixed decimals, or as short as they are exact where that would lose a bit.

    Example:
        >>> import numpy as np
        >>> numbers(np.array([0.1, 2.0]), 2)
        ['0.10', '2.00']
    """
    if len(column) and float(np.abs(column).max()) * 10.0**digits >= _EXACT:
        return [repr(number) for number in column.tolist()]
    return [f"{number:.{digits}f}" for number in column.tolist()]


def kline_rows(bars: Bars, close_times: Times, unit: int = 1_000) -> list[tuple[object, ...]]:
    """Give candles as the exchange's twelve columns; `unit` is the microseconds in a time step."""
    return list(
        zip(
            (bars.time // unit).tolist(),
            *(numbers(column) for column in (bars.open, bars.high, bars.low, bars.close, bars.volume)),
            (close_times // unit - 1).tolist(),
            numbers(bars.quote_volume),
            bars.trades.astype(np.int64).tolist(),
            numbers(bars.taker_buy_volume),
            numbers(bars.taker_buy_quote_volume),
            ["0"] * len(bars),
            strict=True,
        )
    )


def trade_rows(ticks: Ticks, unit: int = 1_000) -> list[tuple[object, ...]]:
    """Give trades as (id, price, quantity, first id, last id, time, buyer is maker)."""
    ids = ticks.trade_id.tolist()
    price, quantity = numbers(ticks.price), numbers(ticks.quantity)
    return list(
        zip(
            ids,
            price,
            quantity,
            ids,
            ids,
            (ticks.event_time // unit).tolist(),
            ticks.buyer_is_maker.tolist(),
            strict=True,
        )
    )


def trade_objects(ticks: Ticks, spot: bool) -> list[dict[str, object]]:
    """Give trades as the objects of `/aggTrades`."""
    keys = ("a", "p", "q", "f", "l", "T", "m")
    extra = {"M": True} if spot else {}
    return [dict(zip(keys, row, strict=True)) | extra for row in trade_rows(ticks)]


def funding_objects(rates: FundingRates, symbol: str) -> list[dict[str, object]]:
    """Give funding payments as the objects of `/fundingRate`."""
    pairs = zip((rates.time // 1_000).tolist(), numbers(rates.rate), strict=True)
    return [{"symbol": symbol, "fundingTime": time, "fundingRate": rate, "markPrice": ""} for time, rate in pairs]


def exchange_info(rules: Sequence[InstrumentRule], now: int, weight_per_minute: int) -> dict[str, object]:
    """Give the body of `/exchangeInfo`."""
    limit = {
        "rateLimitType": "REQUEST_WEIGHT",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": weight_per_minute,
    }
    return {
        "timezone": "UTC",
        "serverTime": now // 1_000,
        "rateLimits": [limit],
        "exchangeFilters": [],
        "symbols": [_symbol(rule) for rule in rules],
    }


def _symbol(rule: InstrumentRule) -> dict[str, object]:
    item = rule.instrument
    notional: dict[str, object] = {"filterType": "MIN_NOTIONAL", "notional": f"{rule.min_notional:g}"}
    future: dict[str, object] = {
        "marginAsset": item.settle,
        "contractType": "PERPETUAL",
        "pair": item.base + item.quote,
    }
    if item.is_spot:
        notional = {"filterType": "NOTIONAL", "minNotional": f"{rule.min_notional:.8f}"}
        future = {}
    symbol: dict[str, object] = {
        "symbol": symbol_of(item),
        "status": rule.status,
        "baseAsset": item.base,
        "quoteAsset": item.quote,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": f"{rule.tick_size:.8f}"},
            {"filterType": "LOT_SIZE", "stepSize": f"{rule.lot_size:.8f}"},
            notional,
        ],
    }
    return symbol | future


def body(answer: object) -> bytes:
    """Write JSON without spaces."""
    return json.dumps(answer, separators=(",", ":")).encode()


def klines_table(bars: Bars, close_times: Times, unit: int, header: bool) -> bytes:
    """Write the CSV table of an archive of candles."""
    return _table(kline_rows(bars, close_times, unit), _KLINES_HEADER if header else "")


def trades_table(ticks: Ticks, unit: int, spot: bool) -> bytes:
    """Write the CSV table of an archive of trades: spot has no header and one column more."""
    if spot:
        rows = [(*row[:6], str(row[6]), "True") for row in trade_rows(ticks, unit)]
        return _table(rows, "")
    return _table([(*row[:6], str(row[6]).lower()) for row in trade_rows(ticks, unit)], _TRADES_HEADER)


def zipped(table: bytes, name: str) -> bytes:
    """Put a table into a zip file, the same bytes every time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), table, zipfile.ZIP_DEFLATED, 1)
    return packed.getvalue()


def checksum(content: bytes, name: str) -> bytes:
    """Write the file that states an archive's sha256."""
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


def _table(rows: Sequence[Sequence[object]], header: str) -> bytes:
    lines = [header] if header else []
    lines.extend(",".join(map(str, row)) for row in rows)
    return ("\n".join(lines) + "\n").encode()
