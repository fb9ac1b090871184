"""Answer requests in the form of Binance's REST interface, from a simulated market."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tallow.domain.columns import COLUMNS, Bars, Ticks, Times
from tallow.domain.errors import UserError
from tallow.domain.market import Instrument
from tallow.domain.ranges import FAR_FUTURE, TimeRange
from tallow.domain.timeframes import DAY, HOUR, STANDARD, Timeframe, parse_timeframe
from tallow.venues.simulated import answers
from tallow.venues.simulated.market import Market

Query = Mapping[str, str]
Book = tuple[Bars, Times]


@dataclass(frozen=True)
class Interface:
    """Spot or USD-M futures: path, limits, weights."""

    prefix: str
    spot: bool
    most_candles: int
    trades_weight: int
    info_weight: int
    weight_per_minute: int

    def candles_weight(self, limit: int) -> int:
        """Give the weight of a request for `limit` candles."""
        if self.spot:
            return 2
        return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1_000 else 10


INTERFACES = (
    Interface("/api/v3", True, 1_000, 4, 20, 6_000),
    Interface("/fapi/v1", False, 1_500, 20, 1, 2_400),
)
_MOST_ROWS = 1_000


@dataclass(frozen=True)
class Answer:
    """What to send: a status, rows or a whole body, and what the request weighed."""

    status: int
    content: object
    weight: int = 1

    @property
    def is_page(self) -> bool:
        """Whether the content is a list of rows."""
        return isinstance(self.content, list)


class Refused(Exception):
    """Turn a request down with one of the exchange's codes."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code, self.words = code, words


class Endpoints:
    """The REST interface.

    Args:
        market: the truth.
        now: gives the exchange's clock, microseconds; nothing after it is shown.
        window_from_end: whether a full window of trades shows its last trades rather than its first.
    """

    def __init__(self, market: Market, now: Callable[[], int], window_from_end: bool = False) -> None:
        self._market, self._now, self._from_end = market, now, window_from_end
        self._books: dict[tuple[str, str], Book] = {}

    def answer(self, interface: Interface, endpoint: str, query: Query) -> Answer:
        """Answer one request."""
        endpoints = {
            "ping": lambda *_: Answer(200, {}),
            "time": lambda *_: Answer(200, {"serverTime": self._now() // 1_000}),
            "exchangeInfo": self._exchange_info,
            "klines": self._klines,
            "aggTrades": self._agg_trades,
        } | ({} if interface.spot else {"fundingRate": self._funding})
        if endpoint not in endpoints:
            return Answer(404, {"code": -1, "msg": f"no endpoint {endpoint}"})
        try:
            return endpoints[endpoint](interface, query)
        except Refused as refused:
            return Answer(400, {"code": refused.code, "msg": refused.words})

    def book(self, instrument: Instrument, timeframe: Timeframe) -> Book:
        """Give all candles of an instrument with their closes; made once."""
        key = (instrument.symbol, str(timeframe))
        if key not in self._books:
            bars = self._market.candles(instrument, timeframe, TimeRange(0, self._market.span.end))
            self._books[key] = (bars, self._market.close_times(timeframe, bars.time))
        return self._books[key]

    def find(self, spot: bool, symbol: str) -> Instrument:
        """Find an instrument by the exchange's spelling.

        Raises:
            Refused: -1121.
        """
        for item in self._market.instruments:
            if item.is_spot == spot and answers.symbol_of(item) == symbol:
                return item
        raise Refused(-1121, "Invalid symbol.")

    def _exchange_info(self, interface: Interface, _: Query) -> Answer:
        rules = [rule for rule in self._market.rules() if rule.instrument.is_spot == interface.spot]
        info = answers.exchange_info(rules, self._now(), interface.weight_per_minute)
        return Answer(200, info, interface.info_weight)

    def _klines(self, interface: Interface, query: Query) -> Answer:
        instrument = self.find(interface.spot, _text(query, "symbol"))
        timeframe = _interval(query)
        limit = _whole(query, "limit", 500, 1, interface.most_candles)
        window, bounded = _window(query)
        now = self._now()
        bars, closes = self.book(instrument, timeframe)
        known = int(np.searchsorted(bars.time, now, "left"))
        low, high = np.searchsorted(bars.time[:known], [window.start, window.end])
        # With a start the first rows of the window come, without one the last.
        low, high = (low, min(high, low + limit)) if bounded else (max(low, high - limit), high)
        rows = answers.kline_rows(*self._as_of(instrument, bars[low:high], closes[low:high], now))
        return Answer(200, rows, interface.candles_weight(limit))

    def _as_of(self, instrument: Instrument, bars: Bars, closes: Times, now: int) -> Book:
        """Show the candle that is still open as far as it has come."""
        if len(bars) == 0 or closes[-1] <= now:
            return bars, closes
        ticks = self._market.trades(instrument, TimeRange(int(bars.time[-1]), now))
        return _with_last(bars, ticks), closes

    def _agg_trades(self, interface: Interface, query: Query) -> Answer:
        instrument = self.find(interface.spot, _text(query, "symbol"))
        limit = _whole(query, "limit", 500, 1, _MOST_ROWS)
        now = self._now()
        if "fromId" in query:
            if "startTime" in query or "endTime" in query:
                raise Refused(-1128, "Combination of optional parameters invalid.")
            ticks = self._market.trades_from(instrument, _whole(query, "fromId", 0, 0, 2**62), limit)
            ticks = ticks[ticks.event_time < now]
        elif "startTime" in query or "endTime" in query:
            ticks = self._in_window(instrument, query, limit)
        else:
            ticks = self._latest(instrument, limit, now)
        return Answer(200, answers.trade_objects(ticks, interface.spot), interface.trades_weight)

    def _in_window(self, instrument: Instrument, query: Query, limit: int) -> Ticks:
        window, bounded = _window(query)
        if bounded and "endTime" in query and window.end - window.start > HOUR:
            raise Refused(-1127, "More than 1 hours between startTime and endTime.")
        end = max(window.start, min(window.end, self._now()))
        ticks = self._market.trades(instrument, TimeRange(window.start, end))
        return ticks[-limit:] if self._from_end or not bounded else ticks[:limit]

    def _latest(self, instrument: Instrument, limit: int, now: int) -> Ticks:
        start = now - DAY
        ticks = self._market.trades(instrument, TimeRange(start, now))
        while len(ticks) < limit and start > self._market.span.start:
            start -= DAY
            ticks = self._market.trades(instrument, TimeRange(start, now))
        return ticks[-limit:]

    def _funding(self, interface: Interface, query: Query) -> Answer:
        instrument = self.find(interface.spot, _text(query, "symbol"))
        limit = _whole(query, "limit", 100, 1, _MOST_ROWS)
        window, bounded = _window(query)
        span = TimeRange(window.start, max(window.start, min(window.end, self._now())))
        rows = answers.funding_objects(self._market.funding(instrument, span), answers.symbol_of(instrument))
        return Answer(200, rows[:limit] if bounded else rows[-limit:], 0)


def _with_last(bars: Bars, ticks: Ticks) -> Bars:
    """Replace the last candle by what its trades so far make of it."""
    price, quantity, bought = ticks.price, ticks.quantity, ~ticks.buyer_is_maker
    if len(ticks):
        last = (price[0], price.max(), price.min(), price[-1], quantity.sum())
    else:
        last = (bars.open[-1],) * 4 + (0.0,)
    sums = ((price * quantity).sum(), len(ticks), quantity[bought].sum(), (price * quantity)[bought].sum())
    columns = [getattr(bars, name).copy() for name in COLUMNS]
    for column, value in zip(columns[1:], (*last, *sums), strict=True):
        column[-1] = value
    return Bars(*columns)


def _text(query: Query, name: str) -> str:
    if not query.get(name):
        raise Refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    return query[name]


def _whole(query: Query, name: str, default: int, least: int, most: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit() or not least <= int(text) <= most:
        raise Refused(-1130, f"Data sent for parameter '{name}' is not valid.")
    return int(text)


def _interval(query: Query) -> Timeframe:
    text = _text(query, "interval")
    try:
        timeframe = parse_timeframe(text)
    except UserError:
        raise Refused(-1120, "Invalid interval.") from None
    if text not in STANDARD[1:]:
        raise Refused(-1120, "Invalid interval.")
    return timeframe


def _window(query: Query) -> tuple[TimeRange, bool]:
    """Give the window, which includes its end, and whether it has a start."""
    start = _whole(query, "startTime", 0, 0, 2**50) * 1_000
    end = (_whole(query, "endTime", FAR_FUTURE // 1_000 - 1, 0, 2**50) + 1) * 1_000
    return TimeRange(start, max(start, end)), "startTime" in query
