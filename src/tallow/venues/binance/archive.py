"""Fetch the bulk archives of data.binance.vision: zip files, each with a published sha256."""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tallow.domain.columns import Times
from tallow.domain.errors import DataError
from tallow.domain.market import Instrument
from tallow.domain.ranges import TimeRange
from tallow.domain.timeframes import DAY, Timeframe
from tallow.ports import Clock, Page, Payload, Rejected
from tallow.venues.binance.markets import Api, venue_symbol
from tallow.venues.binance.parse import excerpt
from tallow.venues.binance.vision import read_vision_aggtrades, read_vision_klines
from tallow.venues.binance.wire import Refusal, Request, Wire

T = TypeVar("T")

_MOST_PACKED = 2 * 2**30  # bytes
_MOST_UNPACKED = 6 * 2**30
_FETCHES = 2
_TAIL = 65_557  # the end-of-archive record lies within these last bytes


class Archives:
    """The archives of one interface; every method gives one whole day or month, or None when no file exists."""

    def __init__(self, wire: Wire, api: Api, url: str, clock: Clock) -> None:
        self._wire, self._api, self._url, self._clock = wire, api, url.rstrip("/"), clock

    def candles(
        self, instrument: Instrument, timeframe: Timeframe, span: TimeRange, contract_size: float = 0.0
    ) -> Page | None:
        """Fetch the candles of `span`, which is one UTC day or one calendar month.

        Raises:
            DataError: BAD_CHECKSUM or BAD_ARCHIVE.
        """
        interval = "1mo" if str(timeframe) == "1M" else str(timeframe)
        symbol = venue_symbol(instrument)
        raw = self._fetch(f"klines/{symbol}/{interval}/{symbol}-{interval}", span, "binance-vision-klines")
        if raw is None:
            return None
        klines = read_vision_klines(unpack(raw.content, raw.source), contract_size)
        inside, rejected = _inside(klines.bars.time, klines.rejected, span)
        bars, close_time = klines.bars[inside], klines.close_time[inside]
        return Page(raw, "candles", instrument, bars, timeframe, close_time, rejected)

    def trades(self, instrument: Instrument, span: TimeRange, contract_size: float = 0.0) -> Page | None:
        """Fetch the aggregated trades of `span`, which is one UTC day.

        Raises:
            DataError: BAD_CHECKSUM or BAD_ARCHIVE.
        """
        symbol = venue_symbol(instrument)
        raw = self._fetch(f"aggTrades/{symbol}/{symbol}-aggTrades", span, "binance-vision-aggtrades")
        if raw is None:
            return None
        found = read_vision_aggtrades(unpack(raw.content, raw.source), raw.received_time, contract_size)
        inside, rejected = _inside(found.ticks.event_time, found.rejected, span)
        return Page(raw, "trades", instrument, found.ticks[inside], rejected=rejected)

    def _fetch(self, path: str, span: TimeRange, form: str) -> Payload | None:
        daily = span.end - span.start == DAY
        day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=span.start)).date()
        stamp = day.isoformat() if daily else day.isoformat()[:7]
        period = "daily" if daily else "monthly"
        url = f"{self._url}/data/{self._api.archive}/{period}/{path}-{stamp}.zip"
        for attempt in range(_FETCHES):
            stated = self._get(f"{url}.CHECKSUM", _digest)
            # A file without a stated checksum counts as not published: REST has the same rows.
            archive = stated and self._get(url, _whole)
            if not stated or not archive:
                return None
            digest = hashlib.sha256(archive).hexdigest()
            if stated == digest:
                return Payload(archive, url, form, self._clock.now())
            if attempt + 1 == _FETCHES:
                raise DataError(
                    "BAD_CHECKSUM",
                    "an archive is not what its checksum says, twice",
                    facts={"asked": url, "received": digest, "stated": stated},
                )
        raise AssertionError("unreachable")  # pragma: no cover

    def _get(self, url: str, read: Callable[[bytes], T]) -> T | None:
        try:
            return self._wire.fetch(Request(url, most_bytes=_MOST_PACKED), read).value
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise refusal.to_error() from refusal


def _digest(content: bytes) -> str:
    """Read a `.CHECKSUM` file: the digest, two spaces, the name."""
    match = re.match(rb"\s*([0-9a-fA-F]{64})\s", content)
    if match is None:
        raise DataError("BAD_PAGE", "the answer is no checksum", facts={"received": excerpt(content)})
    return match[1].decode().lower()


def _whole(content: bytes) -> bytes:
    """Refuse what cannot be a complete zip file: an error page, or a body that stops early."""
    if not content.startswith(b"PK") or b"PK\x05\x06" not in content[-_TAIL:]:
        raise DataError("BAD_PAGE", "the answer is no complete zip file", facts={"received": excerpt(content)})
    return content


def unpack(content: bytes, source: str) -> bytes:
    """Give the one table inside a zip file.

    Raises:
        DataError: BAD_ARCHIVE when it cannot be opened, is damaged, or holds anything else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) != 1 or members[0].file_size > _MOST_UNPACKED:
                raise _bad_archive(source, f"{len(members)} members of {sum(m.file_size for m in members)} bytes")
            return archive.read(members[0])
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _bad_archive(source, str(error)) from error


def _bad_archive(source: str, why: str) -> DataError:
    return DataError("BAD_ARCHIVE", "an archive cannot be read", facts={"asked": source, "received": why})


def _inside(
    times: Times, rejected: tuple[Rejected, ...], span: TimeRange
) -> tuple[NDArray[np.bool_], tuple[Rejected, ...]]:
    """Set rows outside `span` aside, each with its place in the table."""
    inside = (times >= span.start) & (times < span.end)
    if inside.all():
        return inside, rejected
    places = np.delete(np.arange(len(times) + len(rejected)), [item.row for item in rejected])
    outside = [Rejected(int(places[i]), "OUTSIDE_WINDOW", str(int(times[i]))) for i in np.flatnonzero(~inside)]
    return inside, tuple(sorted((*rejected, *outside), key=lambda item: item.row))
