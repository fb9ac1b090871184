"""Ask Binance over HTTP: patience with its limits and with a bad line, never more than it allows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, NoReturn, TypeVar

import httpx2

from tallow.domain.errors import DataError, Error, TransientError
from tallow.domain.ranges import iso
from tallow.domain.timeframes import SECOND
from tallow.ports import Clock
from tallow.venues.binance.budget import Budget
from tallow.venues.binance.parse import excerpt, read_refusal

T = TypeVar("T")

_TURNS = 4  # answers in all for each failure allowed
_OFFLINE_AFTER = 3  # failures, when nothing was ever reached
_OFFLINE = ("tallow demo", "tallow ingest files PATH")
_GOLDEN = 0.618_033_988_749_895  # steps of the golden section spread the jitter evenly without a random source


@dataclass(frozen=True)
class Request:
    """One GET: where, what it weighs, and how many bytes are believable."""

    url: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    budget: Budget | None = None
    weight: int = 0
    most_bytes: int = 64 * 2**20


@dataclass(frozen=True)
class Reply(Generic[T]):
    """An answer that was understood: its bytes, and what was read from them."""

    content: bytes
    source: str
    received_time: int
    value: T


class Refusal(Exception):
    """Carry the venue's own error code and words for a request that it understood and turned down."""

    def __init__(self, status: int, code: int, words: str, source: str) -> None:
        super().__init__(words)
        self.status, self.code, self.words, self.source = status, code, words, source

    def to_error(self) -> DataError:
        """Give the error of a refusal nobody expected."""
        return DataError(
            "VENUE_REFUSED",
            f"binance refused the request: {self.words}",
            facts={"asked": self.source, "received": f"HTTP {self.status}, code {self.code}"},
        )


class Unconfirmed(DataError):
    """An odd answer seen too rarely to be believed: it is asked for again at once, and is no failure."""


class _Retry(Exception):
    """An attempt that may be repeated: the error it becomes in the end, and seconds to wait if the venue said so."""

    def __init__(self, error: Error, wait: float | None = None) -> None:
        super().__init__(error.message)
        self.error, self.wait = error, wait


class Wire:
    """Send requests one after another until each is answered, within bounds.

    Args:
        clock: all waiting goes through its `sleep`.
        timeout: seconds for connecting, and between two pieces of an answer.
        transport: replaces the network in tests.
        attempts: how often one request may fail.
        longest_wait: seconds; the venue asking for more ends the call.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        timeout: float = 10.0,
        transport: httpx2.BaseTransport | None = None,
        attempts: int = 8,
        longest_wait: float = 180.0,
    ) -> None:
        self._clock = clock
        self._client = httpx2.Client(timeout=timeout, transport=transport, headers={"User-Agent": "tallow"})
        self._attempts = attempts
        self._longest_wait = longest_wait
        self._reached = False
        self._failures = 0

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def fetch(self, request: Request, read: Callable[[bytes], T]) -> Reply[T]:
        """Get an answer that `read` accepts; a DataError from it means: ask again.

        Raises:
            TransientError: NO_NETWORK, VENUE_UNAVAILABLE, RATE_LIMITED, VENUE_BANNED, VENUE_BLOCKED.
            DataError: what `read` raised last.
            Refusal: the venue turned the request down.
        """
        failures = bans = 0
        for turn in range(_TURNS * self._attempts):
            self._take_turn(request)
            try:
                return self._attempt(request, read)
            except _Retry as retry:
                failures += not isinstance(retry.error, Unconfirmed)
                bans += retry.error.code == "VENUE_BANNED"
                hopeless = retry.error.code == "NO_NETWORK" and not self._reached and failures >= _OFFLINE_AFTER
                exhausted = failures == self._attempts or turn + 1 == _TURNS * self._attempts
                if hopeless or exhausted or bans == 2:
                    raise retry.error from retry.__cause__
                self._wait(retry, failures)
        raise AssertionError("the last turn either answers or raises")  # pragma: no cover

    def _take_turn(self, request: Request) -> None:
        budget = request.budget
        if budget is None:
            return
        if budget.pause() > self._longest_wait:
            raise _limited(True, self._clock.now() + round(budget.pause() * SECOND), {"asked": request.url})
        budget.spend(request.weight)

    def _attempt(self, request: Request, read: Callable[[bytes], T]) -> Reply[T]:
        source = request.url
        try:
            with self._client.stream("GET", request.url, params=dict(request.params)) as response:
                source = str(response.request.url)
                content = _body(response, request.most_bytes, source)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise _Retry(_no_network(source, error)) from error
        except httpx2.HTTPError as error:
            self._reached = True
            raise _Retry(_unavailable(source, str(error) or type(error).__name__)) from error
        self._reached = True
        self._observe(request, response)
        if response.status_code != 200:
            self._refused(request, response, content, source)
        try:
            value = read(content)
        except DataError as error:
            error.facts.setdefault("asked", source)
            raise _Retry(error) from error
        return Reply(content, source, self._clock.now(), value)

    def _observe(self, request: Request, response: httpx2.Response) -> None:
        used = response.headers.get("x-mbx-used-weight-1m", "")
        if request.budget is not None and used.isdigit():
            request.budget.observe(int(used))

    def _refused(self, request: Request, response: httpx2.Response, content: bytes, source: str) -> NoReturn:
        status = response.status_code
        if status in (418, 429):
            self._limited(request, response, source)
        if status in (403, 451):
            raise TransientError(
                "VENUE_BLOCKED",
                f"binance does not answer from here: HTTP {status}",
                facts={"asked": source, "received": excerpt(content)},
                commands=_OFFLINE,
            )
        if status >= 500 or status == 408:
            raise _Retry(_unavailable(source, f"HTTP {status} {excerpt(content)}"))
        raise Refusal(status, *read_refusal(content), source)

    def _limited(self, request: Request, response: httpx2.Response, source: str) -> NoReturn:
        budget = request.budget
        stated = response.headers.get("retry-after", "")
        wait = float(stated) if stated.isdigit() else (budget.until_next_minute() if budget else 60.0)
        received = f"HTTP {response.status_code}, Retry-After {stated or 'not stated'}"
        until = self._clock.now() + round(wait * SECOND)
        error = _limited(response.status_code == 418, until, {"asked": source, "received": received})
        if budget is not None:
            budget.block(wait)
        if wait > self._longest_wait:
            raise error
        raise _Retry(error, wait)

    def _wait(self, retry: _Retry, failures: int) -> None:
        if isinstance(retry.error, Unconfirmed):
            return
        seconds = retry.wait
        if seconds is None:
            self._failures += 1
            jitter = self._failures * _GOLDEN % 1.0
            seconds = min(30.0, 0.25 * 2**failures) * (0.5 + 0.5 * jitter)
        self._clock.sleep(seconds)


def _body(response: httpx2.Response, most_bytes: int, source: str) -> bytes:
    parts, size = [], 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > most_bytes:
            raise _Retry(
                DataError(
                    "BAD_PAGE",
                    "the answer is larger than any honest one",
                    facts={"asked": source, "received": f"more than {most_bytes} bytes"},
                )
            )
    return b"".join(parts)


def _limited(banned: bool, until: int, facts: Mapping[str, str]) -> TransientError:
    return TransientError(
        "VENUE_BANNED" if banned else "RATE_LIMITED",
        f"binance {'bans this address' if banned else 'asks for patience'} until {iso(until)}",
        facts=facts,
    )


def _no_network(source: str, error: Exception) -> TransientError:
    return TransientError(
        "NO_NETWORK",
        f"binance cannot be reached: {error}",
        facts={"asked": source, "works without a network": "files, and the simulated market of the demo"},
        commands=_OFFLINE,
    )


def _unavailable(source: str, why: str) -> TransientError:
    return TransientError(
        "VENUE_UNAVAILABLE",
        f"binance does not answer properly: {why}",
        facts={"asked": source, "note": "what has arrived is kept; the same call goes on from there"},
    )
