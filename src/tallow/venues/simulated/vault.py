"""Answer requests for bulk archives: zip files of past days and months, with checksums."""

import re
from dataclasses import dataclass

from tallow.domain.errors import UserError
from tallow.domain.ranges import TimeRange, parse_time
from tallow.domain.timeframes import DAY, Timeframe, parse_timeframe
from tallow.venues.simulated import answers
from tallow.venues.simulated.endpoints import Endpoints, Refused
from tallow.venues.simulated.market import Market

_NAME = re.compile(
    r"/data/(?P<place>spot|futures/um)/(?P<period>daily|monthly)/(?P<kind>klines|aggTrades)/(?P<symbol>\w+)"
    r"(?:/(?P<interval>\w+))?/(?P<file>(?P=symbol)-(?:(?P=interval)|aggTrades)-(?P<date>[\d-]+)\.zip)"
    r"(?P<checksum>\.CHECKSUM)?"
)
_MICROSECONDS_SINCE = parse_time("2025-01-01")
_MONTH = Timeframe(1, "M")
_KEPT = 16


@dataclass(frozen=True)
class _Order:
    """One file that was asked for."""

    spot: bool
    symbol: str
    interval: str
    span: TimeRange
    file: str


class Vault:
    """The archives of a market: a day's file exists from the next day on, a month's from its fifth day."""

    def __init__(self, market: Market, endpoints: Endpoints) -> None:
        self._market, self._endpoints = market, endpoints
        self._files: dict[_Order, bytes] = {}

    def answer(self, path: str, now: int) -> bytes | None:
        """Give a file's bytes; None when there is none."""
        match = _NAME.fullmatch(path)
        span = _span(match["period"], match["date"]) if match else None
        if match is None or span is None:
            return None
        published = span.end + (DAY if match["period"] == "daily" else 5 * DAY)
        if published > now or span.end <= self._market.span.start:
            return None
        order = _Order(match["place"] == "spot", match["symbol"], match["interval"] or "", span, match["file"])
        try:
            content = self._file(order)
        except (Refused, UserError):
            return None
        return answers.checksum(content, match["file"]) if match["checksum"] else content

    def _file(self, order: _Order) -> bytes:
        if order not in self._files:
            while len(self._files) >= _KEPT:
                del self._files[next(iter(self._files))]
            table = self._candles(order) if order.interval else self._trades(order)
            self._files[order] = answers.zipped(table, order.file.removesuffix("zip") + "csv")
        return self._files[order]

    def _candles(self, order: _Order) -> bytes:
        timeframe = parse_timeframe("1M" if order.interval == "1mo" else order.interval)
        bars, closes = self._endpoints.book(self._endpoints.find(order.spot, order.symbol), timeframe)
        inside = (bars.time >= order.span.start) & (bars.time < order.span.end)
        return answers.klines_table(bars[inside], closes[inside], _unit(order), not order.spot)

    def _trades(self, order: _Order) -> bytes:
        instrument = self._endpoints.find(order.spot, order.symbol)
        return answers.trades_table(self._market.trades(instrument, order.span), _unit(order), order.spot)


def _unit(order: _Order) -> int:
    return 1 if order.spot and order.span.start >= _MICROSECONDS_SINCE else 1_000


def _span(period: str, stamp: str) -> TimeRange | None:
    try:
        start = parse_time(stamp if period == "daily" else f"{stamp}-01")
    except UserError:
        return None
    return TimeRange(start, start + DAY if period == "daily" else _MONTH.next(start))
