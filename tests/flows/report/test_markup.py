import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.flows.report.markup import Markup, escape, join, script_json, tag


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("<b>", "&lt;b&gt;"),
        ("a & b", "a &amp; b"),
        ("\"quoted\" 'single'", "&quot;quoted&quot; &#x27;single&#x27;"),
        ("line\nnext\tcell\r\n", "line\nnext\tcell\r\n"),
        ("nul\x00bell\x07", "nul\ufffdbell\ufffd"),
        ("\u202eelppa", "\ufffdelppa"),
        ("half \ud800", "half \ufffd"),
        (12, "12"),
        (Markup("<b>"), "<b>"),
    ],
)
def test_escape_makes_text_safe(text: object, expected: str) -> None:
    assert escape(text) == expected


def test_join_escapes_only_plain_text_and_skips_none() -> None:
    assert join("<", Markup("<br>"), None, ">") == "&lt;<br>&gt;"


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (tag("p", "1 < 2"), "<p>1 &lt; 2</p>"),
        (tag("p", class_="note"), '<p class="note"></p>'),
        (tag("p", aria_label='say "hi"'), '<p aria-label="say &quot;hi&quot;"></p>'),
        (tag("button", "x", hidden=True, disabled=False, title=None), "<button hidden>x</button>"),
        (tag("meta", name="a", content="b"), '<meta name="a" content="b">'),
        (tag("use", x=0), '<use x="0"></use>'),
        (tag("ul", tag("li", "a"), None, tag("li", "b")), "<ul><li>a</li><li>b</li></ul>"),
    ],
)
def test_tag_builds_elements(built: Markup, expected: str) -> None:
    assert built == expected
    assert isinstance(built, Markup)


def test_script_json_cannot_end_its_script() -> None:
    value = {"name": "</script><script>alert('1')</script>", "line": "\u2028", "and": "<!-- & -->"}
    text = script_json(value)
    assert not re.search(r"[<>&']", text)
    assert "\u2028" not in text
    assert json.loads(text) == value


def test_script_json_refuses_what_json_cannot_say() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_json([float("nan")])


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_no_text_opens_an_element_or_an_attribute(text: str) -> None:
    built = tag("p", text, title=text)
    assert built.count("<") == 2
    assert built.count('"') == 2
    built.encode("utf-8")
    assert json.loads(script_json(text)) == text
