"""Recorded streams: the envelopes of hftbacktest and cryptofeed around a venue's own messages."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from tallow.venues.files.parse.content import Content, Hints, Parsed
from tallow.venues.files.parse.messages import Tape, read_message
from tallow.venues.files.parse.names import read_symbol, venue_word

_STAMPED = re.compile(r"\d{16,19} \{")
_CRYPTOFEED_LINES = re.compile(r"wss?://\S+ <-|\d{9,10}\.\d+: ")
_CRYPTOFEED_ANSWERS = re.compile(r"https?://\S+ -> \d{9,10}\.\d+: ")
_ANSWER = re.compile(rb"https?://\S+ -> \d{9,10}\.\d+: (.*)")
_RECEIVED = re.compile(rb"(\d{9,10}\.\d+): (.*)")
_ADDRESS = re.compile(rb"(wss?://\S+) <")
_MARKETS = (
    ("fstream", "linear"), ("dstream", "inverse"), ("/linear", "linear"), ("/inverse", "inverse"), ("/spot", "spot"),
    ("stream.binance", "spot"),
)  # fmt: skip


class Recorded(NamedTuple):
    """One message: when it was received (any unit), its text, and the address it came from."""

    received: int
    text: bytes
    address: str = ""


def is_hftbacktest(content: Content) -> bool:
    """Whether lines are a local time and a JSON message."""
    return bool(content.lines) and bool(_STAMPED.match(content.lines[0]))


def is_cryptofeed_lines(content: Content) -> bool:
    """Whether lines are those of a cryptofeed recording of format 1."""
    return bool(content.lines) and bool(_CRYPTOFEED_LINES.match(content.lines[0]))


def is_cryptofeed_answers(content: Content) -> bool:
    """Whether lines are REST answers that cryptofeed recorded."""
    return bool(content.lines) and bool(_CRYPTOFEED_ANSWERS.match(content.lines[0]))


def is_cryptofeed_json(content: Content) -> bool:
    """Whether lines are those of a cryptofeed recording of format 2."""
    return bool(content.lines) and content.lines[0].startswith('{"t":"header"') and '"format":2' in content.lines[0]


def is_message(content: Content) -> bool:
    """Whether the JSON is one stream message of trades or candles."""
    return bool(list(read_message(content.json, 0, "x", "")))


def is_messages(content: Content) -> bool:
    """Whether each line is a stream message of trades or candles."""
    if content.first != "{" or len(content.lines) < 2 or content.json is not None:
        return False
    return bool(list(read_message(_decode(content.lines[0].encode()), 0, "x", "")))


def read_hftbacktest(content: Content, hints: Hints) -> list[Parsed]:
    """Read lines of local time and message; the local clock may run behind the venue's."""
    return _read(_stamped(content.data), hints)


def read_cryptofeed_lines(content: Content, hints: Hints) -> list[Parsed]:
    """Read a recording of format 1; contract sizes come from the REST answers recorded beside it."""
    return _read(_lines(content.data), hints, contract_sizes(_ANSWER.findall(hints.beside)))


def read_cryptofeed_json(content: Content, hints: Hints) -> list[Parsed]:
    """Read a recording of format 2: messages, addresses and REST answers are lines of one file."""
    lines = [_decode(line) for line in content.data.split(b"\n")]
    whole = [line for line in lines if isinstance(line, dict)]
    answers = [str(line.get("data")).encode() for line in whole if "public/instruments" in str(line.get("url"))]
    addresses = {str(line.get("conn")): str(line.get("addr")) for line in whole if line.get("t") == "connect"}
    venue = venue_word(str(whole[0].get("exchange", "")).partition("_")[0]) if whole else ""
    messages = (
        Recorded(round(float(line["ts"]) * 1e6), str(line.get("data")).encode(), addresses.get(str(line["conn"]), ""))
        for line in whole
        if line.get("t") == "recv" and "ts" in line and "conn" in line
    )
    return _read(messages, hints, contract_sizes(answers), venue)


def read_messages(content: Content, hints: Hints) -> list[Parsed]:
    """Read messages without an envelope, one or one a line."""
    lines = [content.data] if content.json is not None else content.data.split(b"\n")
    return _read((Recorded(hints.received_time, line) for line in lines), hints)


def contract_sizes(answers: list[bytes]) -> Mapping[str, float]:
    """Read what one contract is worth from OKX's lists of instruments, by unified symbol."""
    sizes = {}
    for answer in answers:
        body = _decode(answer)
        rows = body.get("data") if isinstance(body, dict) else None
        for row in rows if isinstance(rows, list) else []:
            instrument = read_symbol(str(row.get("instId")), "okx") if isinstance(row, dict) else None
            if instrument is not None and row.get("ctVal"):
                sizes[instrument.symbol] = float(row["ctVal"]) * float(row.get("ctMult") or 1)
    return sizes


def _read(
    messages: Iterator[Recorded], hints: Hints, contracts: Mapping[str, float] | None = None, venue: str = ""
) -> list[Parsed]:
    tape = Tape(contracts or {})
    for message in messages:
        if not _is_of_use(message.text):
            continue
        market = next((market for sign, market in _MARKETS if sign in message.address), hints.market)
        for row in read_message(_decode(message.text), message.received, venue or hints.venue, market):
            tape.add(row)
    return tape.parsed()


def _stamped(data: bytes) -> Iterator[Recorded]:
    for line in data.split(b"\n"):
        stamp, _, text = line.partition(b" ")
        if stamp.isdigit():
            yield Recorded(int(stamp), text)


def _lines(data: bytes) -> Iterator[Recorded]:
    address = ""
    for line in data.split(b"\n"):
        opened, received = _ADDRESS.match(line), _RECEIVED.match(line)
        if opened:
            address = opened[1].decode()
        elif received:
            yield Recorded(round(float(received[1]) * 1e6), received[2], address)


def _is_of_use(text: bytes) -> bool:
    # Most messages are about order books: they are told by a look, not decoded. "rade" is in Trade and trade.
    return b"rade" in text or b"kline" in text or b"candle" in text


def _decode(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
