"""What goes back over the wire: an answer, or what a fault makes of it."""

from dataclasses import dataclass
from typing import Any

from tallow.venues.simulated import answers
from tallow.venues.simulated.endpoints import Answer
from tallow.venues.simulated.faults import Faults

_HTML = b"<!DOCTYPE html><html><body>Service temporarily unavailable</body></html>"


@dataclass(frozen=True)
class Response:
    """Bytes to send; `promised` is the length the header states; None for no answer at all."""

    status: int
    content: bytes
    headers: tuple[tuple[str, str], ...] = ()
    promised: int | None = -1
    delay: float = 0.0


def page(answer: Answer, fault: str, previous: Answer | None, plan: Faults) -> Response:
    """Give the response to a REST request under a fault; `previous` is the honest page before it."""
    whole = Response(answer.status, answers.body(answer.content))
    if not fault or answer.status != 200:
        return whole
    if isinstance(answer.content, list) and answer.content:
        before = previous.content if previous and isinstance(previous.content, list) else answer.content
        rows = _damaged_rows(answer.content, fault, before)
        if rows is not None:
            return Response(200, answers.body(rows))
    return _damaged_body(whole, fault, plan)


def archive(content: bytes, fault: str, plan: Faults) -> Response:
    """Give the response to a request for an archive under a fault."""
    if fault == "garbled":
        middle = len(content) // 2
        return Response(200, content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    return _damaged_body(Response(200, content), fault, plan)


def _damaged_body(whole: Response, fault: str, plan: Faults) -> Response:
    later, half = (("Retry-After", str(plan.retry_after)),), whole.content[: len(whole.content) // 2]
    words = {"code": -1003, "msg": "Way too many requests."}
    damaged = {
        "limited": Response(429, answers.body(words), later),
        "banned": Response(418, answers.body(words), later),
        "failed": Response(500, answers.body({"code": -1000, "msg": "An unknown error occurred."})),
        "refused": Response(503, _HTML),
        "html": Response(200, _HTML),
        "truncated": Response(200, half),
        "cut": Response(200, half, promised=len(whole.content)),
        "reset": Response(200, b"", promised=None),
        "slow": Response(whole.status, whole.content, delay=plan.delay),
    }
    return damaged.get(fault, whole)


def _damaged_rows(rows: list[Any], fault: str, before: list[Any]) -> list[Any] | None:
    """Give changed rows; None when the fault is not about rows."""
    middle = len(rows) // 2
    changed = {
        "repeated": lambda: before,
        "unordered": lambda: rows[::-1] if len(rows) > 1 else rows * 2,
        "doubled": lambda: [rows[0], *rows],
        "outside": lambda: [_earlier(rows[0]), *rows],
        "shortened": lambda: rows[:middle],
        "holed": lambda: rows[:middle] + rows[middle + 1 :],
        "garbled": lambda: [*rows[:middle], _garbled(rows[middle]), *rows[middle + 1 :]],
    }
    return changed[fault]() if fault in changed else None


def _earlier(row: Any) -> Any:
    """Move a row 400 days, and its id as far, into the past."""
    places = [name for name in ("T", "a", "fundingTime") if name in row] if isinstance(row, dict) else [0, 6]
    return _changed(row, {place: row[place] - 400 * 86_400_000 for place in places})


def _garbled(row: Any) -> Any:
    if isinstance(row, dict):
        return row | {"p" if "p" in row else "fundingRate": "NaN"}
    return _changed(row, {4: "NaN"})


def _changed(row: Any, changes: dict[Any, Any]) -> Any:
    if isinstance(row, dict):
        return row | changes
    return [changes.get(place, cell) for place, cell in enumerate(row)]
