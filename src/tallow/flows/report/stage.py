"""The two large charts: a canvas that the script draws on, above a static drawing that needs no script."""

from tallow.domain.columns import Bars
from tallow.domain.results import Result
from tallow.flows.report import definitions, performance, trading, verdict
from tallow.flows.report.columns import is_drawable
from tallow.flows.report.markup import Markup, tag
from tallow.flows.report.tables import empty, pairs

_IN_STRIP = {
    "return_pct", "max_drawdown_pct", "max_drawdown_days", "max_drawdown_start", "max_drawdown_end",
    "max_drawdown_bars", "sharpe", "sharpe_low", "sharpe_high", "sharpe_n", "trades", "wins", "losses", "open_trades",
    "ambiguous_bars", "rejected_orders",
}  # fmt: skip
_ACTIONS = (("left", "←", "Earlier"), ("right", "→", "Later"), ("in", "+", "Zoom in"), ("out", "−", "Zoom out"))
_HELP = "equity-keys"


def equity(result: Result, bars: Bars) -> Markup:
    """Show equity, drawdown and the buy-and-hold line, with the other key figures beside them."""
    if not is_drawable(result, bars):
        return tag("div", empty("No price is known, so nothing to draw."), _key_figures(result), class_="beside")
    figure = _figure(
        "equity", performance.legend(result), performance.equity_chart(result, bars), "Equity, buy & hold and drawdown"
    )
    move, zoom, read = (
        (tag("kbd", "←"), " ", tag("kbd", "→")),
        (tag("kbd", "↑"), " ", tag("kbd", "↓")),
        tag("kbd", "Shift"),
    )
    words = " Drag or pinch to move and zoom; the wheel zooms a chart that was clicked, or with "
    keys = (
        *move, " move, ", *zoom, " zoom, ", read, " + ", *move, " read bar by bar, ", tag("kbd", "Home"), " all.",
        words, tag("kbd", "Ctrl"), ".",
    )  # fmt: skip
    help_ = tag("p", *keys, class_="help", id=_HELP)
    return tag("div", tag("div", figure, help_, class_="figure"), _key_figures(result), class_="beside")


def price(result: Result, bars: Bars) -> Markup:
    """Show candles with every fill."""
    if not is_drawable(result, bars):
        return empty("No price is known, so nothing to draw.")
    legend = [
        tag("span", _mark("▲", "up"), " buy, below the bar"),
        tag("span", _mark("▼", "down"), " sell, above the bar"),
    ]
    if verdict.liquidations(result):
        legend.append(tag("span", "✕ liquidation"))
    if result.incidents:
        legend.append(tag("span", _mark("▬", "warn"), " data incident, on the time axis"))
    return _figure("price", legend, trading.price_chart(result, bars), "Candles with trades")


def _figure(name: str, legend: list[Markup], static: Markup, label: str) -> Markup:
    buttons = (
        tag("button", sign, type="button", data_act=act, title=words, aria_label=words) for act, sign, words in _ACTIONS
    )
    whole = tag("button", "All", type="button", data_act="all", title="Show the whole range")
    controls = tag("span", *buttons, whole, class_="controls", role="group", aria_label=f"{label}: view")
    canvas = tag("canvas", tabindex="0", role="application", aria_label=label, aria_describedby=_HELP)
    return tag(
        "figure",
        tag("figcaption", *legend, controls, class_="legend"),
        tag("div", class_="readout"),
        tag("div", canvas, static, class_="stage", id=f"{name}-stage"),
        class_="figure",
    )


def _mark(symbol: str, tone: str) -> Markup:
    return tag("span", symbol, class_=tone, aria_hidden="true")


def _key_figures(result: Result) -> Markup:
    """List every metric that stands nowhere else on the page; those without a definition under their keys."""
    # A metric that the core adds later appears by itself, under its key.
    known = [item.key for item in definitions.DEFINITIONS if item.key in result.metrics]
    others = sorted(set(result.metrics) - set(known))
    rows = (
        (definitions.label(key), definitions.value(key, result.metrics[key]))
        for key in (*known, *others)
        if key not in _IN_STRIP
    )
    return tag("div", tag("h3", "Key figures"), pairs(rows), class_="key-figures")
