from contextlib import contextmanager
from itertools import pairwise

import httpx2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallow.domain.errors import TransientError, UserError
from tallow.domain.market import parse_symbol
from tallow.domain.ranges import TimeRange, parse_time
from tallow.domain.timeframes import DAY, HOUR, MINUTE, SECOND, parse_timeframe
from tallow.venues.binance import Binance
from tallow.venues.simulated import Faults, Market, SimulatedExchange

SPOT = parse_symbol("BTC/USDT", "simulated")
PERPETUAL = parse_symbol("BTC/USDT:USDT", "simulated")
PAGE_FAULTS = ("repeated", "unordered", "doubled", "outside", "shortened", "holed", "garbled", "truncated")
LINE_FAULTS = ("limited", "failed", "refused", "html", "cut", "reset")


@contextmanager
def connected(market, clock, faults=None, archives=False, **settings):
    with SimulatedExchange(
        market, faults=faults, clock=clock, window_from_end=settings.pop("from_end", False)
    ) as exchange:
        url = exchange.url
        feed = Binance(
            clock,
            spot_url=url,
            usdm_url=url,
            coinm_url="",
            archive_url=url,
            venue="simulated",
            archives=archives,
            **settings,
        )
        try:
            yield feed, exchange
        finally:
            feed.close()


@st.composite
def plans(draw):
    chosen = draw(st.lists(st.sampled_from(PAGE_FAULTS + LINE_FAULTS), max_size=5, unique=True))
    return Faults({name: draw(st.sampled_from([0.02, 0.1, 0.18])) for name in chosen}, draw(st.integers(0, 10**6)))


@st.composite
def windows(draw, longest):
    start = draw(st.integers(-DAY, 11 * DAY)) // 1_000 * 1_000
    return start, start + draw(st.integers(0, longest)) // 1_000 * 1_000


modest = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@modest
@given(plans(), windows(4 * DAY), st.sampled_from(["1m", "5m", "1h", "1d"]), st.sampled_from([SPOT, PERPETUAL]))
def test_candles_are_the_markets_whatever_goes_wrong(market, at_end, joined, equal, plan, window, frame, instrument):
    span = TimeRange(market.span.start + window[0], market.span.start + window[1])
    truth = market.candles(instrument, frame, span)
    with connected(market, at_end, plan) as (feed, exchange):
        pages = list(feed.candles(instrument, parse_timeframe(frame), span))
        assert exchange.violations == 0
    got = joined(pages)
    assert (got is None and len(truth) == 0) or equal(got, truth)
    assert not any(page.rejected for page in pages)
    assert all(a.rows.time[-1] < b.rows.time[0] for a, b in pairwise(pages))


@modest
@given(plans(), windows(DAY), st.booleans())
def test_trades_are_the_markets_whatever_goes_wrong(market, at_end, joined, equal, plan, window, from_end):
    span = TimeRange(market.span.start + window[0], market.span.start + window[1])
    truth = market.trades(SPOT, span)
    with connected(market, at_end, plan, from_end=from_end) as (feed, exchange):
        got = joined(list(feed.trades(SPOT, span)))
        assert exchange.violations == 0
    assert (got is None and len(truth) == 0) or equal(got, truth)


@modest
@given(st.integers(0, 10**6), windows(6 * DAY), st.booleans())
def test_archives_and_rest_give_the_same(market, at_end, joined, equal, seed, window, is_spot):
    span = TimeRange(market.span.start + window[0], market.span.start + window[1])
    instrument = SPOT if is_spot else PERPETUAL
    plan = Faults({name: 0.05 for name in ("limited", "failed", "html", "truncated", "cut", "reset")}, seed)
    with connected(market, at_end, plan, archives=True) as (feed, exchange):
        got = joined(list(feed.trades(instrument, span)))
        used = exchange.count("/aggTrades/")
    truth = market.trades(instrument, span)
    assert (got is None and len(truth) == 0) or equal(got, truth)
    first, last = -(-span.start // DAY), min(span.end, at_end.now() - 2 * DAY) // DAY
    assert (used > 0) == (last > first)


def test_ids_are_contiguous_across_pages_that_split_a_millisecond(market, at_end, joined):
    with connected(market, at_end) as (feed, _):
        ticks = joined(list(feed.trades(SPOT, TimeRange(market.span.start, market.span.start + 4 * DAY))))
    assert len(ticks) > 3_000
    assert (np.diff(ticks.trade_id) == 1).all()
    boundaries = ticks.event_time[999::1000][: len(ticks) // 1000 - 1]
    assert (np.diff(ticks.event_time) == 0).any()
    assert len(boundaries) > 1


def test_the_budget_is_kept_and_never_provokes_the_exchange(market, at_end):
    with connected(market, at_end, weight_per_minute=60) as (feed, exchange):
        list(feed.trades(SPOT, TimeRange(market.span.start, market.span.start + 10 * DAY)))
        statuses = {served.status for served in exchange.requests}
        assert (statuses, exchange.violations) == ({200}, 0)
        assert exchange.peak_weight <= 60
        assert exchange.count("aggTrades") > 15
    assert len(at_end.slept) >= 1


def test_a_limit_that_others_use_up_is_respected(market, at_end):
    with connected(market, at_end, Faults(script=["", "", "limited", "", "limited"], retry_after=9)) as (
        feed,
        exchange,
    ):
        list(feed.candles(SPOT, parse_timeframe("1m"), TimeRange(market.span.start, market.span.start + 4 * DAY)))
        assert exchange.violations == 0
    assert [wait for wait in at_end.slept if wait >= 1] == [9.0, 9.0]


def test_candles_of_the_running_hour_are_withheld(market, at_end, joined):
    at_end.time = market.span.start + 100 * HOUR + 17 * MINUTE
    with connected(market, at_end) as (feed, exchange):
        got = joined(list(feed.candles(SPOT, parse_timeframe("1h"), market.span)))
        body = httpx2.get(f"{exchange.url}/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=2").json()
    assert got.time[-1] == market.span.start + 99 * HOUR
    assert body[-1][0] * 1_000 == market.span.start + 100 * HOUR


def test_the_exchanges_clock_decides_what_has_closed(market, at_end, joined):
    # Our clock is an hour ahead of the exchange: its open candle must not pass for a closed one.
    behind = type(at_end)(market.span.start + 50 * HOUR + 30 * MINUTE)
    ahead = type(at_end)(behind.time + HOUR)
    with SimulatedExchange(market, clock=behind) as exchange:
        feed = Binance(ahead, spot_url=exchange.url, coinm_url="", archive_url="", venue="simulated")
        got = joined(list(feed.candles(SPOT, parse_timeframe("1h"), market.span)))
        feed.close()
    assert got.time[-1] == market.span.start + 49 * HOUR


def test_missing_ranges_put_together_are_the_whole(market, at_end, joined, equal):
    cuts = [market.span.start + int(f * 12 * DAY) // 1_000 * 1_000 for f in (0, 0.2, 0.35, 0.36, 0.8, 1)]
    with connected(market, at_end, archives=True) as (feed, _):
        candles = [
            page for a, b in pairwise(cuts) for page in feed.candles(SPOT, parse_timeframe("5m"), TimeRange(a, b))
        ]
        trades = [page for a, b in pairwise(cuts) for page in feed.trades(SPOT, TimeRange(a, b))]
    assert equal(joined(candles), market.candles(SPOT, "5m"))
    assert equal(joined(trades), market.trades(SPOT))


@pytest.mark.parametrize("archives", [False, True])
@pytest.mark.parametrize("place", [0, 1, 777, 9_000])
def test_trades_go_on_after_an_id(market, at_end, joined, equal, archives, place):
    truth = market.trades(SPOT)
    with connected(market, at_end, archives=archives) as (feed, _):
        got = joined(list(feed.trades(SPOT, TimeRange(0, market.span.end), int(truth.trade_id[place]))))
        assert list(feed.trades(SPOT, TimeRange(0, market.span.end), int(truth.trade_id[-1]))) == []
    assert equal(got, truth[place + 1 :])


def test_months_and_days_come_from_archives_and_the_tail_from_rest(at_end, joined, equal):
    start = parse_time("2024-11-25")
    market = Market(5, ["BTC/USDT", "BTC/USDT:USDT"], start, 80, 200.0)
    at_end.time = market.span.end + HOUR
    for instrument in (SPOT, PERPETUAL):
        with connected(market, at_end, archives=True) as (feed, exchange):
            pages = list(feed.candles(instrument, parse_timeframe("1m"), market.span))
            files = [s.path.rsplit("1m-")[-1] for s in exchange.requests if s.path.endswith(".zip")]
        assert equal(joined(pages), market.candles(instrument, "1m"))
        assert files == ["2024-12.zip", "2025-01.zip"]
        assert {page.payload.format for page in pages} == {"binance-klines", "binance-vision-klines"}
    # Hourly candles cost fewer requests without archives.
    with connected(market, at_end, archives=True) as (feed, exchange):
        assert equal(joined(list(feed.candles(SPOT, parse_timeframe("1h"), market.span))), market.candles(SPOT, "1h"))
        assert exchange.count("/data/") == 0


def test_archives_out_of_reach_leave_rest(at_end, joined, equal):
    market = Market(5, ["BTC/USDT"], "2024-12-01", 35, 100.0)
    at_end.time = market.span.end
    with SimulatedExchange(market, clock=at_end) as exchange:
        for fetch in ("candles", "trades"):
            feed = Binance(at_end, spot_url=exchange.url, archive_url="http://127.0.0.1:9", venue="simulated")
            frame = (parse_timeframe("1m"),) if fetch == "candles" else ()
            got = joined(list(getattr(feed, fetch)(SPOT, *frame, market.span)))
            feed.close()
            assert equal(got, getattr(market, fetch)(SPOT, *frame))
    assert sum(at_end.slept) < 10


def test_funding_of_a_perpetual(market, at_end, joined, equal):
    span = TimeRange(market.span.start + HOUR, market.span.end - 9 * HOUR)
    with connected(market, at_end) as (feed, _):
        assert equal(joined(list(feed.funding(PERPETUAL, span))), market.funding(PERPETUAL, span))
        with pytest.raises(UserError) as caught:
            list(feed.funding(SPOT, span))
    assert caught.value.code == "NO_FUNDING"


def test_rules_of_every_interface_under_the_given_venue(market, at_end):
    with connected(market, at_end) as (feed, _):
        pages = list(feed.instruments())
    assert [rule for page in pages for rule in page.rows] == sorted(
        market.rules(), key=lambda rule: not rule.instrument.is_spot
    )
    assert {page.payload.format for page in pages} == {"binance-exchange-info"}
    assert feed.venue == "simulated"


def test_names_near_an_unknown_symbol(market, at_end):
    with connected(market, at_end) as (feed, _), pytest.raises(UserError) as caught:
        list(feed.trades(parse_symbol("BTCC/USDT", "simulated"), market.span))
    assert caught.value.code == "UNKNOWN_SYMBOL"
    assert caught.value.facts["nearest"].startswith("BTC/USDT")


def test_what_is_not_set_up_is_said(market, at_end):
    with connected(market, at_end) as (feed, _):
        with pytest.raises(UserError) as caught:
            list(feed.candles(parse_symbol("BTC/USD:BTC", "simulated"), parse_timeframe("1h"), market.span))
        assert (caught.value.code, caught.value.facts["valid"]) == ("UNKNOWN_MARKET", "spot, usdm")
        with pytest.raises(UserError, match="no 7m candles"):
            list(feed.candles(SPOT, parse_timeframe("7m"), market.span))


def test_without_a_network_the_way_on_is_shown(at_end, market):
    feed = Binance(at_end, spot_url="http://127.0.0.1:9")
    with pytest.raises(TransientError) as caught:
        list(feed.candles(SPOT, parse_timeframe("1h"), market.span))
    assert (caught.value.code, caught.value.hint) == ("NO_NETWORK", "tallow demo")
    assert sum(at_end.slept) < 3
    feed.close()


def test_receipt_is_stamped_by_our_clock(market, at_end):
    with connected(market, at_end, archives=True) as (feed, _):
        pages = list(feed.trades(SPOT, TimeRange(market.span.start, market.span.start + DAY)))
        pages += feed.trades(SPOT, TimeRange(market.span.end - HOUR, market.span.end))
    assert {page.payload.format for page in pages} == {"binance-aggtrades", "binance-vision-aggtrades"}
    for page in pages:
        assert page.payload.received_time == at_end.now()
        assert (page.rows.received_time == at_end.now()).all()
        assert page.rows.received_time[0] > page.rows.event_time[0] + SECOND
