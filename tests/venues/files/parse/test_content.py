import io

import polars as pl
import pytest

from tallow.domain.errors import DataError
from tallow.venues.files.parse.content import Content, text_at


def content(text: str) -> Content:
    return Content("x", text.encode())


@pytest.mark.parametrize(
    ("text", "header", "banner", "cells"),
    [
        ("A,b, C\n1,2,3", ("a", "b", "c"), 0, ()),
        ('"A","b","C"\n1,2,3', ("a", "b", "c"), 0, ()),
        ("Created on x,https://y.z\n\na,b,c\n1,2,3", ("a", "b", "c"), 1, ()),
        ("1,2,3\n4,5,6", (), 0, ("1", "2", "3")),
        ("1704067200,a,b,c", (), 0, ("1704067200", "a", "b", "c")),
        ("", (), 0, ()),
        ("\n \n1,2", (), 0, ("1", "2")),
    ],
)
def test_header_banner_and_cells(text: str, header: tuple[str, ...], banner: int, cells: tuple[str, ...]) -> None:
    seen = content(text)
    assert (seen.header, seen.banner_lines, seen.cells) == (header, banner, cells)


def test_json_is_decoded_only_where_it_is_some() -> None:
    assert content(" [1, 2]").json == [1, 2]
    assert content('{"a": 1}\n{"b": 2}').json is None
    assert content("[" * 100_000).json is None
    assert content("1,2,3").json is None
    assert content("[Infinity]").json == [float("inf")]
    assert content("[NaN").json is None


def test_tables_are_told_by_their_first_bytes() -> None:
    frame = pl.DataFrame({"Date": [1], "Open": [2.0]})
    for write in (frame.write_ipc, frame.write_parquet):
        stream = io.BytesIO()
        write(stream)
        seen = Content("x", stream.getvalue())
        assert seen.header == ("date", "open")
        assert (seen.lines, seen.first, seen.json) == ([], "", None)
        assert seen.frame is not None
        assert seen.frame.shape == (1, 2)
        with pytest.raises(DataError) as error:
            _ = Content("x", stream.getvalue()[:-20]).frame
        assert error.value.code == "BAD_PAGE"


def test_text_at_a_path_of_keys() -> None:
    value = {"a": {"b": 1, "c": None}}
    assert [text_at(value, *path) for path in (("a", "b"), ("a", "c"), ("a", "x"), ("a", "b", "c"))] == [
        "1",
        "",
        "",
        "",
    ]
