import json

import numpy as np
import pytest

from tallow.domain.errors import DataError, UserError
from tallow.domain.market import parse_symbol
from tallow.domain.ranges import TimeRange, parse_time
from tallow.domain.timeframes import DAY, HOUR, MINUTE, parse_timeframe
from tallow.venues.binance.budget import Budget
from tallow.venues.binance.markets import APIS
from tallow.venues.binance.rest import Doubts, Rest, between, check_times
from tallow.venues.binance.wire import Unconfirmed, Wire

SPOT = parse_symbol("BTC/USDT")
START = parse_time("2025-02-01")
INFO = {
    "symbols": [
        {
            "symbol": f"{base}USD_PERP",
            "baseAsset": base,
            "quoteAsset": "USD",
            "marginAsset": base,
            "contractSize": size,
            "filters": [],
        }
        for base, size in (("BTC", 100), ("ETH", 10))
    ]
}


def kline(time, close="1.5", step=MINUTE):
    opened = time // 1000
    return [opened, "1", "2", "0.5", close, "10", opened + step // 1000 - 1, "15", 3, "4", "6", "0"]


def body(rows):
    return 200, json.dumps(rows).encode()


def server_time(time):
    return 200, json.dumps({"serverTime": time // 1000}).encode()


@pytest.fixture
def rest(clock, scripted):
    wires = []

    def make(*answers, api="spot"):
        transport, asked = scripted(*answers)
        wires.append(Wire(clock, transport=transport))
        return Rest(wires[-1], APIS[api], "https://venue.test", Budget(clock, 10_000), "binance"), asked

    yield make
    for wire in wires:
        wire.close()


def minutes(first, last):
    return [kline(START + i * MINUTE) for i in range(first, last)]


def test_pages_follow_each_other_without_overlap(rest, clock):
    source, asked = rest(server_time(clock.now()), body(minutes(0, 3)), body(minutes(3, 5)))
    pages = list(source.candles(SPOT, parse_timeframe("1m"), TimeRange(START, START + 5 * MINUTE)))
    assert [page.rows.time.tolist() for page in pages] == [
        [START, START + MINUTE, START + 2 * MINUTE],
        [START + 3 * MINUTE, START + 4 * MINUTE],
    ]
    assert [dict(request.url.params) for request in asked[1:]] == [
        {
            "symbol": "BTCUSDT",
            "interval": "1m",
            "limit": "7",
            "startTime": str(START // 1000),
            "endTime": str(START // 1000 + 299_999),
        },
        {
            "symbol": "BTCUSDT",
            "interval": "1m",
            "limit": "4",
            "startTime": str(START // 1000 + 180_000),
            "endTime": str(START // 1000 + 299_999),
        },
    ]
    assert pages[0].payload.format == "binance-klines"
    assert pages[0].close_time.tolist() == (pages[0].rows.time + MINUTE).tolist()


def test_only_candles_closed_by_the_venues_clock_come(rest, clock):
    noon = parse_time("2025-02-01T12:00Z")
    rows = [kline(noon + i * HOUR, step=HOUR) for i in range(-3, 1)]
    span = TimeRange(noon - 3 * HOUR, noon + 9 * HOUR)
    # Our clock says 12:00:20, the venue's 11:59:59: the candle of 11:00 is still open.
    source, _ = rest(server_time(noon - 1_000_000), body(rows[:3]))
    [page] = source.candles(SPOT, parse_timeframe("1h"), span)
    assert page.rows.time.tolist() == [noon - 3 * HOUR, noon - 2 * HOUR]
    source, _ = rest(server_time(noon), body(rows[:3]))
    [page] = source.candles(SPOT, parse_timeframe("1h"), span)
    assert len(page.rows) == 3


def test_a_candle_cut_short_by_an_outage_is_no_error(rest, clock):
    row = kline(START)
    row[6] -= 20_000
    source, _ = rest(server_time(clock.now()), body([row, kline(START + MINUTE)]))
    [page] = source.candles(SPOT, parse_timeframe("1m"), TimeRange(START, START + 2 * MINUTE))
    assert page.close_time.tolist() == [START + 40_000_000, START + 2 * MINUTE]


@pytest.mark.parametrize(
    "lie",
    [
        minutes(0, 4)[::-1],
        [*minutes(0, 2), *minutes(1, 4)],
        [kline(START - MINUTE), *minutes(0, 4)],
        [*minutes(0, 4), kline(START + 4 * MINUTE)],
        minutes(0, 4) * 3,
    ],
)
def test_a_page_that_cannot_be_true_is_refused_and_never_loops(rest, clock, lie):
    source, asked = rest(server_time(clock.now()), body(lie), body(minutes(0, 4)))
    [page] = source.candles(SPOT, parse_timeframe("1m"), TimeRange(START, START + 4 * MINUTE))
    assert (len(page.rows), len(asked)) == (4, 3)
    source, asked = rest(server_time(clock.now()), body(lie))
    with pytest.raises(DataError) as caught:
        list(source.candles(SPOT, parse_timeframe("1m"), TimeRange(START, START + 4 * MINUTE)))
    assert (caught.value.code, len(asked)) == ("BAD_PAGE", 9)


def test_a_hole_is_believed_after_three_sightings(rest, clock):
    holed = body([*minutes(0, 1), *minutes(2, 4)])
    source, asked = rest(server_time(clock.now()), holed)
    [page] = source.candles(SPOT, parse_timeframe("1m"), TimeRange(START, START + 4 * MINUTE))
    assert (len(page.rows), len(asked), clock.slept) == (3, 4, [])
    source, asked = rest(server_time(clock.now()), holed, body(minutes(0, 4)))
    [page] = source.candles(SPOT, parse_timeframe("1m"), TimeRange(START, START + 4 * MINUTE))
    assert (len(page.rows), len(asked)) == (4, 3)


def test_a_row_that_stays_unreadable_is_set_aside(rest, clock):
    rows = [kline(START), kline(START + MINUTE, "NaN"), kline(START + 2 * MINUTE)]
    source, asked = rest(server_time(clock.now()), body(rows))
    [page] = source.candles(SPOT, parse_timeframe("1m"), TimeRange(START, START + 3 * MINUTE))
    assert page.rows.time.tolist() == [START, START + 2 * MINUTE]
    assert [(item.row, item.reason) for item in page.rejected] == [(1, "NOT_FINITE")]
    assert len(asked) == 4


def test_a_page_of_nothing_but_unreadable_rows_does_not_stop_the_rest(rest, clock):
    bad = body([kline(START, "NaN")])
    source, _ = rest(server_time(clock.now()), bad, bad, bad, body(minutes(1, 3)))
    pages = list(source.candles(SPOT, parse_timeframe("1m"), TimeRange(START, START + 3 * MINUTE)))
    assert [(len(page.rows), len(page.rejected)) for page in pages] == [(0, 1), (2, 0)]


def test_nothing_in_a_range_gives_no_page(rest, clock):
    source, _ = rest(server_time(clock.now()), body([]))
    assert list(source.candles(SPOT, parse_timeframe("1m"), TimeRange(START, START + HOUR))) == []
    future = TimeRange(clock.now() + DAY, clock.now() + 2 * DAY)
    assert list(source.candles(SPOT, parse_timeframe("1m"), future)) == []


def test_coin_margined_windows_are_short_and_contracts_become_coins(rest, clock):
    coin = parse_symbol("BTC/USD:BTC")
    info = (200, json.dumps(INFO).encode())
    row = kline(START - 150 * DAY, step=DAY)
    source, asked = rest(server_time(clock.now()), info, *[body([])] * 3, body([row]), *[body([])] * 9, api="coinm")
    [page] = source.candles(coin, parse_timeframe("1d"), TimeRange(START - 350 * DAY, START))
    assert (page.rows.volume[0], page.rows.quote_volume[0]) == (15.0, 1000.0)
    windows = [int(r.url.params["endTime"]) - int(r.url.params["startTime"]) for r in asked[2:]]
    assert max(windows) < 200 * DAY // 1000
    with pytest.raises(UserError, match="has no SOL/USD:SOL") as caught:
        source.contract_size(parse_symbol("SOL/USD:SOL"))
    assert caught.value.code == "UNKNOWN_SYMBOL"


def test_an_unknown_symbol_comes_with_the_nearest_names(rest, clock):
    refusal = (400, b'{"code":-1121,"msg":"Invalid symbol."}')
    source, _ = rest(server_time(clock.now()), refusal, (200, json.dumps(INFO).encode()), api="usdm")
    with pytest.raises(UserError) as caught:
        list(source.candles(parse_symbol("BTCC/USD:USD"), parse_timeframe("1m"), TimeRange(START, START + HOUR)))
    assert caught.value.code == "UNKNOWN_SYMBOL"
    assert caught.value.facts["nearest"].startswith("BTC/USD:BTC")


def test_any_other_refusal_is_a_data_error(rest, clock):
    source, _ = rest(server_time(clock.now()), (400, b'{"code":-1100,"msg":"Illegal characters"}'))
    with pytest.raises(DataError, match="Illegal characters"):
        list(source.candles(SPOT, parse_timeframe("1m"), TimeRange(START, START + HOUR)))
    with pytest.raises(DataError, match="Illegal characters"):
        list(source.funding(parse_symbol("BTC/USDT:USDT"), TimeRange(START, START + HOUR)))


def test_funding_pages_until_nothing_is_left(rest, clock):
    def funding(*times):
        return body([{"symbol": "BTCUSDT", "fundingTime": time // 1000, "fundingRate": "0.0001"} for time in times])

    eight = 8 * HOUR
    source, asked = rest(server_time(clock.now()), funding(START, START + eight + 17_000), funding())
    [page] = source.funding(parse_symbol("BTC/USDT:USDT"), TimeRange(START, START + DAY))
    assert page.rows.time.tolist() == [START, START + eight + 17_000]
    assert int(asked[2].url.params["startTime"]) == (START + eight + 17_000) // 1000 + 1
    assert (page.kind, page.payload.format) == ("funding", "binance-funding")


def test_rules_are_a_page(rest):
    source, _ = rest((200, json.dumps(INFO).encode()), (200, b'{"symbols":[]}'), api="coinm")
    page = source.instruments()
    assert [str(rule.instrument) for rule in page.rows] == ["binance:BTC/USD:BTC", "binance:ETH/USD:ETH"]
    assert source.contract_size(parse_symbol("ETH/USD:ETH")) == 10.0
    assert source.instruments().rows == ()


def test_the_venues_clock_is_asked_once(rest, clock):
    source, asked = rest(server_time(clock.now() + 5_000_000))
    assert source.now() == clock.now() + 5_000_000
    clock.sleep(2)
    assert source.now() == clock.now() + 5_000_000
    assert len(asked) == 1


def test_windows_include_their_last_millisecond():
    assert between(TimeRange(1_001, 3_000)) == {"startTime": 2, "endTime": 2}
    assert between(TimeRange(0, DAY)) == {"startTime": 0, "endTime": 86_399_999}


def test_times_are_checked_against_the_window():
    window = TimeRange(10, 20)
    check_times(np.array([], np.int64), window, 5)
    check_times(np.array([10, 19]), window, 2)
    for times in ([10, 10], [12, 11], [9, 10], [10, 20], [10, 11, 12]):
        with pytest.raises(DataError):
            check_times(np.array(times), window, 2)


def test_doubts_count_each_odd_page_by_itself():
    doubts = Doubts()
    doubts.check(False, b"a")
    for _ in range(2):
        for page in (b"a", b"b"):
            with pytest.raises(Unconfirmed):
                doubts.check(True, page)
    doubts.check(True, b"a")
