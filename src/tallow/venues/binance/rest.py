"""Ask one Binance interface for history: candles, funding, symbols. Trades are in `tape`."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import numpy as np

from tallow.domain.columns import Times
from tallow.domain.errors import DataError, UserError, nearest
from tallow.domain.market import Instrument
from tallow.domain.ranges import TimeRange, iso
from tallow.domain.timeframes import DAY, Timeframe
from tallow.ports import Page, Payload
from tallow.venues.binance.budget import Budget
from tallow.venues.binance.markets import FUNDING_PAGE, FUNDING_WEIGHT, Api, venue_symbol
from tallow.venues.binance.parse import (
    Funding,
    Klines,
    Rules,
    read_funding,
    read_klines,
    read_rules,
    read_server_time,
)
from tallow.venues.binance.wire import Refusal, Reply, Request, Unconfirmed, Wire

T = TypeVar("T")
Parameters = Mapping[str, str | int]

_UNKNOWN_SYMBOL = -1121
_SIGHTINGS = 3


class Doubts:
    """Believe an odd page (rows missing or unreadable) only when the same one came three times."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def check(self, odd: bool, page: bytes) -> None:
        """Count a sighting of an odd page.

        Raises:
            Unconfirmed: BAD_PAGE, which makes the wire ask again.
        """
        if odd:
            self._seen[page] += 1
            if self._seen[page] < _SIGHTINGS:
                raise Unconfirmed("BAD_PAGE", "rows are missing or unreadable, and the answer is not confirmed")


class Rest:
    """One interface of the venue.

    Attributes:
        api: its paths and limits.
        venue: the name that instruments carry.
    """

    def __init__(self, wire: Wire, api: Api, url: str, budget: Budget, venue: str) -> None:
        self.api, self.venue = api, venue
        self._wire, self._url, self._budget = wire, url.rstrip("/"), budget
        self._rules: Rules | None = None
        self._synchronised = False

    def now(self) -> int:
        """Give the venue's clock, microseconds; the venue is asked once."""
        if not self._synchronised:
            reply = self._get("time", {}, 1, lambda content: read_server_time(content))
            self._budget.offset = reply.value - reply.received_time
            self._synchronised = True
        return self._budget.server_now()

    def instruments(self) -> Page:
        """Fetch the trading rules."""
        reply = self._get("exchangeInfo", {}, self.api.info_weight, lambda content: read_rules(content, self.venue))
        self._rules = reply.value
        rules = reply.value.rules
        named = rules[0].instrument if rules else Instrument(self.venue, "", "")
        return Page(payload(reply, "binance-exchange-info"), "instruments", named, rules)

    def contract_size(self, instrument: Instrument) -> float:
        """Give the quote units in one contract of an inverse future; 0 for everything else."""
        if not instrument.is_inverse:
            return 0.0
        sizes = self._known_rules().contract_sizes
        if venue_symbol(instrument) not in sizes:
            raise self._unknown(instrument)
        return sizes[venue_symbol(instrument)]

    def candles(self, instrument: Instrument, timeframe: Timeframe, span: TimeRange) -> Iterator[Page]:
        """Fetch the candles that open inside `span` and have closed by the venue's clock."""
        self.api.check_interval(timeframe)
        now = self.now()
        cursor, end = span.start, min(span.end, now)
        while cursor < end:
            window = TimeRange(cursor, min(end, cursor + (self.api.longest_window or end)))
            reply = self._candles(instrument, timeframe, window)
            klines = reply.value
            closed = _first(klines.close_time > now)
            if closed or klines.rejected:
                bars, close_time = klines.bars[:closed], klines.close_time[:closed]
                raw = payload(reply, "binance-klines")
                yield Page(raw, "candles", instrument, bars, timeframe, close_time, klines.rejected)
            # Candles after an open one cannot exist yet.
            if closed < len(klines.bars):
                return
            if closed:
                cursor = timeframe.next(int(klines.bars.time[-1]))
            else:
                cursor = cursor + len(klines.rejected) * timeframe.microseconds if klines.rejected else window.end

    def funding(self, instrument: Instrument, span: TimeRange) -> Iterator[Page]:
        """Fetch funding payments inside `span`."""
        cursor, end = span.start, min(span.end, self.now())
        while cursor < end:
            reply = self._funding(instrument, TimeRange(cursor, end))
            rates, rejected = reply.value.rates, reply.value.rejected
            if len(rates) or rejected:
                raw = payload(reply, "binance-funding")
                yield Page(raw, "funding", instrument, rates, rejected=rejected)
            # A short page is no proof of the end, an empty one is: payments have no fixed rhythm to check.
            if len(rates) == 0:
                return
            cursor = int(rates.time[-1]) + 1_000

    def ask(self, instrument: Instrument, endpoint: str, params: Parameters, read: Callable[[bytes], T]) -> Reply[T]:
        """Ask about one instrument; `weight` in `params` is what the request weighs and is not sent.

        Raises:
            UserError: UNKNOWN_SYMBOL.
            Refusal: any other refusal.
        """
        weight = int(params["weight"])
        sent = {"symbol": venue_symbol(instrument)} | {k: v for k, v in params.items() if k != "weight"}
        try:
            return self._get(endpoint, sent, weight, read)
        except Refusal as refusal:
            if refusal.code == _UNKNOWN_SYMBOL:
                raise self._unknown(instrument) from refusal
            raise

    def _candles(self, instrument: Instrument, timeframe: Timeframe, window: TimeRange) -> Reply[Klines]:
        limit = min(self.api.page, (window.end - window.start) // timeframe.microseconds + 2)
        size, doubts = self.contract_size(instrument), Doubts()
        longest = timeframe.microseconds if timeframe.is_fixed else 31 * DAY * timeframe.count
        first = timeframe.floor(window.start)
        first = first if first == window.start else timeframe.next(first)

        def read(content: bytes) -> Klines:
            klines = read_klines(content, size)
            times = klines.bars.time
            check_times(times, window, limit - len(klines.rejected))
            steps = np.diff(times, prepend=first)
            # The first step is 0 when the page begins where the window does.
            holes = len(times) == 0 or bool(steps[0]) or bool((steps[1:] > longest).any())
            doubts.check((holes and first < window.end) or bool(klines.rejected), times.tobytes())
            return klines

        asked: dict[str, str | int] = {
            "interval": str(timeframe),
            "limit": limit,
            "weight": self.api.candles_weight(limit),
        }
        return self._told(instrument, "klines", asked | between(window), read)

    def _funding(self, instrument: Instrument, window: TimeRange) -> Reply[Funding]:
        doubts = Doubts()

        def read(content: bytes) -> Funding:
            funding = read_funding(content)
            check_times(funding.rates.time, window, FUNDING_PAGE)
            doubts.check(bool(funding.rejected), funding.rates.time.tobytes())
            return funding

        asked: dict[str, str | int] = {"limit": FUNDING_PAGE, "weight": FUNDING_WEIGHT}
        return self._told(instrument, "fundingRate", asked | between(window), read)

    def _told(self, instrument: Instrument, endpoint: str, params: Parameters, read: Callable[[bytes], T]) -> Reply[T]:
        try:
            return self.ask(instrument, endpoint, params, read)
        except Refusal as refusal:
            raise refusal.to_error() from refusal

    def _get(self, endpoint: str, params: Parameters, weight: int, read: Callable[[bytes], T]) -> Reply[T]:
        url = f"{self._url}{self.api.prefix}/{endpoint}"
        return self._wire.fetch(Request(url, params, self._budget, weight), read)

    def _known_rules(self) -> Rules:
        if self._rules is None:
            self.instruments()
        assert self._rules is not None
        return self._rules

    def _unknown(self, instrument: Instrument) -> UserError:
        names = [rule.instrument.symbol for rule in self._known_rules().rules]
        return UserError(
            "UNKNOWN_SYMBOL",
            f"{self.venue} {self.api.name} has no {instrument.symbol}",
            facts={
                "received": f"{instrument.symbol} ({venue_symbol(instrument)})",
                "nearest": ", ".join(nearest(instrument.symbol, names)),
                "listed": f"{len(names)} instruments",
            },
        )


def between(window: TimeRange) -> dict[str, str | int]:
    """Give the two parameters of a window: milliseconds, both ends included."""
    return {"startTime": -(-window.start // 1_000), "endTime": (window.end - 1) // 1_000}


def payload(reply: Reply[T], form: str) -> Payload:
    """Give the bytes of a reply as they came."""
    return Payload(reply.content, reply.source, form, reply.received_time)


def check_times(times: Times, window: TimeRange, limit: int) -> None:
    """Refuse a page whose rows are not inside the window, not ascending, or more than asked for.

    Raises:
        DataError: BAD_PAGE.
    """
    if len(times) > limit:
        raise bad_page(f"{len(times)} rows where {limit} were asked for")
    if len(times) == 0:
        return
    if (np.diff(times) <= 0).any():
        raise bad_page("rows are repeated or not in ascending time")
    if times[0] < window.start or times[-1] >= window.end:
        raise bad_page(f"rows from {iso(int(times[0]))} to {iso(int(times[-1]))} outside {window}")


def bad_page(why: str) -> DataError:
    """Give the error of an answer that cannot be what was asked for."""
    return DataError("BAD_PAGE", f"the venue's answer is not what was asked for: {why}")


def _first(rows: np.typing.NDArray[np.bool_]) -> int:
    """Give the place of the first true row; their number when there is none."""
    return int(rows.argmax()) if rows.any() else len(rows)
