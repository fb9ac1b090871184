import json

import httpx2
import pytest

from tallow.domain.errors import DataError
from tallow.domain.market import parse_symbol
from tallow.domain.ranges import TimeRange, parse_time
from tallow.domain.timeframes import DAY, HOUR
from tallow.venues.binance.budget import Budget
from tallow.venues.binance.markets import APIS
from tallow.venues.binance.rest import Rest
from tallow.venues.binance.tape import Tape
from tallow.venues.binance.wire import Wire

SPOT = parse_symbol("BTC/USDT")
START = parse_time("2025-01-20")
REFUSED = (400, b'{"code":-1127,"msg":"More than 1 hours between startTime and endTime."}')


def trade(number, time):
    return {"a": number, "p": "100.5", "q": "0.1", "f": number, "l": number, "T": time // 1000, "m": False}


def body(trades):
    return 200, json.dumps(trades).encode()


@pytest.fixture
def tape(clock, scripted):
    wires = []

    def make(*answers):
        transport, asked = scripted(*answers)
        wires.append(Wire(clock, transport=transport))
        return Tape(Rest(wires[-1], APIS["spot"], "https://venue.test", Budget(clock, 10**6), "binance"), clock), asked

    yield make
    for wire in wires:
        wire.close()


@pytest.fixture
def exchange(clock):
    """A tape over a list of (id, time), whose windows show their first or last rows and may be refused."""
    wires = []

    def make(trades, from_end=False, windows=True, page=1000):
        asked = []

        def respond(request):
            query = dict(request.url.params)
            asked.append(query)
            limit = int(query["limit"])
            if "fromId" in query:
                rows = [t for t in trades if t[0] >= int(query["fromId"])][:limit]
            elif "startTime" in query:
                if not windows:
                    return httpx2.Response(400, content=REFUSED[1])
                low, high = int(query["startTime"]) * 1000, int(query["endTime"]) * 1000 + 999
                inside = [t for t in trades if low <= t[1] <= high]
                rows = inside[-min(limit, page) :] if from_end else inside[: min(limit, page)]
            else:
                rows = trades[-limit:]
            return httpx2.Response(200, content=json.dumps([trade(*t) for t in rows]).encode())

        wires.append(Wire(clock, transport=httpx2.MockTransport(respond)))
        return Tape(Rest(wires[-1], APIS["spot"], "https://venue.test", Budget(clock, 10**6), "binance"), clock), asked

    yield make
    for wire in wires:
        wire.close()


def test_trades_of_one_millisecond_are_not_lost_between_pages(tape):
    same = START + 5_000
    pages = (
        body([trade(i, same) for i in (1, 2)]),
        body([trade(i, same) for i in (3, 4)]),
        body([trade(5, START + DAY)]),
    )
    source, asked = tape(*pages)
    found = [i for page in source.trades(SPOT, 1, START + HOUR) for i in page.rows.trade_id]
    assert found == [1, 2, 3, 4]
    assert [request.url.params["fromId"] for request in asked] == ["1", "3", "5"]


def test_the_first_trade_after_the_end_ends_the_pages(tape):
    source, asked = tape(body([trade(1, START), trade(2, START + HOUR - 1_000), trade(3, START + HOUR)]))
    [page] = source.trades(SPOT, 1, START + HOUR)
    assert (page.rows.trade_id.tolist(), len(asked)) == ([1, 2], 1)
    assert page.payload.format == "binance-aggtrades"


def test_missing_ids_are_asked_for_again_before_they_are_believed(tape):
    whole = body([trade(i, START) for i in range(1, 5)])
    source, asked = tape(body([trade(1, START), trade(3, START), trade(4, START)]), whole, body([]))
    assert [len(page.rows) for page in source.trades(SPOT, 1, START + HOUR)] == [4]
    source, asked = tape(*[body([trade(1, START), trade(4, START)])] * 3, body([]))
    [page] = source.trades(SPOT, 1, START + HOUR)
    assert (page.rows.trade_id.tolist(), len(asked)) == ([1, 4], 6)


@pytest.mark.parametrize(
    "lie",
    [
        [trade(2, START), trade(1, START)],
        [trade(1, START), trade(1, START)],
        [trade(0, START), trade(1, START)],
        [trade(i, START) for i in range(1, 1003)],
    ],
)
def test_ids_that_cannot_be_true_are_refused_and_never_loop(tape, lie):
    source, asked = tape(body(lie))
    with pytest.raises(DataError, match="ids"):
        list(source.trades(SPOT, 1, START + HOUR))
    assert len(asked) == 8


def test_an_unreadable_trade_is_set_aside_and_the_rest_goes_on(tape):
    bad = trade(1, START) | {"p": "NaN"}
    source, _ = tape(*[body([bad])] * 3, body([trade(2, START), trade(3, START + DAY)]))
    pages = list(source.trades(SPOT, 1, START + HOUR))
    assert [(page.rows.trade_id.tolist(), len(page.rejected)) for page in pages] == [([], 1), ([2], 0)]


@pytest.mark.parametrize("from_end", [False, True])
@pytest.mark.parametrize("windows", [True, False])
@pytest.mark.parametrize("start", [0, 1, 20, 21, 399, 3_000, 9_000, 17_000])
def test_the_first_trade_is_found_however_windows_behave(exchange, from_end, windows, start):
    seconds = [20, 20, 20, 400, 401, 2_000, 2_001, 2_001, 2_500, 8_000, 8_000, 9_000, 9_001, 16_000]
    trades = [(n + 3, START + s * 1_000_000) for n, s in enumerate(seconds)]
    source, asked = exchange(trades, from_end, windows, page=4)
    expected = next((n for n, time in trades if time >= START + start * 1_000_000), None)
    assert source.first(SPOT, TimeRange(START + start * 1_000_000, START + DAY)) == expected
    assert len(asked) < 40


def test_a_range_without_trades_has_no_first(exchange):
    source, _ = exchange([(5, START), (6, START + 10 * HOUR)])
    assert source.first(SPOT, TimeRange(START + HOUR, START + 9 * HOUR)) is None
    assert source.first(SPOT, TimeRange(START + 11 * HOUR, START + 12 * HOUR)) is None
    assert exchange([])[0].first(SPOT, TimeRange(START, START + HOUR)) is None


def test_a_long_tape_is_searched_in_few_requests(exchange):
    trades = [(n, START + n * 60_000_000) for n in range(20_000)]
    source, asked = exchange(trades, windows=False)
    assert source.first(SPOT, TimeRange(START + 7_777 * 60_000_000, START + 30 * DAY)) == 7_777
    assert len(asked) < 30


def test_the_time_of_an_id(exchange):
    source, _ = exchange([(5, START), (9, START + HOUR)])
    assert [source.time_of(SPOT, n) for n in (0, 5, 6, 9, 10)] == [START, START, START + HOUR, START + HOUR, None]


def test_ids_that_are_refused_too_become_an_error(tape):
    source, _ = tape(REFUSED, body([trade(9, START + HOUR)]), REFUSED)
    with pytest.raises(DataError) as caught:
        source.first(SPOT, TimeRange(START, START + DAY))
    assert caught.value.code == "VENUE_REFUSED"


def test_trades_outside_the_window_that_was_asked_for_are_not_believed(tape):
    source, _ = tape(
        body([trade(1, START - HOUR)]),
        body([trade(7, START)]),
        body([trade(6, START - 1_000)]),
        body([trade(7, START)]),
    )
    assert source.first(SPOT, TimeRange(START, START + HOUR)) == 7
