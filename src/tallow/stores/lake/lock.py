"""One writer at a time: a lock between processes that the kernel frees when its holder dies."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tallow.domain.errors import TransientError
from tallow.ports import Clock
from tallow.stores.lake.faults import writing

_PAUSE = 0.05  # seconds between two attempts
_GUARDED = 1 << 30  # locks on Windows bar reading: the guarded byte lies far behind the holder's name


class WriterLock:
    """Hold a file for this process; taking it again inside is free.

    Args:
        path: the lock file; it stays when the lock is free.
        clock: measures the wait.
        patience: seconds to wait for another holder before BUSY.
    """

    def __init__(self, path: Path, clock: Clock, patience: float) -> None:
        self._path = path
        self._clock = clock
        self._patience = patience
        self._threads = threading.RLock()
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """Whether this process has the lock."""
        return self._file is not None

    @contextmanager
    def hold(self) -> Iterator[bool]:
        """Give whether the lock was taken now (False: this thread has it already).

        Raises:
            TransientError: BUSY when somebody else has it.
        """
        if not self._wait(lambda: self._threads.acquire(blocking=False)):
            raise self._busy()
        outermost = self._file is None
        try:
            if outermost:
                self._open()
            yield outermost
        finally:
            if outermost and self._file is not None:
                os.close(self._file)
                self._file = None
            self._threads.release()

    def _open(self) -> None:
        with writing(str(self._path.parent)):
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        if not self._wait(lambda: _take(file)):
            os.close(file)
            raise self._busy()
        self._file = file
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, str(os.getpid()).encode())

    def _wait(self, attempt: Callable[[], bool]) -> bool:
        deadline = self._clock.monotonic() + self._patience
        while not attempt():
            if self._clock.monotonic() >= deadline:
                return False
            self._clock.sleep(_PAUSE)
        return True

    def _busy(self) -> TransientError:
        holder = ""
        with suppress(OSError):
            holder = self._path.read_text().strip()
        return TransientError(
            "BUSY",
            f"another process is writing to the lake {self._path.parent}",
            facts={"held by": f"process {holder}" if holder else "unknown", "waited": f"{self._patience:g} s"},
            exit="busy",
        )


def _take(file: int) -> bool:
    if sys.platform == "win32":  # pragma: no cover
        import msvcrt

        os.lseek(file, _GUARDED, os.SEEK_SET)
        with suppress(OSError):
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            return True
        return False
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
