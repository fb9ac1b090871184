"""Failures of disk and log come out in the user's words, mistakes of ours as they are."""

import polars as pl
import pytest

from tallow.domain.errors import Error, UserError
from tallow.stores.lake.faults import reading, writing


@pytest.mark.parametrize(
    ("guard", "error", "code", "exit_code"),
    [
        (writing, OSError(28, "No space left on device"), "DISK_FULL", 1),
        (writing, pl.exceptions.ComputeError("write: Disk quota exceeded (os error 122)"), "DISK_FULL", 1),
        (writing, PermissionError(13, "Permission denied"), "CANNOT_WRITE", 1),
        (writing, OSError(30, "Read-only file system"), "CANNOT_WRITE", 1),
        (writing, NotADirectoryError(20, "Not a directory"), "CANNOT_WRITE", 1),
        (reading, PermissionError(13, "Permission denied"), "CANNOT_READ", 1),
        (reading, FileNotFoundError(2, "No such file"), "LAKE_DAMAGED", 70),
        (reading, pl.exceptions.ComputeError("parquet: File out of specification"), "LAKE_DAMAGED", 70),
    ],
)
def test_what_storage_says_becomes_a_code_with_the_place(guard, error, code, exit_code):
    with pytest.raises(Error) as caught, guard("/lake/silver"):
        raise error
    assert (caught.value.code, caught.value.exit_code) == (code, exit_code)
    assert "/lake/silver" in caught.value.message
    assert caught.value.facts["reason"]
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("guard", [reading, writing])
@pytest.mark.parametrize("error", [KeyError("x"), UserError("OTHER", "said before")])
def test_other_errors_pass_unchanged(guard, error):
    with pytest.raises(type(error)) as caught, guard("/lake"):
        raise error
    assert caught.value is error
