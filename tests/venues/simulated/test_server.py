import httpx2
import pytest

from tallow.domain.timeframes import HOUR
from tallow.venues.simulated import Faults, SimulatedExchange


@pytest.fixture
def get():
    with httpx2.Client(timeout=5.0) as client:
        yield client.get


def test_it_speaks_over_loopback_and_keeps_a_record(market, get):
    with SimulatedExchange(market) as exchange:
        answer = get(f"{exchange.url}/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=2")
        assert len(answer.json()) == 2
        assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "2"
        assert get(f"{exchange.url}/fapi/v1/ping").json() == {}
        assert get(f"{exchange.url}/elsewhere").status_code == 404
        assert (exchange.count(), exchange.count("klines")) == (3, 1)
        first = exchange.requests[0]
    assert (first.path, first.query, first.status) == ("/api/v3/klines", "symbol=BTCUSDT&interval=1h&limit=2", 200)
    assert (first.weight, first.fault, first.time) == (2, "", market.span.end)
    with pytest.raises(httpx2.ConnectError):
        get(exchange.url)


def test_the_present_is_the_clocks(market, get, clock):
    clock.time = market.span.start + HOUR
    with SimulatedExchange(market, clock=clock) as exchange:
        assert get(f"{exchange.url}/api/v3/time").json() == {"serverTime": clock.time // 1_000}
        assert len(get(f"{exchange.url}/api/v3/klines?symbol=BTCUSDT&interval=1h").json()) == 1


def test_limits_are_real_with_a_clock(market, get, clock):
    with SimulatedExchange(market, clock=clock) as exchange:
        url = f"{exchange.url}/fapi/v1/aggTrades?symbol=BTCUSDT&limit=1"
        answers = [get(url) for _ in range(121)]
        assert [a.status_code for a in answers[-2:]] == [200, 429]
        assert answers[-1].headers["Retry-After"] == "40"
        assert (exchange.violations, exchange.peak_weight) == (0, 2_420)
        assert get(url).status_code == 418
        assert exchange.violations == 1
        assert get(f"{exchange.url}/api/v3/ping").status_code == 200


def test_faults_come_in_the_order_planned(market, get, clock):
    script = ["", "limited", "", "failed", "truncated", "html"]
    with SimulatedExchange(market, faults=Faults(script=script, retry_after=2), clock=clock) as exchange:
        url = f"{exchange.url}/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=2"
        assert len(get(url).json()) == 2
        limited = get(url)
        assert (limited.status_code, limited.headers["Retry-After"]) == (429, "2")
        clock.sleep(2)
        assert len(get(url).json()) == 2
        assert get(url).status_code == 500
        assert not get(url).content.endswith(b"]]")
        assert get(url).content.startswith(b"<!DOCTYPE")
        assert [served.fault for served in exchange.requests] == script
        assert exchange.violations == 0


def test_lines_break(market, get):
    with SimulatedExchange(market, faults=Faults(script=["cut", "reset", "slow"], delay=0.01)) as exchange:
        url = f"{exchange.url}/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=200"
        for _ in range(2):
            with pytest.raises(httpx2.TransportError):
                get(url)
        assert len(get(url).json()) == 200


def test_the_page_before_is_of_the_same_symbol(market, get):
    with SimulatedExchange(market, faults=Faults(script=["", "", "repeated"])) as exchange:
        url = f"{exchange.url}/api/v3/klines?interval=1h&limit=2&symbol="
        first, _, third = (
            get(url + symbol + more).json()
            for symbol, more in (("BTCUSDT", ""), ("ETHUSDT", ""), ("BTCUSDT", "&limit=9"))
        )
    assert third == first


def test_archives_are_served_and_spoilt(market, get):
    path = "/data/spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-12-28.zip"
    with SimulatedExchange(market, faults=Faults(script=["", "garbled", ""])) as exchange:
        honest, spoilt = get(exchange.url + path).content, get(exchange.url + path).content
        assert honest.startswith(b"PK")
        assert len(spoilt) == len(honest)
        assert spoilt != honest
        assert get(exchange.url + path + ".CHECKSUM").text.endswith("  BTCUSDT-1h-2024-12-28.zip\n")
