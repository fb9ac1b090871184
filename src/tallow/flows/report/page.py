"""The page: one self-contained HTML file that asks nothing of any server."""

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources

from tallow.domain.columns import Bars
from tallow.domain.results import Result
from tallow.flows.report import (
    definitions,
    figures,
    honesty,
    orders,
    palette,
    performance,
    proof,
    stage,
    trading,
    verdict,
)
from tallow.flows.report.columns import payload
from tallow.flows.report.markup import Content, Markup, join, script_json, tag
from tallow.flows.report.tables import PAGE_ROWS, STATIC_ROWS, section

SCRIPTS = ("scales.js", "charts.js", "page.js")
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M4 3v10M12 2v9' "
    "stroke='%23777'/%3E%3Cpath d='M2 5h4v6H2z' fill='%230b7a43'/%3E"
    "%3Cpath d='M10 4h4v5h-4z' fill='%23bf1f37'/%3E%3C/svg%3E"
)
_SHAPES = Markup(
    '<svg width="0" height="0" aria-hidden="true" class="shapes"><defs>'
    '<path id="buy" d="M0,0L4.5,8H-4.5Z"/><path id="sell" d="M0,0L4.5,-8H-4.5Z"/></defs></svg>'
)


def resource(name: str) -> str:
    """Read a static file of this package."""
    return resources.files("tallow.flows.report").joinpath(name).read_text("utf-8")


def document(result: Result, bars: Bars, colours: str) -> str:
    """Write the whole page; the same arguments give the same bytes."""
    scene = result.scene
    rows = trading.trade_rows(result, bars)
    # The data element is never executed, so the policy needs no hash of it.
    packed = payload(result, bars) | {"more": rows[STATIC_ROWS:PAGE_ROWS]}
    body = (
        _SHAPES,
        _top(result, colours),
        _contents(),
        tag("main", *_sections(result, bars, rows), class_="wrap"),
        _footer(result),
        tag("script", script_json(packed), id="data", type="application/json"),
    )
    script = "\n".join(resource(name) for name in SCRIPTS)
    return shell(f"{scene.strategy} on {scene.instrument} {scene.timeframe}", body, script, colours)


def shell(title: str, body: Sequence[Content], script: str, colours: str, style: str = "") -> str:
    """Write a page around its body: head, colours, style sheet and script, none of it from elsewhere.

    Args:
        title: of the window.
        body: what the page shows; the first section is called ``verdict``.
        script: what the page may run, and nothing else.
        colours: the palette that is selected.
        style: rules beyond those of every page.
    """
    style = "\n".join([palette.stylesheet(colours), resource("page.css"), *([style] if style else [])])
    # The hashes cover exactly what stands in the file: nothing injected later would run.
    policy = (
        f"default-src 'none'; script-src 'sha256-{_hash(script)}'; style-src 'sha256-{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{title} – tallow"),
        tag("link", rel="icon", href=Markup(_ICON.replace("'", "%27"))),
        tag("style", Markup(style)),
    )
    skip = tag("a", "Skip to the report", href="#verdict", class_="skip")
    framed = tag("body", skip, *body, tag("script", Markup(script)))
    return f'<!doctype html>\n<html lang="en">{head}{framed}</html>\n'


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _top(result: Result, colours: str) -> Markup:
    scene = result.scene
    where = f"{scene.instrument.symbol} · {scene.instrument.venue} · {scene.timeframe} · {_covered(result)}"
    worn = [tag("li", name, title=meaning) for name, meaning in verdict.notices(result)]
    warning = verdict.caution(result)
    tone = verdict.judge(result.certificate).tone
    return tag(
        "header",
        tag("div", tag("h1", scene.strategy), tag("span", where, class_="where"), tools(colours), class_="line"),
        tag("ul", *worn, class_="badges") if worn else None,
        tag("p", warning, class_="callout bad", role="alert") if tone == "bad" else None,
        tag("p", verdict.headline(result), class_="headline"),
        tag("p", warning, class_="callout warn") if tone == "warn" else None,
        class_="top wrap",
    )


def tools(colours: str) -> Markup:
    """Give the switches of theme and colours, which the script brings to life."""
    options = (tag("option", words, value=name, selected=name == colours) for name, words in palette.NAMES.items())
    return tag(
        "div",
        tag("select", *options, id="colours", aria_label="Colours of gains and losses"),
        tag("button", "Dark theme", id="theme", type="button"),
        class_="tools",
    )


def _covered(result: Result) -> str:
    time = result.run.time
    if not len(time):
        return "no bars"
    end = int(time[-1]) + result.scene.timeframe.microseconds
    return f"{figures.moment(int(time[0]))} to {figures.moment(end)} UTC · {figures.plural(len(time), 'bar')}"


def _contents() -> Markup:
    short = {
        "equity": "Equity",
        "price": "Price",
        "months": "Months",
        "rolling": "Rolling",
        "distribution": "Distribution",
    }
    short |= {
        "honesty": "Honesty",
        "costs": "Costs",
        "drawdowns": "Drawdowns",
        "causality": "Causality",
        "incidents": "Incidents",
    }
    links = (tag("li", tag("a", short.get(name, title), href=f"#{name}")) for name, title, _ in definitions.SECTIONS)
    return tag("nav", tag("ul", *links), aria_label="Sections")


def _sections(result: Result, bars: Bars, rows: list[tuple[str, ...]]) -> list[Markup]:
    bodies: dict[str, Content] = {
        "equity": stage.equity(result, bars),
        "price": stage.price(result, bars),
        "months": performance.months(result),
        "rolling": performance.rolling(result),
        "distribution": performance.distribution(result),
        "trades": join(orders.order_table(result), trading.trade_table(result, rows)),
        "honesty": honesty.score_section(result),
        "costs": honesty.ladder_section(result),
        "drawdowns": performance.drawdown_table(result),
        "causality": proof.causality(result.certificate),
        "incidents": proof.incidents(result),
        "reproduce": proof.reproduce(result),
        "definitions": definitions.glossary(shown_metrics(result)),
    }
    # The verdict has no visible heading: the headline above it is one.
    first = tag("section", tag("h2", "Verdict", hidden=True), verdict.strip(result), id="verdict", aria_label="Verdict")
    explained = {name: (title, words) for name, title, words in definitions.SECTIONS}
    return [first, *(section(name, *explained[name], body) for name, body in bodies.items())]


def shown_metrics(result: Result) -> tuple[str, ...]:
    """Give the metrics of a result: known ones in the order of the definitions, then all others by name."""
    known = [definition.key for definition in definitions.DEFINITIONS]
    return (*known, *sorted(set(result.metrics) - set(known)))


def _footer(result: Result) -> Markup:
    made = f"Made by tallow, engine {result.engine_version}. "
    words = "All times are UTC. Past results, simulated or not, say little about the future; this is not advice."
    return tag("footer", made + words, class_="wrap")
