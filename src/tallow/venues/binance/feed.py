"""Binance as a feed: bulk archives for whole past days and months, REST for the rest, without overlap."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

import httpx2

from tallow.domain.columns import Ticks
from tallow.domain.errors import TransientError, UserError
from tallow.domain.market import Instrument
from tallow.domain.ranges import TimeRange
from tallow.domain.timeframes import DAY, Timeframe
from tallow.ports import Clock, Page
from tallow.venues.binance.archive import Archives
from tallow.venues.binance.budget import Budget
from tallow.venues.binance.markets import APIS, Api, Name, api_of
from tallow.venues.binance.rest import Rest
from tallow.venues.binance.tape import Tape
from tallow.venues.binance.wire import Wire

# Archives of a day appear during the next one: younger history comes from REST.
_ARCHIVE_AGE = 2 * DAY
_MONTH = Timeframe(1, "M")
# An archive costs two requests: it pays where REST would need more.
_ARCHIVE_REQUESTS = 2
_LARGEST_TABLE = 100_000  # rows; finer candles are fetched by day to bound memory


@dataclass(eq=False)
class Binance:
    """Public market data of Binance: spot, USD-M and COIN-M futures. No key is needed.

    Attributes:
        clock: stamps receipts and does all waiting.
        spot_url: address of the spot interface; an empty address leaves an interface out.
        usdm_url: address of the USD-M futures interface.
        coinm_url: address of the COIN-M futures interface.
        archive_url: address of the bulk archives; empty means REST only.
        venue: name under which instruments are filed.
        archives: whether bulk archives are used for whole days and months older than two days.
        weight_per_minute: request weight each interface is allowed; 0 means 90 % of the venue's limits.
        timeout: seconds to wait for a connection, and between two pieces of an answer.
        transport: replaces the network in tests.
    """

    clock: Clock
    _: KW_ONLY
    spot_url: str = "https://api.binance.com"
    usdm_url: str = "https://fapi.binance.com"
    coinm_url: str = "https://dapi.binance.com"
    archive_url: str = "https://data.binance.vision"
    venue: str = "binance"
    archives: bool = True
    weight_per_minute: int = 0
    timeout: float = 10.0
    transport: httpx2.BaseTransport | None = None

    def __post_init__(self) -> None:
        self._wire = Wire(self.clock, timeout=self.timeout, transport=self.transport)
        self._archive_wire = Wire(self.clock, timeout=self.timeout, transport=self.transport)
        self._archives_on = self.archives and bool(self.archive_url)
        urls: dict[Name, str] = {"spot": self.spot_url, "usdm": self.usdm_url, "coinm": self.coinm_url}
        self._rest: dict[Name, Rest] = {}
        self._tape: dict[Name, Tape] = {}
        self._archive: dict[Name, Archives] = {}
        for name, api in APIS.items():
            if urls[name]:
                budget = Budget(self.clock, self.weight_per_minute or api.weight_per_minute)
                self._rest[name] = Rest(self._wire, api, urls[name], budget, self.venue)
                self._tape[name] = Tape(self._rest[name], self.clock)
                self._archive[name] = Archives(self._archive_wire, api, self.archive_url, self.clock)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()
        self._archive_wire.close()

    def instruments(self) -> Iterator[Page]:
        """Fetch the trading rules: a page an interface."""
        for rest in self._rest.values():
            yield rest.instruments()

    def candles(self, instrument: Instrument, timeframe: Timeframe, span: TimeRange) -> Iterator[Page]:
        """Fetch closed candles that open inside `span`; a page's rows are the payload's, less the open candle.

        Raises:
            UserError: UNKNOWN_SYMBOL, BAD_TIMEFRAME.
            TransientError: NO_NETWORK, VENUE_UNAVAILABLE, RATE_LIMITED, VENUE_BANNED, VENUE_BLOCKED.
            DataError: BAD_PAGE, BAD_CHECKSUM, BAD_ARCHIVE, VENUE_REFUSED.
        """
        api = self._api(instrument)
        api.check_interval(timeframe)
        rest, waiting = self._rest[api.name], TimeRange(span.start, span.start)
        for piece, in_archive in self._pieces(rest, timeframe, span):
            page = self._archived_candles(instrument, timeframe, piece) if in_archive else None
            if page is None:
                waiting = TimeRange(waiting.start, piece.end)
                continue
            yield from rest.candles(instrument, timeframe, waiting)
            yield page
            waiting = TimeRange(piece.end, piece.end)
        yield from rest.candles(instrument, timeframe, waiting)

    def trades(self, instrument: Instrument, span: TimeRange, after_id: int | None = None) -> Iterator[Page]:
        """Fetch aggregated trades inside `span`, or from the id after `after_id` up to the end of `span`.

        Raises:
            UserError: UNKNOWN_SYMBOL.
            TransientError: NO_NETWORK, VENUE_UNAVAILABLE, RATE_LIMITED, VENUE_BANNED, VENUE_BLOCKED.
            DataError: BAD_PAGE, BAD_CHECKSUM, BAD_ARCHIVE, VENUE_REFUSED.
        """
        api = self._api(instrument)
        rest, tape = self._rest[api.name], self._tape[api.name]
        start, next_id = span.start, None  # None: the first id is still to be found
        if after_id is not None:
            next_id = after_id + 1
            found = tape.time_of(instrument, next_id)
            start = span.end if found is None else found
        end = min(span.end, rest.now() + 1)
        waiting = TimeRange(start, start)
        for day in TimeRange(start, max(start, end)).days():
            page = self._archived_trades(instrument, day)
            if page is None:
                waiting = TimeRange(waiting.start, day.end)
                continue
            for earlier in self._tape_pages(tape, instrument, waiting, next_id):
                next_id = _id_after(earlier, next_id)
                yield earlier
            # Ids join the sources: REST goes on after the archive's last trade, whatever its millisecond.
            yield page
            next_id = _id_after(page, next_id)
            waiting = TimeRange(day.end, day.end)
        yield from self._tape_pages(tape, instrument, waiting, next_id)

    def funding(self, instrument: Instrument, span: TimeRange) -> Iterator[Page]:
        """Fetch funding payments inside `span`.

        Raises:
            UserError: NO_FUNDING for an instrument that is no perpetual future.
        """
        if not instrument.is_perpetual:
            raise UserError(
                "NO_FUNDING",
                f"{instrument} pays no funding: it is no perpetual future",
                facts={"valid": f"{instrument.base}/{instrument.quote}:{instrument.quote}"},
            )
        yield from self._rest[self._api(instrument).name].funding(instrument, span)

    def _api(self, instrument: Instrument) -> Api:
        api = api_of(instrument)
        if api.name not in self._rest:
            raise UserError(
                "UNKNOWN_MARKET",
                f"{self.venue} is set up without the {api.name} market that {instrument} trades on",
                facts={"valid": ", ".join(self._rest)},
            )
        return api

    def _pieces(self, rest: Rest, timeframe: Timeframe, span: TimeRange) -> Iterator[tuple[TimeRange, bool]]:
        """Split a span into months, days and remainders, each with whether an archive is worth asking for."""
        published = rest.now() - _ARCHIVE_AGE if self._archives_on else 0
        start = span.start
        while start < min(span.end, published):
            month = TimeRange(_MONTH.floor(start), _MONTH.next(_MONTH.floor(start)))
            piece = TimeRange(start, min(month.end, span.end))
            rows = (month.end - month.start) // timeframe.microseconds
            if piece == month and month.end <= published and rows <= _LARGEST_TABLE:
                yield piece, rows > _ARCHIVE_REQUESTS * rest.api.page
            else:
                for day in piece.days():
                    whole = day.end - day.start == DAY and day.end <= published
                    pays = DAY // timeframe.microseconds > _ARCHIVE_REQUESTS * rest.api.page
                    yield day, whole and pays
            start = piece.end
        if start < span.end:
            yield TimeRange(start, span.end), False

    def _archived_candles(self, instrument: Instrument, timeframe: Timeframe, span: TimeRange) -> Page | None:
        name = api_of(instrument).name
        size = self._rest[name].contract_size(instrument)
        try:
            return self._archive[name].candles(instrument, timeframe, span, size) if self._archives_on else None
        except TransientError:
            self._archives_on = False  # what archives hold can be had from REST as well, only slower
            return None

    def _archived_trades(self, instrument: Instrument, day: TimeRange) -> Page | None:
        rest = self._rest[api_of(instrument).name]
        whole = day.end - day.start == DAY and day.end <= rest.now() - _ARCHIVE_AGE
        if not whole or not self._archives_on:
            return None
        try:
            size = rest.contract_size(instrument)
            return self._archive[rest.api.name].trades(instrument, day, size)
        except TransientError:
            self._archives_on = False
            return None

    def _tape_pages(self, tape: Tape, instrument: Instrument, span: TimeRange, next_id: int | None) -> Iterator[Page]:
        if span.is_empty:
            return
        first = tape.first(instrument, span) if next_id is None else next_id
        if first is not None:
            yield from tape.trades(instrument, first, span.end)


def _id_after(page: Page, next_id: int | None) -> int | None:
    ticks = page.rows
    return int(ticks.trade_id[-1]) + 1 if isinstance(ticks, Ticks) and len(ticks) else next_id
