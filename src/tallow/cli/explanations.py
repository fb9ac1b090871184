"""The pages of `tallow explain`, read from the file that is also docs/errors.md."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

SOURCE = Path(__file__).with_name("explanations.md")


def read_pages(text: str) -> dict[str, str]:
    """Split Markdown at its second-level headings: code -> page."""
    parts = re.split(r"^## ([A-Z_]+)\n", text, flags=re.MULTILINE)
    return {code: body.strip() for code, body in zip(parts[1::2], parts[2::2], strict=True)}


PAGES: Mapping[str, str] = MappingProxyType(read_pages(SOURCE.read_text(encoding="utf-8")))
