"""A folder is a lake, can become one, or is refused."""

import json

import pytest

from tallow.domain.errors import UserError
from tallow.stores.lake import marker


def test_an_absent_or_empty_folder_can_become_a_lake(tmp_path):
    assert not marker.check(tmp_path / "none")
    assert not marker.check(tmp_path)
    marker.place(tmp_path)
    assert marker.check(tmp_path)
    assert json.loads((tmp_path / "lake.json").read_text())["format"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["lake.json"]


def test_placing_again_leaves_the_marker(tmp_path):
    marker.place(tmp_path)
    (tmp_path / "lake.json").write_text('{"format": 1, "note": "mine"}')
    marker.place(tmp_path)
    assert "mine" in (tmp_path / "lake.json").read_text()


def test_a_lake_whose_making_was_killed_can_be_made(tmp_path):
    (tmp_path / "lake.lock").write_text("1")
    (tmp_path / "lake.json.new").write_text("{")
    assert not marker.check(tmp_path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{not json", "cannot be read"),
        ("[1]", "format None"),
        ('{"kind": "x"}', "cannot be read"),
        ('{"format": 2}', "format 2"),
    ],
)
def test_another_marker_is_refused(tmp_path, content, found):
    (tmp_path / "lake.json").write_text(content)
    with pytest.raises(UserError) as caught:
        marker.check(tmp_path)
    assert caught.value.code == "NOT_A_LAKE"
    assert found in caught.value.facts["found"]


def test_a_foreign_folder_is_refused_with_what_was_found(tmp_path):
    for number in range(10):
        (tmp_path / f"photo{number}.jpg").touch()
    with pytest.raises(UserError) as caught:
        marker.check(tmp_path)
    assert caught.value.facts["found"].startswith("photo0.jpg, photo1.jpg")
    assert caught.value.facts["found"].endswith("...")


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="not a lake"):
        marker.check(tmp_path / "file")
