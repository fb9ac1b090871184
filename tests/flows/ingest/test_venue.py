"""A venue is asked for exactly what is missing."""

import numpy as np
import pytest

from tallow.domain.columns import Bars, FundingRates, Ticks
from tallow.domain.errors import TransientError, UserError
from tallow.domain.market import parse_symbol
from tallow.domain.ranges import EVERYTHING, TimeRange
from tallow.domain.tables import BRONZE_CANDLES, BRONZE_FUNDING, BRONZE_INSTRUMENTS, BRONZE_TRADES, META_GAPS
from tallow.domain.timeframes import parse_timeframe
from tallow.flows.ingest import IngestRequest, Interrupted, ingest, ingest_venue, plan_venue
from tallow.ports import Page, Payload

HOUR = 3_600_000_000
SECOND = 1_000_000
DAY = 24 * HOUR
START = 1_704_067_200_000_000
BTC = parse_symbol("BTC/USDT")
H1 = parse_timeframe("1h")


class Venue:
    """A market with one candle an hour (but for an outage), one trade a second, funding every eight hours."""

    venue = "binance"

    def __init__(self, clock, rules, *, page=5, outage=range(7, 9), first=0, fail_after=None):
        self.clock, self.rules, self.page, self.outage, self.first = clock, rules, page, outage, first
        self.asked = []
        self.pages = 0
        self.fail_after = fail_after

    def _page(self, kind, rows, timeframe=None, instrument=BTC):
        self.pages += 1
        if self.fail_after is not None and self.pages > self.fail_after[0]:
            raise self.fail_after[1]
        content = f"{kind} {instrument} {timeframe} {rows}".encode()
        return Page(Payload(content, kind, "test", self.clock.now()), kind, instrument, rows, timeframe)

    def instruments(self):
        yield self.rules

    def candles(self, instrument, timeframe, span):
        self.asked.append((str(instrument), (span.start - START) // HOUR, (span.end - START) // HOUR))
        opens = range(max(span.start, START + self.first * HOUR), min(span.end, self.clock.now()), HOUR)
        opens = [time for time in opens if (time - START) // HOUR not in self.outage]
        for at in range(0, len(opens), self.page):
            time = np.array(opens[at : at + self.page], np.int64)
            one = np.full(len(time), 5.0)
            yield self._page("candles", Bars.of(time, (one, one, one, one, one)), timeframe, instrument)

    def trades(self, instrument, span, after_id=None):
        self.asked.append((after_id, (span.start - START) // SECOND, (span.end - START) // SECOND))
        ids = [one for one in range(10, 60) if span.start <= START + one * SECOND < span.end]
        ids = [one for one in ids if after_id is None or one > after_id]
        for at in range(0, len(ids), self.page):
            part = np.array(ids[at : at + self.page], np.int64)
            ones = np.ones(len(part))
            ticks = Ticks(part, START + part * SECOND, START + part * SECOND, ones, ones, part > 0)
            yield self._page("trades", ticks, None, instrument)

    def funding(self, instrument, span):
        self.asked.append(("funding", (span.start - START) // HOUR, (span.end - START) // HOUR))
        time = np.array([t for t in range(START, START + 2 * DAY, 8 * HOUR) if t in span], np.int64)
        yield self._page("funding", FundingRates(time, np.full(len(time), 1e-4)), None, instrument)


@pytest.fixture
def venue(clock, rules_page):
    return Venue(clock, rules_page)


def request(hours=20, **changes):
    values = {"instruments": (BTC,), "span": TimeRange(START, START + hours * HOUR), "timeframes": (H1,)}
    return IngestRequest(**(values | changes))


def test_candles_are_fetched_once_and_the_outage_is_marked(lake, venue, clock, versions):
    report = ingest_venue(venue, lake, request(), clock)
    assert report.rows_new == 18
    marks = lake.read(META_GAPS)
    assert marks.select("table_name", "missing", "cause").rows() == [("bronze.candles", 2, "NOT_AT_VENUE")]
    before = versions(lake)
    venue.asked.clear()
    again = ingest_venue(venue, lake, request(), clock)
    assert (venue.asked, again.rows_seen, versions(lake)) == ([], 0, before)


def test_a_longer_span_asks_only_for_the_rest(lake, venue, clock):
    ingest_venue(venue, lake, request(20), clock)
    venue.asked.clear()
    ingest_venue(venue, lake, request(span=TimeRange(START - 3 * HOUR, START + 30 * HOUR)), clock)
    assert venue.asked == [("binance:BTC/USDT", -3, 0), ("binance:BTC/USDT", 20, 30)]
    assert len(lake.read(BRONZE_CANDLES)) == 28


def test_holes_left_by_files_are_filled(lake, venue, clock, candle_page):
    ingest([candle_page([0, 1, 5, 6])], lake)
    ingest_venue(venue, lake, request(10), clock)
    assert venue.asked == [("binance:BTC/USDT", 2, 5), ("binance:BTC/USDT", 7, 10)]


def test_an_unaligned_span_and_the_unfinished_candle(lake, venue, clock):
    clock.time = START + 6 * HOUR + 5
    ingest_venue(venue, lake, request(span=TimeRange(START + 1, START + 30 * HOUR)), clock)
    assert venue.asked == [("binance:BTC/USDT", 1, 6)]
    assert len(lake.read(BRONZE_CANDLES)) == 5


def test_before_the_listing_is_asked_once_even_from_the_beginning_of_time(lake, clock, rules_page):
    venue = Venue(clock, rules_page, first=4)
    clock.time = START + 5 * DAY
    ingest_venue(venue, lake, request(span=EVERYTHING), clock)
    assert venue.asked[0][1:] == (-START // HOUR, 120)
    venue.asked.clear()
    clock.time += 3 * HOUR
    ingest_venue(venue, lake, request(span=EVERYTHING), clock)
    assert venue.asked == [("binance:BTC/USDT", 120, 123)]


def test_a_young_hole_is_asked_for_again(lake, venue, clock):
    clock.time = START + 10 * HOUR
    ingest_venue(venue, lake, request(10), clock)
    assert lake.read(META_GAPS).is_empty()
    venue.outage = range(0)
    ingest_venue(venue, lake, request(10), clock)
    assert len(lake.read(BRONZE_CANDLES)) == 10


def test_trades_go_on_by_id(lake, venue, clock, versions):
    half = request(span=TimeRange(START, START + 30 * SECOND), kinds=("trades",))
    whole = request(span=TimeRange(START, START + DAY), kinds=("trades",))
    ingest_venue(venue, lake, half, clock)
    ingest_venue(venue, lake, whole, clock)
    assert venue.asked == [(None, 0, 30), (29, 29, 86_400)]
    assert lake.read(BRONZE_TRADES)["trade_id"].to_list() == list(range(10, 60))
    before = versions(lake)
    ingest_venue(venue, lake, whole, clock)
    assert len(venue.asked) == 2
    assert versions(lake) == before


def test_a_broken_off_fetch_is_resumed_where_it_stopped(lake, venue, clock):
    venue.fail_after = (3, TransientError("OFFLINE", "no answer"))
    wanted = request(kinds=("trades",), span=TimeRange(START, START + DAY))
    with pytest.raises(TransientError):
        ingest_venue(venue, lake, wanted, clock)
    assert lake.read(BRONZE_TRADES)["trade_id"].to_list() == list(range(10, 25))
    venue.fail_after = None
    ingest_venue(venue, lake, wanted, clock)
    assert venue.asked[1:] == [(None, 0, 10), (24, 24, 86_400)]
    ids = lake.read(BRONZE_TRADES)["trade_id"]
    assert ids.n_unique() == 50


def test_ctrl_c_reports_everything_written_so_far(lake, venue, clock):
    venue.fail_after = (5, KeyboardInterrupt())
    wanted = request(20, instruments=(BTC, parse_symbol("ETH/USDT")))
    with pytest.raises(Interrupted) as caught:
        ingest_venue(venue, lake, wanted, clock)
    assert [(one.symbol, one.new) for one in caught.value.report.series] == [("BTC/USDT", 18), ("ETH/USDT", 5)]
    assert caught.value.report.interrupted


def test_funding_and_rules_come_too(lake, venue, clock):
    wanted = request(kinds=("funding", "instruments"), span=TimeRange(START, START + DAY))
    report = ingest_venue(venue, lake, wanted, clock)
    assert (len(lake.read(BRONZE_FUNDING)), len(lake.read(BRONZE_INSTRUMENTS))) == (3, 2)
    assert report.rows_new == 5
    ingest_venue(venue, lake, request(kinds=("funding",), span=TimeRange(START, START + 2 * DAY)), clock)
    assert venue.asked[-1] == ("funding", 24, 48)
    assert len(lake.read(BRONZE_FUNDING)) == 6


def test_the_plan_says_what_would_be_asked(lake, clock):
    plan = plan_venue(lake, request(3), clock.now())
    assert plan == {"ingest binance:BTC/USDT candles 1h": [TimeRange(START, START + 3 * HOUR)]}


def test_progress_knows_how_many_candles_will_come(lake, venue, clock):
    told = []
    ingest_venue(venue, lake, request(20), clock, lambda *step: told.append(step))
    assert told[0] == ("ingest binance:BTC/USDT candles 1h", 5, 20)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"timeframes": ()}, "NO_TIMEFRAME"), ({"instruments": (parse_symbol("okx:BTC/USDT"),)}, "WRONG_VENUE")],
)
def test_requests_that_cannot_be_met_are_refused(lake, venue, clock, changes, code):
    with pytest.raises(UserError) as caught:
        ingest_venue(venue, lake, request(**changes), clock)
    assert caught.value.code == code
