import json
from collections.abc import Callable

import pytest

from tallow.domain.timeframes import SECOND
from tallow.venues.files.parse import captures
from tallow.venues.files.parse.captures import (
    contract_sizes,
    is_cryptofeed_answers,
    is_cryptofeed_json,
    is_cryptofeed_lines,
    is_hftbacktest,
    is_message,
    is_messages,
    read_cryptofeed_json,
    read_cryptofeed_lines,
    read_hftbacktest,
    read_messages,
)
from tallow.venues.files.parse.content import Content, Hints, Parsed

T = 1704067200
US = T * SECOND
TRADE = {"e": "trade", "s": "BTCUSDT", "t": 7, "p": "100.5", "q": "2", "T": T * 1000, "m": True}
OKX = {
    "arg": {"channel": "trades", "instId": "XMR-USDT-SWAP"},
    "data": [{"tradeId": "7", "px": "100.5", "sz": "2", "side": "sell", "ts": f"{T}000"}],
}
LIST = {"code": "0", "data": [{"instId": "XMR-USDT-SWAP", "ctVal": "0.1", "ctMult": "2"}, {"instId": "X-Y"}, 5]}


def content(text: str) -> Content:
    return Content("x", text.encode())


@pytest.mark.parametrize("stamp", [US - 1_270_000, (US - 1_270_000) * 1000])
def test_hftbacktest_lines_keep_their_clock(stamp: int) -> None:
    lines = [
        f'{stamp} {{"stream":"btcusdt@depth","data":{{}}}}',
        f"{stamp} {json.dumps({'stream': 'btcusdt@trade', 'data': TRADE})}",
        f'{stamp} {{"lastUpdateId":1}}',
        f'{stamp} {{"stream":"btcusdt@trade","data":{{cut',
        'local {"e":"trade"}',
    ]
    capture = content("\n".join(lines))
    assert is_hftbacktest(capture)
    (parsed,) = read_hftbacktest(capture, Hints(venue="binance", market="linear"))
    assert parsed.rows.received_time.tolist() == [US - 1_270_000]  # 1.27 s before the event
    assert parsed.rows.event_time.tolist() == [US]


def test_cryptofeed_json_tells_venue_market_and_contracts() -> None:
    def line(**cells: object) -> str:
        return json.dumps(cells, separators=(",", ":"))

    recording = content(
        "\n".join(
            [
                line(t="header", format=2, exchange="OKX"),
                line(t="http", conn="a", ts=T, url="https://x/public/instruments?instType=SWAP", data=json.dumps(LIST)),
                line(t="connect", conn="OKX.ws.1", ts=T, addr="wss://ws.okx.com:8443/ws/v5/public"),
                line(t="recv", conn="OKX.ws.1", ts=T + 0.25, data=json.dumps(OKX)),
                line(t="recv", conn="OKX.ws.1", data=json.dumps(OKX)),
                "{cut",
                "",
            ]
        )
    )
    assert is_cryptofeed_json(recording)
    (parsed,) = read_cryptofeed_json(recording, Hints())
    assert (str(parsed.instrument), parsed.contract_value) == ("okx:XMR/USDT:USDT", 0.2)
    assert parsed.rows.received_time.tolist() == [US + 250_000]
    assert read_cryptofeed_json(content(""), Hints()) == []


@pytest.mark.parametrize(
    ("exchange", "address", "instrument"),
    [
        ("BINANCE_FUTURES", "wss://fstream.binance.com/stream", "binance:BTC/USDT:USDT"),
        ("BINANCE", "wss://stream.binance.com:9443/stream", "binance:BTC/USDT"),
    ],
)
def test_an_address_tells_the_market(exchange: str, address: str, instrument: str) -> None:
    lines = [
        {"t": "header", "format": 2, "exchange": exchange},
        {"t": "connect", "conn": "1", "ts": T, "addr": address},
        {"t": "recv", "conn": "1", "ts": T, "data": json.dumps({"stream": "x", "data": TRADE})},
    ]
    (parsed,) = read_cryptofeed_json(content("\n".join(map(json.dumps, lines))), Hints())
    assert str(parsed.instrument) == instrument


def test_cryptofeed_lines_take_contracts_from_the_file_beside() -> None:
    address = "wss://ws.okex.com:8443/ws/v5/public"
    recording = content(f"{address} <-> {T}.3157\n{address} <- {T}.5: {{}}\n{T}.75: {json.dumps(OKX)}\nrubbish\n")
    assert is_cryptofeed_lines(recording)
    beside = f"https://www.okex.com/api/v5/public/instruments?instType=SWAP -> {T}.4: {json.dumps(LIST)}\n"
    assert is_cryptofeed_answers(content(beside))
    (parsed,) = read_cryptofeed_lines(recording, Hints(beside=beside.encode()))
    assert parsed.contract_value == 0.2
    assert parsed.rows.received_time.tolist() == [US + 750_000]
    (without,) = read_cryptofeed_lines(recording, Hints())
    assert without.contract_value != without.contract_value


def test_messages_without_an_envelope() -> None:
    one, two = content(json.dumps(TRADE, indent=1)), content(f"{json.dumps(TRADE)}\n{json.dumps(TRADE)}\n\n")
    assert is_message(one)
    assert is_messages(two)
    for capture, count in ((one, 1), (two, 2)):
        (parsed,) = read_messages(capture, Hints(received_time=US + 5))
        assert parsed.rows.received_time.tolist() == [US + 5] * count


def test_sizes_of_contracts() -> None:
    answers = [json.dumps(LIST).encode(), b"{cut", b"[]", b'{"data": 5}']
    assert contract_sizes(answers) == {"XMR/USDT:USDT": 0.2}


@pytest.mark.parametrize(
    "is_it",
    [is_hftbacktest, is_cryptofeed_lines, is_cryptofeed_answers, is_cryptofeed_json, is_message, is_messages],
)
@pytest.mark.parametrize("text", ["", "1,2,3", "{}", "[]", "{}\n{}", '{"e":"depthUpdate"}', "17231 {}"])
def test_what_is_no_recording(is_it: Callable[[Content], bool], text: str) -> None:
    assert not is_it(content(text))


def test_a_recording_without_trades_gives_nothing() -> None:
    readers: list[Callable[[Content, Hints], list[Parsed]]] = [
        captures.read_hftbacktest, captures.read_cryptofeed_lines, captures.read_cryptofeed_json, read_messages,
    ]  # fmt: skip
    assert [read(content('{"topic":"orderbook"}'), Hints()) for read in readers] == [[], [], [], []]
