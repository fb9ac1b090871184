import gzip
import io
import sys
import zipfile
import zlib

import pytest
import zstandard

from tallow.domain.errors import DataError, UserError
from tallow.venues.files import archives
from tallow.venues.files.archives import open_all

TEXT = b"1704067200000,1,2,0.5,1.5,10\n" * 200


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("folder")
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    "packed", [TEXT, gzip.compress(TEXT), zstandard.compress(TEXT)], ids=["plain", "gzip", "zstandard"]
)
def test_one_text_comes_out_and_the_bytes_as_they_were_are_kept(packed: bytes) -> None:
    (opened,) = open_all("file", packed)
    assert (opened.content.name, opened.content.data, opened.kept) == ("file", TEXT, packed)


def test_frames_after_each_other_are_one_text() -> None:
    (opened,) = open_all("file", zstandard.compress(TEXT) + zstandard.compress(b"end"))
    assert opened.content.data == TEXT + b"end"


def test_members_of_a_zip_come_by_name_each_with_its_own_bytes() -> None:
    opened = list(open_all("a.zip", zipped(two=b"2", one=b"1")))
    assert [(o.content.name, o.content.data, o.kept) for o in opened] == [
        ("a.zip!one", b"1", b"1"),
        ("a.zip!two", b"2", b"2"),
    ]
    assert list(open_all("empty.zip", zipped()))[:1] == []


def test_a_damaged_member_does_not_keep_the_others_back() -> None:
    packed = bytearray(zipped(one=b"first " * 50, three=b"third", two=TEXT))
    place = packed.find(zlib.compress(TEXT, wbits=-15)[:20])
    packed[place + 5] ^= 0xFF
    members = open_all("a.zip", bytes(packed))
    assert [next(members).content.name, next(members).content.name] == ["a.zip!one", "a.zip!three"]
    with pytest.raises(DataError, match="two is damaged") as error:
        next(members)
    assert error.value.code == "CORRUPT_ARCHIVE"


def test_a_wrong_checksum_is_damage() -> None:
    packed = bytearray(zipped(one=b"not compressible at all: 8f3a"))
    entry = packed.rfind(b"PK\x01\x02")
    for place in (14, entry + 16):  # the sum stands in the local header and in the directory
        packed[place] ^= 0xFF
    with pytest.raises(DataError) as error:
        list(open_all("a.zip", bytes(packed)))
    assert error.value.code == "CORRUPT_ARCHIVE"


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(TEXT)[:-9],
        gzip.compress(TEXT)[:20],
        b"\x1f\x8bnothing of the sort",
        b"PK\x03\x04" + bytes(40),
        zipped(one=TEXT)[:-30],
        zstandard.compress(TEXT)[:-5],
        zstandard.compress(TEXT)[:9] + b"\xff" * 40,
    ],
    ids=[
        "gzip without end",
        "gzip cut",
        "gzip in name only",
        "zip of nothing",
        "zip without directory",
        "zstandard cut",
        "zstandard",
    ],
)
def test_damage_is_told(packed: bytes) -> None:
    with pytest.raises(DataError) as error:
        list(open_all("file", packed))
    assert error.value.code == "CORRUPT_ARCHIVE"
    assert error.value.facts["because"]


def test_a_locked_member_is_told() -> None:
    packed = bytearray(zipped(one=TEXT))
    for magic, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.rfind(magic) + flag] |= 1
    with pytest.raises(DataError, match="damaged"):
        list(open_all("a.zip", bytes(packed)))


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, lambda data: zipped(one=data)])
def test_what_unpacks_without_end_is_refused(pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_SMALL", 1 << 16)
    with pytest.raises(DataError) as error:
        list(open_all("bomb", pack(bytes(1 << 20))))
    assert error.value.code == "ARCHIVE_TOO_LARGE"


def test_zstandard_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(UserError) as error:
        list(open_all("capture.jsonl.zst", zstandard.compress(TEXT)))
    assert error.value.code == "MISSING_EXTRA"
    assert error.value.hint == "pip install tallow[archive]"
