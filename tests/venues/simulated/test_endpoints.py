import pytest

from tallow.domain.timeframes import DAY, HOUR, MINUTE
from tallow.venues.simulated.endpoints import INTERFACES, Endpoints

SPOT, FUTURES = INTERFACES


@pytest.fixture
def ask(market):
    """Ask an endpoint at a given time, the market's end unless told."""

    def send(endpoint, interface=SPOT, now=None, from_end=False, **query):
        endpoints = Endpoints(market, lambda: now or market.span.end, from_end)
        return endpoints.answer(interface, endpoint, {name: str(value) for name, value in query.items()})

    return send


def test_a_window_of_candles_includes_its_end(ask, market):
    start = market.span.start // 1_000
    rows = ask("klines", symbol="BTCUSDT", interval="1h", startTime=start, endTime=start + 7_200_000).content
    assert [row[0] - start for row in rows] == [0, 3_600_000, 7_200_000]
    rows = ask("klines", symbol="BTCUSDT", interval="1h", startTime=start + 1, limit=2).content
    assert [row[0] - start for row in rows] == [3_600_000, 7_200_000]


def test_without_a_start_the_newest_candles_come(ask, market):
    rows = ask("klines", symbol="BTCUSDT", interval="1h", limit=3).content
    assert [row[0] * 1_000 for row in rows] == [market.span.end - i * HOUR for i in (3, 2, 1)]


def test_the_open_candle_holds_only_what_has_happened(ask, market):
    now = market.span.start + 5 * DAY + 30 * MINUTE
    row = ask("klines", now=now, symbol="BTCUSDT", interval="1d", limit=1).content[0]
    assert row[0] * 1_000 == market.span.start + 5 * DAY
    ticks = market.trades("BTC/USDT")
    own = ticks[(ticks.event_time >= market.span.start + 5 * DAY) & (ticks.event_time < now)]
    assert (row[8], float(row[2]), float(row[4])) == (len(own), own.price.max(), own.price[-1])
    silent = ask("klines", now=market.span.start + 5 * DAY + 1, symbol="BTCUSDT", interval="1d", limit=1).content[0]
    assert (silent[8], float(silent[5])) == (0, 0.0)


def test_trades_by_id_by_window_and_newest(ask, market):
    ticks = market.trades("BTC/USDT")
    assert [t["a"] for t in ask("aggTrades", symbol="BTCUSDT", fromId=50, limit=3).content] == [50, 51, 52]
    assert ask("aggTrades", symbol="BTCUSDT", limit=2).content[-1]["a"] == ticks.trade_id[-1]
    start = market.span.start // 1_000
    window = {"symbol": "BTCUSDT", "startTime": start, "endTime": start + 3_599_999, "limit": 5}
    hour = ticks[ticks.event_time < market.span.start + HOUR].trade_id
    assert [t["a"] for t in ask("aggTrades", **window).content] == hour[:5].tolist()
    assert [t["a"] for t in ask("aggTrades", from_end=True, **window).content] == hour[-5:].tolist()


def test_nothing_of_the_future_is_shown(ask, market):
    now = market.span.start + 2 * DAY
    ticks = market.trades("BTC/USDT")
    last = ticks.trade_id[ticks.event_time < now][-1]
    assert ask("aggTrades", now=now, symbol="BTCUSDT", limit=1).content[0]["a"] == last
    assert ask("aggTrades", now=now, symbol="BTCUSDT", fromId=last, limit=9).content[-1]["a"] == last
    assert ask("aggTrades", now=now, symbol="BTCUSDT", startTime=now // 1_000).content == []
    assert ask("aggTrades", now=int(ticks.event_time[0]), symbol="BTCUSDT").content == []
    funding = ask("fundingRate", FUTURES, now=now, symbol="BTCUSDT", startTime=0).content
    assert len(funding) == 6


@pytest.mark.parametrize(
    ("endpoint", "query", "code"),
    [
        ("klines", {"symbol": "NOPE", "interval": "1h"}, -1121),
        ("klines", {"interval": "1h"}, -1102),
        ("klines", {"symbol": "BTCUSDT"}, -1102),
        ("klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ("klines", {"symbol": "BTCUSDT", "interval": "soon"}, -1120),
        ("klines", {"symbol": "BTCUSDT", "interval": "1h", "limit": 1_001}, -1130),
        ("klines", {"symbol": "BTCUSDT", "interval": "1h", "startTime": "now"}, -1130),
        ("aggTrades", {"symbol": "BTCUSDT", "fromId": 1, "startTime": 1}, -1128),
        ("aggTrades", {"symbol": "BTCUSDT", "startTime": 0, "endTime": 3_600_001}, -1127),
    ],
)
def test_mistakes_get_the_exchanges_codes(ask, endpoint, query, code):
    answer = ask(endpoint, **query)
    assert (answer.status, answer.content["code"]) == (400, code)


def test_weights_are_those_of_the_real_interfaces(ask):
    assert ask("klines", symbol="BTCUSDT", interval="1h").weight == 2
    for limit, weight in ((50, 1), (499, 2), (1_000, 5), (1_500, 10)):
        assert ask("klines", FUTURES, symbol="BTCUSDT", interval="1h", limit=limit).weight == weight
    assert ask("aggTrades", symbol="BTCUSDT").weight == 4
    assert ask("aggTrades", FUTURES, symbol="BTCUSDT").weight == 20
    assert [ask("exchangeInfo", interface).weight for interface in INTERFACES] == [20, 1]


def test_each_interface_lists_its_own(ask, market):
    names = [[item["symbol"] for item in ask("exchangeInfo", i).content["symbols"]] for i in INTERFACES]
    assert names == [["BTCUSDT", "ETHUSDT"], ["BTCUSDT"]]
    assert ask("time").content == {"serverTime": market.span.end // 1_000}
    assert ask("ping").content == {}
    assert ask("fundingRate", symbol="BTCUSDT").status == 404
    assert ask("fundingRate", FUTURES, symbol="BTCUSDT", limit=2).content[-1]["symbol"] == "BTCUSDT"
