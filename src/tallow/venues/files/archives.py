"""Open zip, gzip and zstandard bytes, with a limit on what comes out of them."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from importlib import import_module
from typing import BinaryIO, NamedTuple

from tallow.domain.errors import DataError, UserError
from tallow.venues.files.parse.content import Content

_SMALL = 64 << 20  # a file may always grow to this
_MOST_GROWTH = 200  # market data in text shrinks by 4 to 30 times
_LARGEST = 4 << 30
_CHUNK = 1 << 10
_ZIP, _GZIP, _ZSTD = b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class Opened(NamedTuple):
    """Content to parse, and the bytes to keep of it: those of a zip's member, else those of the file."""

    content: Content
    kept: bytes


def open_all(name: str, data: bytes) -> Iterator[Opened]:
    """Give what is inside a file: each member of a zip by name, the text of a gzip or zstandard file, or itself.

    A damaged member of a zip does not keep the others back; the error comes after them.

    Raises:
        DataError: CORRUPT_ARCHIVE, or ARCHIVE_TOO_LARGE when far more would come out than market data shrinks by.
        UserError: MISSING_EXTRA when zstandard is needed and not installed.
    """
    if data.startswith((_ZIP, b"PK\x05\x06")):
        yield from _open_zip(name, data)
    elif data.startswith(_GZIP):
        yield Opened(Content(name, _bounded(name, gzip.GzipFile(fileobj=io.BytesIO(data)), len(data))), data)
    elif data.startswith(_ZSTD):
        yield Opened(Content(name, _bounded(name, _zstandard(name, data), len(data))), data)
    else:
        yield Opened(Content(name, data), data)


def _open_zip(name: str, data: bytes) -> Iterator[Opened]:
    failures = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in sorted(archive.infolist(), key=lambda item: item.filename):
                if member.is_dir():
                    continue
                try:
                    inner = _member(f"{name}!{member.filename}", archive, member)
                except DataError as error:
                    failures.append(error)
                    continue
                yield Opened(inner, inner.data)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _corrupt(name, error) from None
    if failures:
        raise failures[0]


def _member(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Content:
    try:
        with archive.open(member) as stream:
            return Content(name, _bounded(name, stream, member.compress_size))  # type: ignore[arg-type]
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # RuntimeError: it wants a password
        raise _corrupt(name, error) from None


def _bounded(name: str, stream: BinaryIO | gzip.GzipFile, packed: int) -> bytes:
    limit = min(_LARGEST, max(_SMALL, packed * _MOST_GROWTH))
    try:
        data = stream.read(limit + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise _corrupt(name, error) from None
    if len(data) > limit:
        raise DataError(
            "ARCHIVE_TOO_LARGE",
            f"{name} unpacks to more than {limit >> 20} MiB",
            facts={"packed": f"{packed} bytes", "note": "market data shrinks by 4 to 30 times, not by 200"},
        )
    return data


def _zstandard(name: str, data: bytes) -> BinaryIO:
    try:
        module = import_module("zstandard")
    except ImportError:
        raise UserError(
            "MISSING_EXTRA",
            f"{name} is packed by zstandard, which is not installed",
            commands=["pip install tallow[archive]"],
        ) from None
    return _Zstandard(module, data)  # type: ignore[return-value]


class _Zstandard:
    """Read zstandard frames; damage and a missing end become OSError, as with the other formats."""

    def __init__(self, module: object, data: bytes) -> None:
        self._error: type[Exception] = module.ZstdError  # type: ignore[attr-defined]
        self._packer = module.ZstdDecompressor()  # type: ignore[attr-defined]
        self._data = data

    def read(self, size: int) -> bytes:
        """Read about `size` bytes, or all: a little packed data at a time, as each byte may stand for many."""
        parts, total, place = [], 0, 0
        while place < len(self._data) and total < size:
            frame = self._packer.decompressobj()
            while place < len(self._data) and not frame.eof and total < size:
                try:
                    parts.append(frame.decompress(self._data[place : place + _CHUNK]))
                except self._error as error:
                    raise OSError(str(error)) from None
                place += _CHUNK
                total += len(parts[-1])
            if not frame.eof and total < size:
                raise EOFError("the stream ends too early")
            place = min(place, len(self._data)) - len(frame.unused_data)
        return b"".join(parts)


def _corrupt(name: str, error: Exception) -> DataError:
    return DataError(
        "CORRUPT_ARCHIVE",
        f"{name} is damaged",
        facts={"because": str(error) or type(error).__name__, "note": "the other files are not affected"},
    )
