import httpx2
import pytest

from tallow.domain.errors import DataError, TransientError
from tallow.venues.binance.budget import Budget
from tallow.venues.binance.wire import Refusal, Request, Unconfirmed, Wire

URL = "https://venue.test/api/v3/klines"
OK = (200, b"fine", ("X-MBX-USED-WEIGHT-1M", "77"))


@pytest.fixture
def fetch(clock, scripted):
    """Send one request through a wire whose answers are given; gives the reply and the requests."""
    open_wires = []

    def send(*answers, read=lambda content: content, **settings):
        transport, asked = scripted(*answers)
        budget = Budget(clock, 1000)
        wire = Wire(clock, transport=transport, **settings)
        open_wires.append(wire)
        request = Request(URL, {"symbol": "BTCUSDT"}, budget, 2, most_bytes=1000)
        try:
            return wire.fetch(request, read), asked, budget
        except Exception as error:
            error.asked = len(asked)
            raise

    yield send
    for wire in open_wires:
        wire.close()


def test_an_answer_comes_with_its_source_and_receipt(fetch, clock):
    reply, asked, budget = fetch(OK, read=len)
    assert (reply.content, reply.value, reply.received_time) == (b"fine", 4, clock.now())
    assert reply.source == URL + "?symbol=BTCUSDT"
    assert (len(asked), budget.used) == (1, 77)


@pytest.mark.parametrize(
    "trouble",
    [
        (500, b"{}"),
        (503, b"<html>"),
        (408, b""),
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("cut short"),
        httpx2.ReadError("reset"),
    ],
)
def test_passing_trouble_is_waited_out_with_growing_pauses(fetch, clock, trouble):
    reply, asked, _ = fetch(trouble, trouble, trouble, OK)
    assert (reply.value, len(asked)) == (b"fine", 4)
    assert len(clock.slept) == 3
    assert clock.slept[0] < clock.slept[1] < clock.slept[2]
    assert all(0.25 * 2**n <= pause <= 0.5 * 2**n for n, pause in enumerate(clock.slept))


def test_lasting_trouble_ends_after_a_bounded_time(fetch, clock):
    with pytest.raises(TransientError, match="HTTP 502") as caught:
        fetch((502, b"Bad Gateway"))
    assert caught.value.code == "VENUE_UNAVAILABLE"
    assert caught.value.asked == 8
    assert sum(clock.slept) < 70


def test_no_network_is_told_soon_with_what_works_without(fetch, clock):
    with pytest.raises(TransientError) as caught:
        fetch(httpx2.ConnectError("refused"))
    assert caught.value.code == "NO_NETWORK"
    assert caught.value.asked == 3
    assert caught.value.commands == ("tallow demo", "tallow ingest files PATH")


def test_a_network_that_was_there_gets_the_full_patience(clock, scripted):
    transport, asked = scripted(OK, httpx2.ConnectError("refused"))
    wire = Wire(clock, transport=transport)
    wire.fetch(Request(URL), bytes)
    with pytest.raises(TransientError):
        wire.fetch(Request(URL), bytes)
    assert len(asked) == 9
    wire.close()


def test_retry_after_is_obeyed_to_the_second(fetch, clock):
    fetch((429, b"{}", ("Retry-After", "17")), OK)
    assert clock.slept == [17.0]


def test_without_retry_after_the_next_minute_is_awaited(fetch, clock):
    fetch((429, b"{}"), OK)
    assert clock.slept == [40.25]


def test_patience_that_is_asked_for_again_and_again_ends(fetch, clock):
    with pytest.raises(TransientError, match="asks for patience until") as caught:
        fetch((429, b"{}", ("Retry-After", "5")))
    assert caught.value.code == "RATE_LIMITED"
    assert clock.slept == [5.0] * 7


def test_a_long_ban_ends_the_call_at_once_and_names_its_end(fetch, clock):
    with pytest.raises(TransientError, match="until 2025-02-01T13:00:20Z") as caught:
        fetch((418, b"{}", ("Retry-After", "3600")))
    assert (caught.value.code, caught.value.asked, clock.slept) == ("VENUE_BANNED", 1, [])


def test_a_short_ban_is_waited_out_once(fetch, clock):
    reply, _, _ = fetch((418, b"{}", ("Retry-After", "60")), OK)
    assert (reply.value, clock.slept) == (b"fine", [60.0])
    with pytest.raises(TransientError):
        fetch((418, b"{}", ("Retry-After", "60")))
    assert clock.slept == [60.0, 60.0]


def test_during_a_ban_nothing_is_sent(clock, scripted):
    transport, asked = scripted((418, b"{}", ("Retry-After", "3600")), OK)
    wire, budget = Wire(clock, transport=transport), Budget(clock, 1000)
    for _ in range(3):
        with pytest.raises(TransientError, match="bans this address"):
            wire.fetch(Request(URL, {}, budget, 1), bytes)
    assert len(asked) == 1
    clock.sleep(3600)
    assert wire.fetch(Request(URL, {}, budget, 1), bytes).value == b"fine"
    wire.close()


@pytest.mark.parametrize("status", [403, 451])
def test_a_place_the_venue_does_not_serve_is_told_at_once(fetch, status):
    with pytest.raises(TransientError, match=str(status)) as caught:
        fetch((status, b"restricted location"))
    assert (caught.value.code, caught.value.asked) == ("VENUE_BLOCKED", 1)


def test_a_refusal_carries_the_venues_code_and_words(fetch):
    with pytest.raises(Refusal, match="Invalid symbol") as caught:
        fetch((400, b'{"code":-1121,"msg":"Invalid symbol."}'))
    assert (caught.value.code, caught.value.status, caught.value.asked) == (-1121, 400, 1)
    error = caught.value.to_error()
    assert (error.code, error.facts["received"]) == ("VENUE_REFUSED", "HTTP 400, code -1121")


def test_an_unreadable_answer_is_asked_for_again_then_reported(fetch):
    def read(content):
        raise DataError("BAD_PAGE", "no page")

    with pytest.raises(DataError) as caught:
        fetch(OK, read=read)
    assert (caught.value.asked, caught.value.facts["asked"]) == (8, URL + "?symbol=BTCUSDT")


def test_an_unconfirmed_answer_is_asked_for_again_at_once(fetch, clock):
    seen = []

    def read(content):
        seen.append(content)
        if len(seen) < 3:
            raise Unconfirmed("BAD_PAGE", "odd")
        return len(seen)

    reply, asked, _ = fetch(OK, read=read)
    assert (reply.value, len(asked), clock.slept) == (3, 3, [])


def test_odd_answers_without_end_are_given_up(fetch):
    def read(content):
        raise Unconfirmed("BAD_PAGE", "odd")

    with pytest.raises(Unconfirmed) as caught:
        fetch(OK, read=read, attempts=2)
    assert caught.value.asked == 8


def test_a_body_beyond_belief_is_not_read_to_its_end(fetch):
    with pytest.raises(DataError, match="larger than any honest one"):
        fetch((200, b"x" * 2000), attempts=2)


def test_the_same_troubles_wait_the_same_time(clock, scripted):
    waits = []
    for _ in range(2):
        clock.slept.clear()
        transport, _ = scripted((500, b""), (500, b""), OK)
        wire = Wire(clock, transport=transport)
        wire.fetch(Request(URL), bytes)
        wire.close()
        waits.append(list(clock.slept))
    assert waits[0] == waits[1]
