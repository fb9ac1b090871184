"""Page through Binance's aggregated trades by id: a page ends where the next begins, whatever the clock says."""

from collections.abc import Iterator

import numpy as np

from tallow.domain.market import Instrument
from tallow.domain.ranges import TimeRange
from tallow.domain.timeframes import HOUR
from tallow.ports import Clock, Page
from tallow.venues.binance.markets import TRADES_PAGE
from tallow.venues.binance.parse import AggTrades, read_aggtrades
from tallow.venues.binance.rest import Doubts, Rest, bad_page, between, payload
from tallow.venues.binance.wire import Refusal, Reply


class Tape:
    """The trades of one interface."""

    def __init__(self, rest: Rest, clock: Clock) -> None:
        self._rest, self._clock = rest, clock

    def trades(self, instrument: Instrument, first_id: int, end: int) -> Iterator[Page]:
        """Fetch trades from `first_id` on, until the first one at or after `end` (microseconds)."""
        cursor = first_id
        while True:
            reply = self._from(instrument, cursor, TRADES_PAGE)
            ticks, rejected = reply.value.ticks, reply.value.rejected
            late = ticks.event_time >= end
            inside = int(late.argmax()) if late.any() else len(ticks)
            if inside or rejected:
                raw = payload(reply, "binance-aggtrades")
                yield Page(raw, "trades", instrument, ticks[:inside], rejected=rejected)
            if inside < len(ticks) or len(ticks) + len(rejected) == 0:
                return
            cursor = int(ticks.trade_id[-1]) + 1 if len(ticks) else cursor + len(rejected)

    def first(self, instrument: Instrument, span: TimeRange) -> int | None:
        """Find the id of the first trade inside `span`; None when there is none.

        Raises:
            DataError: VENUE_REFUSED when the interface does not serve so old a time.
        """
        high = self._some_id_since(instrument, span)
        if high is None:
            return None
        try:
            first = self._bisect(instrument, span.start, high)
            found = self._from(instrument, first, 1).value.ticks
        except Refusal as refusal:
            raise refusal.to_error() from refusal
        return int(found.trade_id[0]) if len(found) and found.event_time[0] in span else None

    def time_of(self, instrument: Instrument, trade_id: int) -> int | None:
        """Give the time of the first trade whose id is at least `trade_id`; None when there is none yet."""
        ticks = self._from(instrument, trade_id, 1).value.ticks
        return int(ticks.event_time[0]) if len(ticks) else None

    def _some_id_since(self, instrument: Instrument, span: TimeRange) -> int | None:
        """Find an id whose trade is not before the span, near its start when the venue shows that hour.

        A full hour shows its first or its last trades, depending on the interface: only a bound, either way.
        """
        hour = TimeRange(span.start, min(span.end, span.start + HOUR))
        try:
            shown = self._shown(instrument, between(hour), hour)
        except Refusal:
            shown = None  # hours far back are refused where ids are not
        if shown is not None and len(shown.ticks):
            return int(shown.ticks.trade_id[0])
        newest = self._shown(instrument, {}, None).ticks
        if len(newest) == 0 or newest.event_time[-1] < span.start:
            return None
        return int(newest.trade_id[-1])

    def _bisect(self, instrument: Instrument, start: int, high: int) -> int:
        """Find the smallest id whose trade is not before `start`; `high` is such an id."""
        # Strides back grow eightfold: the bound is near, or nothing is known of where the range begins.
        step, low = 1, high - 1
        while low >= 0 and self._reaches(instrument, low, start):
            high, step = low, step * 8
            low = max(high - step, 0) if high else -1
        while high - low > 1:
            middle = (low + high) // 2
            if self._reaches(instrument, middle, start):
                high = middle
            else:
                low = middle
        return high

    def _reaches(self, instrument: Instrument, trade_id: int, start: int) -> bool:
        time = self.time_of(instrument, trade_id)
        return time is not None and time >= start

    def _from(self, instrument: Instrument, first_id: int, limit: int) -> Reply[AggTrades]:
        size, doubts = self._rest.contract_size(instrument), Doubts()

        def read(content: bytes) -> AggTrades:
            found = read_aggtrades(content, self._clock.now(), size)
            ids = found.ticks.trade_id
            if len(ids) > limit or (np.diff(ids) <= 0).any() or (len(ids) and ids[0] < first_id):
                raise bad_page("trade ids are not the ones asked for, or do not ascend")
            skips = len(ids) == 0 or int(ids[-1]) - first_id + 1 != len(ids)
            doubts.check(skips or bool(found.rejected), ids.tobytes())
            return found

        params = {"fromId": first_id, "limit": limit, "weight": self._rest.api.trades_weight}
        return self._rest.ask(instrument, "aggTrades", params, read)

    def _shown(self, instrument: Instrument, params: dict[str, str | int], window: TimeRange | None) -> AggTrades:
        size, doubts = self._rest.contract_size(instrument), Doubts()

        def read(content: bytes) -> AggTrades:
            found = read_aggtrades(content, self._clock.now(), size)
            times = found.ticks.event_time
            if window and len(times) and (times.min() < window.start or times.max() >= window.end):
                raise bad_page(f"trades outside {window}")
            doubts.check(len(times) == 0, b"")
            return found

        limit: dict[str, str | int] = {"limit": TRADES_PAGE, "weight": self._rest.api.trades_weight}
        return self._rest.ask(instrument, "aggTrades", limit | params, read).value
