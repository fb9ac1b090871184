"""Say in the user's words what the disk or the log has done."""

from collections.abc import Iterator
from contextlib import contextmanager

from tallow.domain.errors import Error, TerminalError, TransientError, UserError

_FULL = ("no space left", "os error 28", "errno 28", "disk quota", "os error 122")
_DENIED = ("permission denied", "os error 13", "errno 13", "read-only file system", "os error 30", "errno 30")


@contextmanager
def writing(place: str) -> Iterator[None]:
    """Turn failures of a write into DISK_FULL, CANNOT_WRITE or LAKE_DAMAGED; what was committed before stays.

    Raises:
        TransientError: DISK_FULL.
        UserError: CANNOT_WRITE.
        TerminalError: LAKE_DAMAGED.
    """
    try:
        yield
    except Error:
        raise
    except Exception as error:
        if not _of_storage(error):
            raise
        text = str(error).lower()
        facts = {"reason": _first_line(error), "kept": "everything committed before; this batch was not added"}
        if any(sign in text for sign in _FULL):
            raise TransientError("DISK_FULL", f"the disk of {place} is full", facts=facts) from error
        if any(sign in text for sign in _DENIED):
            raise UserError("CANNOT_WRITE", f"{place} cannot be written", facts=facts, exit="failed") from error
        raise damaged(place, error) from error


@contextmanager
def reading(place: str) -> Iterator[None]:
    """Turn failures of a read into LAKE_DAMAGED.

    Raises:
        TerminalError: LAKE_DAMAGED.
    """
    try:
        yield
    except Error:
        raise
    except Exception as error:
        if not _of_storage(error):
            raise
        raise damaged(place, error) from error


def damaged(place: str, error: Exception) -> TerminalError:
    """Report a table whose log or files cannot be read."""
    return TerminalError(
        "LAKE_DAMAGED",
        f"{place} cannot be read",
        facts={"reason": _first_line(error), "note": "bronze and later tables can be made again from raw.payloads"},
    )


def _of_storage(error: Exception) -> bool:
    # Both engines have errors of their own beside OSError; anything else is our mistake and keeps its trace.
    return isinstance(error, OSError) or type(error).__module__.split(".")[0] in ("_internal", "deltalake", "polars")


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
