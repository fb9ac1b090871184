"""Tables of a report: a caption for those who cannot see it, numbers to the right, and a box that scrolls."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tallow.flows.report.markup import Content, Markup, escape, join, tag

PAGE_ROWS = 1_000  # rows of a paged table that a page carries at most: more would make it too large to share
STATIC_ROWS = 500  # rows of a paged table that stand in the page itself; the script holds the rest


@dataclass(frozen=True)
class Column:
    """A column: its heading, what it means, and whether its cells are text (left) or numbers (right)."""

    heading: str
    meaning: str = ""
    is_text: bool = False


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Content]],
    *,
    identifier: str | None = None,
    page: int | None = None,
) -> Markup:
    """Build a table; `page` rows at a time are shown when the script runs, all of them without it.

    Cells that hold text are marked by column, so that a row costs little more than its words.
    """
    heads = [
        tag("th", column.heading, scope="col", title=column.meaning or None, class_="text" if column.is_text else None)
        for column in columns
    ]
    body = "".join(
        "<tr>" + "".join(_cell(cell, column) for cell, column in zip(row, columns, strict=True)) for row in rows
    )
    element = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *heads)),
        tag("tbody", Markup(body)),
        id=identifier,
        data_page=page,
    )
    box = tag("div", element, class_="scroll", tabindex="0", role="region", aria_label=caption)
    return box if page is None else tag("div", box, _pager(), class_="paged")


def _cell(content: Content, column: Column) -> str:
    return f"<td{' class=text' if column.is_text else ''}>{escape(content) if content is not None else ''}"


def _pager() -> Markup:
    back = tag("button", "Previous", type="button", data_turn="-1")
    forth = tag("button", "Next", type="button", data_turn="1")
    return tag("p", back, tag("span", class_="status", aria_live="polite"), forth, class_="pager", hidden=True)


def pairs(rows: Iterable[tuple[Content, Content]], class_: str = "facts") -> Markup:
    """List names with their values."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", amount)) for name, amount in rows), class_=class_)


def empty(sentence: str) -> Markup:
    """Say that there is nothing, and why."""
    return tag("p", sentence, class_="empty")


def section(identifier: str, title: str, explanation: str, *content: Content) -> Markup:
    """Frame a part of the report under its heading."""
    heading = tag("h2", title, id=f"{identifier}-title")
    head = tag("header", heading, tag("p", explanation, class_="why"))
    return tag("section", head, join(*content), id=identifier, aria_labelledby=f"{identifier}-title")
