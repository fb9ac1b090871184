"""Heads of JSON and columns of eight-byte numbers through a pipe: nothing in a message is executed."""

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tallow.domain.columns import COLUMNS, Bars, Floats, Times
from tallow.domain.sent import MESSAGE, Sent

_HEAD = struct.Struct("<IQ")  # bytes of the JSON head, bytes of the numbers
Numbers = Sequence[NDArray[np.generic]]


def pack(head: dict[str, Any], columns: Numbers = ()) -> bytes:
    """Write a message; the lengths of the columns go into the head as ``lengths``."""
    text = json.dumps({**head, "lengths": [len(column) for column in columns]}).encode()
    body = b"".join(np.ascontiguousarray(column).tobytes() for column in columns)
    return _HEAD.pack(len(text), len(body)) + text + body


def unpack(read: Callable[[int], bytes]) -> tuple[dict[str, Any], list[Floats]]:
    """Read a message; `read` gives exactly as many bytes as asked, fewer only at the end.

    Raises:
        EOFError: the other side ended.
    """
    first = read(_HEAD.size)
    if len(first) < _HEAD.size:
        raise EOFError
    text_size, body_size = _HEAD.unpack(first)
    text, body = read(text_size), read(body_size)
    if len(text) + len(body) < text_size + body_size:
        raise EOFError
    head: dict[str, Any] = json.loads(text)
    numbers = np.frombuffer(body, np.float64)
    ends = np.cumsum(head["lengths"]).tolist()
    return head, [numbers[end - size : end] for end, size in zip(ends, head["lengths"], strict=True)]


def bars_columns(bars: Bars) -> Numbers:
    """Give the columns of bars for a message; times travel by their bits."""
    return [getattr(bars, name) for name in COLUMNS]


def bars_from(columns: Sequence[Floats]) -> Bars:
    """Rebuild bars from the columns of a message."""
    return Bars(as_times(columns[0]), *(column.copy() for column in columns[1:]))


def decisions_columns(decisions: "Floats | Sent") -> Numbers:
    """Give the columns of decisions for a message: one of targets, or three of what was sent."""
    if not isinstance(decisions, Sent):
        return [decisions]
    size = np.array([decisions.count, decisions.earlier], np.int64)
    return [np.asarray(decisions.row, np.int64), decisions.message.ravel(), size]


def decisions_from(columns: Sequence[Floats]) -> "Floats | Sent":
    """Rebuild decisions from the columns of a message."""
    if len(columns) == 1:
        return columns[0]
    row, numbers, size = columns
    count, earlier = as_times(size).tolist()
    return Sent(as_times(row), numbers.reshape(-1, len(MESSAGE)).copy(), count, earlier)


def as_times(column: Floats) -> Times:
    """Read the bits of a column as whole numbers again."""
    return column.view(np.int64).copy()
