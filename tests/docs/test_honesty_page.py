"""The page of scores names every line, caveat and function, and its blocks run as one program."""

import re
from pathlib import Path

import numpy as np
import pytest

from tallow.core import honesty
from tallow.core.honesty.words import MEANINGS
from tallow.flows.portfolio import trust

PAGE = (Path(__file__).parents[2] / "docs" / "honesty.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SOURCE = Path(honesty.__file__).with_name("score.py").read_text(encoding="utf-8") + Path(trust.__file__).read_text(
    encoding="utf-8"
)


def first_cells() -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))


@pytest.mark.parametrize("name", MEANINGS)
def test_every_line_is_defined(name: str) -> None:
    assert name in first_cells()


def test_every_caveat_is_explained_and_exists() -> None:
    raised = set(re.findall(r'Caveat\(\s*"([A-Z_]+)"', SOURCE))
    assert raised
    assert raised == {name for name in first_cells() if name.isupper()}


def test_every_function_is_named() -> None:
    functions = [name for name in honesty.__all__ if name.islower()]
    assert [name for name in functions if f"`{name}" not in PAGE and f"{name}(" not in PAGE] == []


def test_the_blocks_run_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    space: dict[str, object] = {"__name__": "page"}
    for number, block in enumerate(BLOCKS):
        exec(compile(block, f"honesty.md block {number}", "exec"), space)
    printed = capsys.readouterr().out
    assert "no edge shown" in printed
    assert "0.9004" in printed
    assert isinstance(space["daily"], np.ndarray)
