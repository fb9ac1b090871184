"""The documentation says what the code does."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tallow.cli import VERBS
from tallow.cli.explanations import PAGES
from tallow.settings import load

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def raised_codes() -> set[str]:
    """Every literal that is the first argument of one of our errors."""
    kinds = {"Error", "UserError", "DataError", "TransientError", "TerminalError"}
    found = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds and node.args:
                first = node.args[0]
                options = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
                found |= {str(option.value) for option in options if isinstance(option, ast.Constant)}
    return found


def test_every_error_has_its_page() -> None:
    assert raised_codes() - set(PAGES) == set()


def test_every_page_is_of_an_error_that_exists() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    assert [code for code in PAGES if code not in text] == []


def test_generated_pages_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_setting_is_in_the_docs() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert [item.name for item in load(environment={})[1] if f"`{item.name}`" not in text] == []


def test_every_verb_is_in_the_docs_and_the_readme() -> None:
    commands, readme = (path.read_text(encoding="utf-8") for path in (DOCS / "commands.md", ROOT / "README.md"))
    assert [name for name in VERBS if f"## tallow {name}" not in commands] == []
    assert [name for name in VERBS if f"tallow {name}" not in readme] == []


def links() -> list[tuple[Path, str]]:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")]
    pattern = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
    return [(page, link) for page in pages for link in pattern.findall(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "link"), links(), ids=lambda value: getattr(value, "name", value))
def test_every_link_inside_leads_somewhere(page: Path, link: str) -> None:
    assert (page.parent / link).exists(), f"{page}: {link}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 250
