from collections.abc import Callable, Iterator
from pathlib import Path

from tallow.domain.errors import DataError
from tallow.flows.ingest.folder import Folder, Skipped
from tallow.ports import Page


def test_a_file_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path, candle_page: Callable[..., Page]) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path in paths:
        path.write_bytes(b"1234")

    def read(path: Path) -> Iterator[Page]:
        yield candle_page([1], source=path.name)
        if path.name == "b":
            raise DataError("CORRUPT_ARCHIVE", "b is damaged")

    told: list[tuple[str, float, float]] = []
    folder = Folder(paths, read, lambda *seen: told.append(seen))
    assert [page.payload.source for page in folder] == ["a.json", "b.json", "c.json"]
    assert folder.skipped == [Skipped(str(tmp_path / "b"), "CORRUPT_ARCHIVE", "b is damaged")]
    assert folder.error is not None
    assert [done for _, done, _ in told] == [0, 4, 8, 12]
    assert told[-1][1] == told[-1][2]
