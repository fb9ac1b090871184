"""The result in a notebook cell: a fragment without script that brings its own colours."""

from tallow.domain.columns import Bars
from tallow.domain.results import Result
from tallow.flows.report import palette, performance, verdict
from tallow.flows.report.columns import is_drawable
from tallow.flows.report.markup import Markup, join, tag
from tallow.flows.report.page import resource
from tallow.flows.report.plain import text

SCOPE = ".tallow-report"
# Notebooks say dark on the body, whatever the system prefers: JupyterLab by attribute, VS Code by class.
_DARK = ("[data-jp-theme-light=false]", ".vscode-dark", "html[theme=dark]")
_LIGHT = ("[data-jp-theme-light=true]", ".vscode-light", "html[theme=light]")


def fragment(result: Result, bars: Bars) -> str:
    """Write HTML for a notebook's output: verdict, labels, key figures and the equity curve.

    Below 200 KB whatever the length of the run; no script, no request; legible in light and dark notebooks.
    """
    scene = result.scene
    worn = [tag("li", name, title=meaning) for name, meaning in verdict.notices(result)]
    warning = verdict.caution(result)
    where = f"{scene.instrument} {scene.timeframe}"
    chart = None
    if is_drawable(result, bars):
        names = tag("p", *performance.legend(result), class_="legend")
        chart = join(names, performance.equity_chart(result, bars))
    body = tag(
        "div",
        tag("p", tag("strong", scene.strategy), f" on {where}", class_="where"),
        tag("ul", *worn, class_="badges") if worn else None,
        tag("p", verdict.headline(result), class_="headline"),
        tag("p", warning, class_=f"callout {verdict.judge(result.certificate).tone}") if warning else None,
        verdict.strip(result, linked=False),
        chart,
        tag("details", tag("summary", "All figures as text"), tag("pre", text(result))),
        class_="tallow-report",
    )
    return join(tag("style", Markup(_style())), body)


def _style() -> str:
    # No attribute of the page can be set from a cell: the host's own marks decide, then the system.
    dark = palette.theme_rule("dark", "green-red")
    light = palette.theme_rule("light", "green-red")
    rules = [
        f"{SCOPE}{{{light}}}",
        f"@media (prefers-color-scheme:dark){{{SCOPE}{{{dark}}}}}",
        f"{','.join(f'{host} {SCOPE}' for host in _LIGHT)}{{{light}}}",
        f"{','.join(f'{host} {SCOPE}' for host in _DARK)}{{{dark}}}",
        resource("notebook.css"),
    ]
    return "\n".join(rules)
