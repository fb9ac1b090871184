"""Say in the user's words what the disk or the log has done."""

from collections.abc import Iterator
from contextlib import contextmanager

from tallow.domain.errors import Error, TerminalError, TransientError, UserError

_FULL = ("no space left", "os error 28", "errno 28", "disk quota", "os error 122")
_DENIED = ("permission denied", "os error 13", "errno 13")


@contextmanager
def writing(place: str) -> Iterator[None]:
    """Turn failures of a write into DISK_FULL or CANNOT_WRITE; what was committed before stays.

    Raises:
        TransientError: DISK_FULL.
        UserError: CANNOT_WRITE.
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
        raise UserError("CANNOT_WRITE", f"{place} cannot be written", facts=facts, exit="failed") from error


@contextmanager
def reading(place: str) -> Iterator[None]:
    """Turn failures of a read into CANNOT_READ or LAKE_DAMAGED.

    Raises:
        UserError: CANNOT_READ when the system denies it.
        TerminalError: LAKE_DAMAGED.
    """
    try:
        yield
    except Error:
        raise
    except Exception as error:
        if not _of_storage(error):
            raise
        if any(sign in str(error).lower() for sign in _DENIED):
            facts = {"reason": _first_line(error)}
            raise UserError("CANNOT_READ", f"{place} may not be read", facts=facts, exit="failed") from error
        raise _damaged(place, error) from error


def _damaged(place: str, error: Exception) -> TerminalError:
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
