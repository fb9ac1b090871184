"""HTML by construction: whatever is not already markup is escaped."""

import html
import json
import re

# Controls and bidirectional overrides: they could hide or reorder what a name or a source line says.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
_VOID = frozenset({"br", "col", "input", "link", "meta"})


class Markup(str):
    """Text that is HTML already and is taken as it is."""

    __slots__ = ()


Content = str | Markup | None


def escape(text: object) -> Markup:
    """Make any value safe in element content and in quoted attributes; unseen characters become U+FFFD.

    Example:
        >>> escape("<b> & co")
        '&lt;b&gt; &amp; co'
    """
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(_UNSEEN.sub("\ufffd", str(text)), quote=True))


def join(*parts: Content) -> Markup:
    """Put parts one after the other, escaping those that are plain text; None is nothing."""
    return Markup("".join(escape(part) for part in parts if part is not None))


def tag(name: str, /, *content: Content, **attributes: object) -> Markup:
    """Build one element.

    A trailing underscore in an attribute's name is dropped and other underscores become dashes; True is an attribute
    without value, None and False leave it out.

    Example:
        >>> tag("a", "1 < 2", href="#x", class_="ok")
        '<a href="#x" class="ok">1 &lt; 2</a>'
    """
    opening = name
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        spelled = key.rstrip("_").replace("_", "-")
        opening += f" {spelled}" if value is True else f' {spelled}="{escape(value)}"'
    if name in _VOID:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{join(*content)}</{name}>")


def script_json(value: object) -> Markup:
    """Write JSON that can stand inside a script element whatever its strings hold.

    Raises:
        ValueError: for NaN and infinity, which JSON has no word for.
    """
    # Escaped inside the strings: no value can end the element or begin another.
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&'":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
