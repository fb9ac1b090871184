import pytest

from tallow.domain.errors import DataError
from tallow.venues.files.parse.content import Content
from tallow.venues.files.parse.tables import read_table


def rows(text: bytes) -> tuple[list[str], list[tuple[object, ...]]]:
    frame = read_table(Content("x.csv", text))
    return frame.columns, frame.rows()


@pytest.mark.parametrize(
    ("text", "names", "cells"),
    [
        (b"A,b,c\n1,2,3\n", ["a", "b", "c"], [("1", "2", "3")]),
        (b"A,b,c\r\n1,2,3\r\n4,5,6", ["a", "b", "c"], [("1", "2", "3"), ("4", "5", "6")]),
        (b"1,2,3\n4,5,6", ["0", "1", "2"], [("1", "2", "3"), ("4", "5", "6")]),
        (b"1,2,3\n4,5\n6,7,8,9", ["0", "1", "2"], [("1", "2", "3"), ("4", "5", None), ("6", "7", "8")]),
        (b"banner,https://x.y\na,b,c\n1,2,3", ["a", "b", "c"], [("1", "2", "3")]),
        (b"a,b,A\n1,2,3", ["a", "b", "a 2"], [("1", "2", "3")]),
        (b"a,b,c\n1,\xff,3", ["a", "b", "c"], [("1", "�", "3")]),
        (b"007,1e5,0.10", ["0", "1", "2"], [("007", "1e5", "0.10")]),
    ],
)
def test_every_cell_stays_text_and_no_row_is_lost(text: bytes, names: list[str], cells: list[object]) -> None:
    assert rows(text) == (names, cells)


def test_nothing_is_no_table() -> None:
    with pytest.raises(DataError) as error:
        rows(b"")
    assert error.value.code == "BAD_PAGE"
