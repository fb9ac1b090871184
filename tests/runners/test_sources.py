import sys
from pathlib import Path

import pytest

from tallow.domain.errors import UserError
from tallow.runners.sources import imported, imported_packages, parted, read_source, write_beside


def test_every_import_is_a_new_module_that_leaves_nothing(write):
    source = read_source(Path(write("seen = []\n")))
    before = set(sys.modules)
    with imported(source) as first:
        first.seen.append(1)
        assert sys.modules[source.module_name] is first
    with imported(source) as second:
        assert second.seen == []
    assert second is not first
    assert set(sys.modules) == before


def test_a_module_that_raises_leaves_nothing(write):
    source = read_source(Path(write("1 / 0\n")))
    with pytest.raises(ZeroDivisionError), imported(source):
        pass
    assert source.module_name not in sys.modules


def test_neighbours_are_found_imported_anew_and_part_of_the_text(write, tmp_path):
    write("from neighbour_of_neighbour import LEVEL\nseen = []\n", "neighbour.py")
    write("LEVEL = 7\n", "neighbour_of_neighbour.py")
    source = read_source(Path(write("import numpy\nimport neighbour\nfrom neighbour import seen, LEVEL\n")))
    assert source.neighbours == ("neighbour", "neighbour_of_neighbour")
    assert "LEVEL = 7" in source.text
    assert "LEVEL = 7" not in source.main
    path = list(sys.path)
    for _ in range(2):
        with imported(source) as module:
            assert (module.seen, module.LEVEL) == ([], 7)
            module.seen.append(1)
    assert "neighbour" not in sys.modules
    assert sys.path == path
    assert imported_packages(source) == ("numpy",)


def test_a_package_beside_the_file_is_a_neighbour(write, tmp_path):
    (tmp_path / "beside").mkdir()
    write("LEVEL = 3\n", "beside/__init__.py")
    with imported(read_source(Path(write("from beside import LEVEL\n")))) as module:
        assert module.LEVEL == 3


def test_every_file_of_a_package_is_part_of_the_text_and_can_be_written_anew(write, tmp_path):
    for folder in ("beside/deep", "other", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    write("", "beside/__init__.py")
    write("from other.far import FAR\nfrom .deep.level import LEVEL\n", "beside/rule.py")
    write("LEVEL = 3\n", "beside/deep/level.py")  # no __init__: a namespace
    write("FAR = 4\n", "other/far.py")
    path = Path(write("from beside.rule import LEVEL, FAR\n"))
    source = read_source(path)
    assert source.neighbours == ("beside", "other")
    main, parts = parted(source.text)
    assert list(parts) == ["beside/__init__", "beside/deep/level", "beside/rule", "other/far"]
    write("LEVEL = 5\n", "beside/deep/level.py")
    assert read_source(path).text != source.text
    write_beside(tmp_path / "elsewhere", parts)
    with imported(read_source(Path(write(main, "elsewhere/mine.py")))) as module:
        assert (module.LEVEL, module.FAR) == (3, 4)


def test_nothing_is_written_outside_the_folder(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(UserError, match="BAD_STRATEGY"):
        write_beside(inside, {"../out": "x = 1\n"})
    assert [one.name for one in tmp_path.iterdir()] == ["inside"]


def test_a_broken_neighbour_is_left_to_the_import(write):
    write("def (:\n", "broken.py")
    source = read_source(Path(write("import broken\n")))
    with pytest.raises(SyntaxError), imported(source):
        pass


def test_the_module_name_is_the_same_for_the_same_file_and_text(write, tmp_path):
    path = Path(write("x = 1\n"))
    name = read_source(path).module_name
    assert read_source(path).module_name == name
    assert read_source(Path(write("x = 2\n"))).module_name != name
    assert read_source(Path(write("x = 1\n", "other.py"))).module_name != name


def test_a_syntax_error_names_its_line(write):
    path = write("x = 1\ndef signals(bars:\n    pass\n")
    with pytest.raises(UserError, match=r"mine\.py:2 is not valid Python") as raised:
        read_source(Path(path))
    assert raised.value.code == "BAD_STRATEGY"
    assert raised.value.facts["received"] == "def signals(bars:"


def test_a_file_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "binary.py"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="is not UTF-8 text"):
        read_source(path)


def test_null_bytes_are_no_python(tmp_path):
    path = tmp_path / "null.py"
    path.write_bytes(b"x = 1\x00")
    with pytest.raises(UserError, match="is not valid Python"):
        read_source(path)


def test_a_missing_file_names_the_nearest(write, tmp_path):
    write("", "momentum.py")
    with pytest.raises(UserError) as raised:
        read_source(tmp_path / "momentun.py")
    assert raised.value.code == "STRATEGY_NOT_FOUND"
    assert "momentum.py" in raised.value.facts["nearest"]


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(UserError) as raised:
        read_source(tmp_path / "nowhere" / "mine.py")
    assert "no Python file" in raised.value.facts["nearest"]


def test_the_clock_is_moved_only_where_it_is_read(write):
    assert list(read_source(Path(write("x = 1\n"))).with_clock_moved()) == []
    moved, *_ = read_source(Path(write("import time\nnow = time.time()\n"))).with_clock_moved()
    with imported(moved) as module:
        import time

        assert module.now > time.time() + 1e6
