"""What goes back over the wire."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Response:
    """Bytes to send; `promised` is the length the header states; None for no answer at all."""

    status: int
    content: bytes
    headers: tuple[tuple[str, str], ...] = ()
    promised: int | None = -1
    delay: float = 0.0
