"""Serve a simulated market on loopback as an exchange that speaks Binance's REST interface."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import cast
from urllib.parse import parse_qsl, urlsplit

from tallow.ports import Clock
from tallow.venues.simulated import answers, damage
from tallow.venues.simulated.damage import Response
from tallow.venues.simulated.endpoints import INTERFACES, Answer, Endpoints, Interface
from tallow.venues.simulated.faults import Faults
from tallow.venues.simulated.limits import Limiter
from tallow.venues.simulated.market import Market
from tallow.venues.simulated.vault import Vault


@dataclass(frozen=True)
class Served:
    """One request and what became of it; `fault` is empty when it was answered honestly."""

    path: str
    query: str
    status: int
    weight: int
    fault: str
    time: int


class SimulatedExchange:
    """Answer on 127.0.0.1 at a free port while the context lasts.

    Args:
        market: what it serves.
        faults: what it does wrong.
        clock: gives the exchange's present and makes its limits real; without one the present is the market's
            end and nothing is limited.
        window_from_end: whether a full window of trades shows its last trades rather than its first.

    Attributes:
        requests: every request, in the order of arrival.

    Example:
        >>> with SimulatedExchange(Market(symbols=["BTC/USDT"], days=1, trades_per_day=100)) as exchange:
        ...     exchange.url.startswith("http://127.0.0.1:")
        True
    """

    def __init__(
        self,
        market: Market,
        *,
        faults: Faults | None = None,
        clock: Clock | None = None,
        window_from_end: bool = False,
    ) -> None:
        self.market, self.requests = market, list[Served]()
        self._faults, self._clock = faults or Faults(), clock
        self._endpoints = Endpoints(market, self.now, window_from_end)
        self._vault = Vault(market, self._endpoints)
        self._limiters = {item.prefix: Limiter(item.weight_per_minute, clock) for item in INTERFACES}
        self._previous: dict[str, Answer] = {}
        self._in_a_row = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._server = _Server(self._respond, self._stopped.wait)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Address of every interface and of the archives."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def peak_weight(self) -> int:
        """Most weight any interface saw in a minute; 0 without a clock."""
        return max(limiter.peak for limiter in self._limiters.values())

    @property
    def violations(self) -> int:
        """Requests that came before a Retry-After had passed."""
        return sum(limiter.violations for limiter in self._limiters.values())

    def now(self) -> int:
        """Give the exchange's clock, microseconds."""
        return self.market.span.end if self._clock is None else self._clock.now()

    def count(self, part: str = "") -> int:
        """Count the requests whose path holds `part`."""
        return sum(part in served.path for served in self.requests)

    def __enter__(self) -> "SimulatedExchange":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _respond(self, target: str) -> Response:
        parts = urlsplit(target)
        # One request at a time: the plan of faults goes by their order.
        with self._lock:
            fault = self._faults.choose(len(self.requests), self._in_a_row)
            self._in_a_row = self._in_a_row + 1 if fault else 0
            response, weight = self._answer(parts.path, parts.query, fault)
            self.requests.append(Served(parts.path, parts.query, response.status, weight, fault, self.now()))
            return response

    def _answer(self, path: str, query: str, fault: str) -> tuple[Response, int]:
        for interface in INTERFACES:
            if path.startswith(interface.prefix + "/"):
                return self._rest(interface, path, query, fault)
        content = self._vault.answer(path, self.now())
        if content is None:
            return Response(404, b"<Error><Code>NoSuchKey</Code></Error>"), 0
        return damage.archive(content, fault, self._faults), 0

    def _rest(self, interface: Interface, path: str, query: str, fault: str) -> tuple[Response, int]:
        limiter, endpoint = self._limiters[interface.prefix], path.removeprefix(interface.prefix + "/")
        answer = self._endpoints.answer(interface, endpoint, dict(parse_qsl(query)))
        status, wait, used = limiter.admit(answer.weight)
        weight_header = ("X-MBX-USED-WEIGHT-1M", str(used))
        if status != 200:
            words = {"code": -1003, "msg": "Too many requests; current limit of request weight per 1 MINUTE."}
            headers = (weight_header, ("Retry-After", str(wait)))
            return Response(status, answers.body(words), headers), answer.weight
        if fault in ("limited", "banned"):
            limiter.block(self._faults.retry_after)
        key = f"{path}?{dict(parse_qsl(query)).get('symbol')}"
        response = damage.page(answer, fault, self._previous.get(key), self._faults)
        if answer.is_page:
            self._previous[key] = answer
        return Response(**(vars(response) | {"headers": (weight_header, *response.headers)})), answer.weight


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, respond: Callable[[str], Response], wait: Callable[[float], bool]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.respond, self.wait = respond, wait
        self._connections = set[socket.socket]()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Take a connection, and remember it: kept-alive ones would outlive the server."""
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: "socket.socket | tuple[bytes, socket.socket]") -> None:
        """End a connection."""
        self._connections.discard(cast(socket.socket, request))
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, and hang up on everybody."""
        super().server_close()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Answer one request."""
        response = self.server.respond(self.path)
        if response.delay:
            self.server.wait(response.delay)
        if response.promised is None:
            self._reset()
            return
        promised = len(response.content) if response.promised < 0 else response.promised
        lines = [f"HTTP/1.1 {response.status} .", f"Content-Length: {promised}", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        # One write: head and body in separate packets would wait for each other's acknowledgement.
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + response.content)
        self.close_connection = promised != len(response.content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the exchange keeps its own record."""

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
