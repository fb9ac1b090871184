import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate, Finding, Incident, Rung
from tallow.domain.results import Result, Run
from tallow.flows.report import definitions, render

ORDER = [name for name, _, _ in definitions.SECTIONS]
HOSTILE = "</script></style><img src=x onerror=alert(1)>\"'&\u202e"
LADDER = (
    Rung("model", "close (optimistic)", 4.0, "filled at the close"), Rung("model", "next open", 3.1, "filled next"),
    Rung("costs", "0x", 18.2), Rung("costs", "1x", 3.1), Rung("costs", "2x", -9.8), Rung("costs", "5x", -41.0),
)  # fmt: skip
NEVER_OPEN = {"meta", "link", "br", "col", "input", "td", "tr"}  # void, or closed by what follows


class Page(HTMLParser):
    """What a browser would see: elements with attributes, identifiers, links, the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in NEVER_OPEN:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in NEVER_OPEN or self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]].append(data)
        else:
            self.words.append(data)

    def values(self, attribute: str, tag: str | None = None) -> list[str]:
        found = (attrs.get(attribute) for name, attrs in self.elements if tag in (None, name))
        return [value for value in found if value is not None]


@pytest.fixture(scope="module")
def text(result: Result, bars: Bars) -> str:
    return render(replace(result, ladder=LADDER), bars)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_sections_come_in_the_order_of_the_reader(page: Page) -> None:
    assert page.values("id", "section") == ORDER
    assert [href for href in page.values("href", "a") if href[1:] in ORDER][1 : len(ORDER) + 1] == [
        f"#{n}" for n in ORDER
    ]


def test_elements_are_closed(page: Page) -> None:
    assert page.open == []


def test_a_year_of_hours_with_300_trades_is_at_most_500_kilobytes(text: str, result: Result) -> None:
    assert len(result.run.trades) > 300
    assert len(text.encode()) <= 500_000


def test_the_same_result_gives_the_same_bytes(result: Result, bars: Bars) -> None:
    assert render(result, bars) == render(replace(result), bars[:])


def test_nothing_is_fetched(page: Page) -> None:
    for tag, attrs in page.elements:
        for name, value in attrs.items():
            assert name not in ("src", "srcset", "data", "action", "ping"), tag
            assert not name.startswith("on"), (tag, name)
            assert name != "style", tag
            if name == "href":
                assert value is not None
                assert value.startswith(("#", "data:image/svg+xml,"))
    style = page.raw["style"][0]
    assert "url(" not in style
    assert "@import" not in style
    assert not re.search(
        r"fetch\(|XMLHttpRequest|WebSocket|import\(|sendBeacon|eval\(|innerHTML", page.raw["script"][1]
    )


def test_policy_allows_only_the_page_itself(page: Page) -> None:
    policy = next(attrs["content"] for tag, attrs in page.elements if attrs.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for kind, content in (("script", page.raw["script"][1]), ("style", page.raw["style"][0])):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_every_link_inside_the_page_arrives(page: Page) -> None:
    identifiers = page.values("id")
    assert len(identifiers) == len(set(identifiers))
    for href in page.values("href", "a"):
        assert href.removeprefix("#") in identifiers
    for href in page.values("href", "use"):
        assert href.removeprefix("#") in identifiers
    for name in page.values("aria-labelledby") + page.values("aria-describedby"):
        assert name in identifiers


def test_every_figure_of_the_strip_carries_its_definition(page: Page) -> None:
    for tag, attrs in page.elements:
        if tag == "span" and (attrs.get("class") or "").startswith("num") and "title" in attrs:
            assert (attrs["title"] or "").endswith(".")
    assert len([value for value in page.values("class", "span") if value.startswith("num")]) >= 25


def test_data_of_the_charts_is_json(page: Page, result: Result) -> None:
    packed = json.loads(page.raw["script"][0])
    assert packed["bars"]["count"] == len(result.run.time)
    assert packed["drawable"] is True
    assert packed["more"] == []


def test_charts_have_a_static_twin(page: Page) -> None:
    assert page.values("class", "canvas") == []
    assert [tag for tag, _ in page.elements].count("canvas") == 2
    assert page.values("class", "div").count("plot") == 4


def test_light_and_dark_are_offered(page: Page) -> None:
    assert "prefers-color-scheme:dark" in page.raw["style"][0]
    assert page.values("value", "option") == ["green-red", "red-green", "blue-orange"]
    assert "theme" in page.values("id", "button")


@pytest.mark.parametrize("palette", ["green-red", "red-green", "blue-orange"])
def test_palette_is_selected(result: Result, bars: Bars, palette: str) -> None:
    found = Page(render(result, bars, palette=palette))
    assert [attrs["value"] for tag, attrs in found.elements if tag == "option" and "selected" in attrs] == [palette]


def test_unknown_palette_is_refused(result: Result, bars: Bars) -> None:
    with pytest.raises(UserError) as caught:
        render(result, bars, palette="rainbow")
    assert caught.value.code == "UNKNOWN_PALETTE"


def test_other_bars_are_refused(result: Result, bars: Bars) -> None:
    with pytest.raises(UserError) as caught:
        render(result, bars[1:])
    assert caught.value.code == "BARS_MISMATCH"
    assert caught.value.hint == "tallow results replay 4f4f4f4f4f4f"


@pytest.fixture(scope="module")
def hostile(result: Result) -> Result:
    """A result in which everything that a user can name is an attack."""
    finding = Finding(1, 2, 3, HOSTILE, 1.0, None, HOSTILE, 4, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    return replace(
        result,
        scene=replace(result.scene, strategy=HOSTILE, parameters={HOSTILE: HOSTILE}),
        strategy_source=HOSTILE,
        strategy_hash=HOSTILE,
        engine_version=HOSTILE,
        key=HOSTILE,
        digest=HOSTILE,
        table_versions={HOSTILE: 1},
        origin=HOSTILE,
        bars_origin=HOSTILE,
        certificate=Certificate("leaky", HOSTILE, strategy_hash=HOSTILE, data=HOSTILE, findings=(finding,)),
        incidents=(Incident(HOSTILE, 0, 1, 1),),
        notes=(HOSTILE,),
        metrics={**result.metrics, HOSTILE: 1.0},
    )


def test_hostile_names_stay_text(hostile: Result, bars: Bars, page: Page) -> None:
    text = render(replace(hostile, ladder=(Rung("model", HOSTILE, 1.0, HOSTILE), Rung("costs", HOSTILE, 1.0))), bars)
    found = Page(text)
    assert "<img" not in text
    assert "\u202e" not in text
    assert [tag for tag, _ in found.elements].count("script") == 2
    assert [tag for tag, _ in found.elements].count("style") == 1
    assert found.raw["script"][1] == page.raw["script"][1]
    assert all(not name.startswith("on") for _, attrs in found.elements for name in attrs)
    assert "".join(found.words).count("onerror=alert(1)") > 10


@pytest.mark.parametrize("count", [0, 1, 2, 25, 800])
def test_any_number_of_bars(few_bars: Callable[..., Bars], result_of: Callable[..., Result], count: int) -> None:
    bars = few_bars(count)
    found = Page(render(result_of(bars), bars))
    assert found.values("id", "section") == ORDER
    assert found.open == []
    assert not re.search(r"\b(nan|inf|None)\b", " ".join(found.words).replace("None: ", ""))


def test_no_trade_no_movement(bars: Bars, result_of: Callable[..., Result], run_of: Callable[..., Run]) -> None:
    idle = run_of(bars[:0])
    still = np.zeros(len(bars))
    run = replace(idle, time=bars.time, equity=still + 10_000.0, position=still, target=still)
    words = " ".join(Page(render(result_of(bars, run), bars)).words)
    assert "Never traded in 8,760 bars." in words
    assert "No trade: the strategy held no position" in words


def test_undefined_equity_and_metrics(bars: Bars, result: Result) -> None:
    nothing = np.full(len(bars), np.nan)
    run = replace(result.run, equity=nothing)
    blank = replace(bars, open=nothing, high=nothing, low=nothing, close=nothing, volume=nothing)
    found = Page(render(replace(result, run=run, metrics=dict.fromkeys(result.metrics)), blank))
    assert found.values("id", "section") == ORDER
    assert not re.search(r"\b(nan|inf)\b", " ".join(found.words))


def test_an_account_that_was_lost(bars: Bars, result: Result) -> None:
    equity = result.run.equity.copy()
    equity[5_000:] = 0.0
    reason = result.run.trades.reason.copy()
    reason[200] = 4
    run = replace(result.run, equity=equity, trades=replace(result.run.trades, reason=reason))
    words = " ".join(Page(render(replace(result, run=run), bars)).words)
    assert "Liquidated: " in words
    assert "−100.0" in words


def test_more_trades_than_the_page_can_carry_are_kept_for_the_script(
    few_bars: Callable[..., Bars], result_of: Callable[..., Result], run_of: Callable[..., Run]
) -> None:
    bars = few_bars(4_000)
    result = result_of(bars, run_of(bars, every=5, held=2))
    found = Page(render(result, bars))
    more = json.loads(found.raw["script"][0])["more"]
    assert len(result.run.trades) == 800
    assert len(more) == 300
    assert more[-1][0] == "800"
