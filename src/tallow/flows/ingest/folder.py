"""Read many files as one stream of pages; what cannot be read is told and does not stop the others."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tallow.domain.errors import Error
from tallow.ports import Page, Progress, silent


@dataclass(frozen=True)
class Skipped:
    """A file that gave no pages, or not all: its path, and the error's code and first line."""

    path: str
    code: str
    message: str


class Folder:
    """Pages of several files, in order; `skipped` is complete once the pages have been read."""

    def __init__(
        self, paths: Iterable[Path], read: Callable[[Path], Iterator[Page]], progress: Progress = silent
    ) -> None:
        self._paths = list(paths)
        self._read = read
        self._progress = progress
        self.skipped: list[Skipped] = []
        self.error: Error | None = None

    def __iter__(self) -> Iterator[Page]:
        total = sum(path.stat().st_size for path in self._paths)
        done = 0
        for path in self._paths:
            self._progress("reading files", done, total)
            try:
                yield from self._read(path)
            except Error as error:
                self.error = self.error or error
                self.skipped.append(Skipped(str(path), error.code, error.message))
            done += path.stat().st_size
        self._progress("reading files", total, total)
