"""The page of a portfolio: one self-contained HTML file in the look of the reports."""

from collections.abc import Iterable

import numpy as np

from tallow.domain.columns import Floats
from tallow.domain.results import Result
from tallow.flows.portfolio.plain import counters, incident_words
from tallow.flows.portfolio.rules import rebalanced
from tallow.flows.portfolio.trust import account, incidents
from tallow.flows.portfolio.values import Instrument, PortfolioResult
from tallow.flows.report import definitions, figures, honesty, palette, performance, proof, svg, verdict
from tallow.flows.report.axes import Axis
from tallow.flows.report.markup import Content, Markup, join, tag
from tallow.flows.report.page import shell, shown_metrics, tools
from tallow.flows.report.tables import Column, empty, pairs, section, table

INCIDENTS_PAGE = 25
LINES = 8  # instruments whose weights are drawn one below the other
_SECTIONS = (
    ("equity", "Equity", "The account as a whole, marked at every close, and its distance from the highest value."),
    ("instruments", "Instruments", "What each added to the account; sizes are those of the whole account."),
    ("weights", "Weights", "Value of each position as a share of the equity, at every close; negative for shorts."),
    ("honesty", "Honest score", "What is left of the Sharpe ratio once trials, chance and length are counted."),
    ("costs", "Assumptions and costs", "The same weights under other executions and costs."),
    ("months", "Monthly returns", "Return of each calendar month, in per cent."),
    ("rolling", "Rolling figures", "The same figures over a moving window."),
    ("distribution", "Distribution", "How often which return occurred."),
    ("drawdowns", "Worst drawdowns", "Falls below an earlier high."),
    ("causality", "Causality check", "Whether weights changed when only the future did."),
    ("incidents", "Data incidents", "What was wrong with the data of each instrument, and what was earned across it."),
    ("reproduce", "Reproduce", "What fixes the result; the same command gives the same numbers."),
    ("definitions", "Definitions", "What each figure means."),
)
_SHORT = {"honesty": "Honesty", "costs": "Costs", "months": "Months", "rolling": "Rolling", "drawdowns": "Drawdowns"}
_SHORT |= {"causality": "Causality", "incidents": "Incidents"}
_FOOT = "All times are UTC. Past results, simulated or not, say little about the future; this is not advice."
_COLUMNS = (
    Column("Instrument", "", is_text=True),
    Column("Profit", "What it added to the account, fees and funding included"),
    Column("Trades", "Closed round trips"),
    Column("Open", "Trades that are still open"),
    Column("Fees", "Quote units"),
    Column("Exposure", "Rows at whose close it was held"),
    Column("Bars", "Of its own"),
    Column("Stale marks", "Rows at which it was held and had no bar"),
    Column("Incidents", "In its data inside the range"),
)
_INCIDENT_COLUMNS = (
    Column("Instrument", "", is_text=True),
    Column("Kind", "Reason code", is_text=True),
    Column("From, UTC", "First moment concerned", is_text=True),
    Column("To, UTC", "First moment no longer concerned", is_text=True),
    Column("Length", "", is_text=True),
    Column("Count", "Candles or rows concerned"),
    Column("Position open", "Whether this instrument was held", is_text=True),
    Column("Its equity change", "What the instrument changed in the account meanwhile, quote units"),
)


def render(done: PortfolioResult, *, colours: str = "green-red") -> str:
    """Write the page; the same portfolio gives the same bytes.

    Args:
        done: the portfolio.
        colours: ``green-red``, ``red-green`` or ``blue-orange``; the reader can switch.

    Raises:
        UserError: UNKNOWN_PALETTE.
    """
    palette.check_palette(colours)
    whole = account(done)
    bodies: dict[str, Content] = {
        "equity": _equity(whole),
        "instruments": table("Instruments", _COLUMNS, map(_row, done.instruments)),
        "weights": weights(done),
        "honesty": honesty.score_section(whole),
        "costs": honesty.ladder_section(whole),
        "months": performance.months(whole),
        "rolling": performance.rolling(whole),
        "distribution": performance.distribution(whole),
        "drawdowns": performance.drawdown_table(whole),
        "causality": proof.causality(done.certificate),
        "incidents": incident_table(done),
        "reproduce": reproduce(done),
        "definitions": definitions.glossary(shown_metrics(whole)),
    }
    links = (tag("li", tag("a", _SHORT.get(name, title), href=f"#{name}")) for name, title, _ in _SECTIONS)
    first = tag("section", tag("h2", "Verdict", hidden=True), verdict.strip(whole), id="verdict", aria_label="Verdict")
    body = (
        _top(done, whole, colours),
        tag("nav", tag("ul", *links), aria_label="Sections"),
        tag("main", first, *(section(*part, bodies[part[0]]) for part in _SECTIONS), class_="wrap"),
        tag("footer", f"Made by tallow, engine {done.engine_version}. {_FOOT}", class_="wrap"),
    )
    return shell(f"{done.name} on {len(done.instruments)} instruments", body, script(), colours)


def script() -> str:
    """Read the script of the page: themes, colours, pages of tables."""
    from importlib import resources

    return resources.files("tallow.flows.sweep").joinpath("page.js").read_text("utf-8")


def _top(done: PortfolioResult, whole: Result, colours: str) -> Markup:
    time, count = done.run.time, figures.plural(len(done.run.time), "row")
    end = done.timeframe.next(int(time[-1]))
    where = f"{shown_symbols(done)} · {done.timeframe} · {figures.moment(int(time[0]))} to {figures.moment(end)} UTC"
    worn = [tag("li", name, title=meaning) for name, meaning in verdict.notices(whole)]
    caution, tone = verdict.caution(whole), verdict.judge(done.certificate).tone
    rule = f"rebalanced {rebalanced(done.rules.rebalance)}, {done.rules.margin} margin"
    return tag(
        "header",
        tag(
            "div",
            tag("h1", done.name),
            tag("span", f"{where} · {count}", class_="where"),
            tools(colours),
            class_="line",
        ),
        tag("ul", *worn, tag("li", "PORTFOLIO", title=rule), class_="badges"),
        tag("p", caution, class_="callout bad", role="alert") if tone == "bad" else None,
        tag("p", f"{verdict.headline(whole)} {rule[:1].upper()}{rule[1:]}.", class_="headline"),
        tag("p", caution, class_="callout warn") if tone == "warn" else None,
        class_="top wrap",
    )


def shown_symbols(done: PortfolioResult) -> str:
    """Name the instruments, the first few of many."""
    names = done.scene.symbols
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:5])} and {len(names) - 5} more"


def _equity(whole: Result) -> Markup:
    marks = tag("figcaption", *performance.legend(whole, hold=False), class_="legend")
    return tag("figure", marks, performance.equity_chart(whole, None), class_="figure")


def _row(one: Instrument) -> list[Content]:
    tone = figures.tone(one.profit) or None
    return [
        one.symbol,
        tag("span", figures.number(one.profit, signed=True), class_=tone),
        f"{one.trades:,}",
        f"{one.open_trades:,}",
        figures.number(one.fees),
        figures.percent(one.exposure_pct, 1),
        f"{one.bars:,}",
        f"{one.stale_marks:,}",
        f"{len(one.incidents):,}",
    ]


def weights(done: PortfolioResult) -> Markup:
    """Draw the weight of each instrument over time, all on one scale; of many, those that were held most."""
    held, time = 100.0 * done.run.weights, done.run.time
    if not np.isfinite(held).any() or not held.any():
        return empty("Nothing was ever held.")
    low, high = min(0.0, float(np.nanmin(held))), max(0.0, float(np.nanmax(held)))
    most = np.argsort(-np.nan_to_num(np.abs(held)).mean(axis=0), kind="stable")[:LINES]
    span = (int(time[0]), done.timeframe.next(int(time[-1])))
    plots = [_weight(done.scene.symbols[i], held[:, i], Axis.around(low, high, 90, top=4), span, done) for i in most]
    left = held.shape[1] - len(plots)
    return join(*plots, tag("p", f"{left} more were held less on average.", class_="lead") if left else None)


def _weight(symbol: str, values: Floats, axis: Axis, span: tuple[int, int], done: PortfolioResult) -> Markup:
    line = svg.line(svg.places(done.run.time, *span), values, axis, "equity")
    known = values[np.isfinite(values)]
    label = f"Weight of {symbol} from {figures.number(known.min())} to {figures.number(known.max())} %"
    plot = svg.chart(label, [svg.Panel(axis, join(svg.rule(axis, 0.0), line), unit=" %")], span, 116)
    return tag("div", tag("h3", symbol), plot, class_="small-plot")


def incident_table(done: PortfolioResult) -> Markup:
    """List what was wrong with the data of every instrument."""
    found = incidents(done)
    if not found:
        return empty("None: no gap, quarantined row or missing funding is known inside the range.")
    words = incident_words(done)
    rows = [[symbol, *proof.incident_row(incident)] for symbol, incident in found]
    page = INCIDENTS_PAGE if len(rows) > INCIDENTS_PAGE else None
    return join(
        tag("p", f"{words}.", class_="lead"),
        table("Data incidents", _INCIDENT_COLUMNS, rows, identifier="incident-rows", page=page),
        proof.meanings(incident for _, incident in found),
    )


def reproduce(done: PortfolioResult) -> Markup:
    """Show everything that fixes the result: rules, settings, data versions, hashes, and the command."""
    scene = done.scene
    command = tag("p", tag("code", f"tallow results replay {done.key[:12]}", id="command"), class_="command")
    said: list[tuple[Content, Content]] = [("weights", done.name)]
    said += [(name, proof.setting(value)) for name, value in scene.parameters.items()]
    said += [
        ("rebalanced", rebalanced(done.rules.rebalance)),
        ("margin", done.rules.margin),
        ("starting balance", f"{figures.number(scene.cash)} {scene.instruments[0].quote}"),
        *((name.replace("_", " "), f"{count:,}") for name, count in counters(done).items()),
    ]
    identity: list[tuple[Content, Content]] = [
        ("key", tag("code", done.key)),
        ("digest", tag("code", done.digest)),
        ("data digest", tag("code", done.data_digest)),
        ("source hash", tag("code", done.strategy_hash)),
        ("engine version", tag("code", done.engine_version)),
        *(("note", note) for note in done.notes),
    ]
    return join(
        command,
        tag(
            "div",
            proof.block("Weights", pairs(said)),
            proof.block("Execution", proof.execution(scene.execution)),
            proof.block("Data", pairs(_versions(done.instruments))),
            class_="blocks",
        ),
        proof.block("Identity", pairs(identity, "facts wide")),
        proof.source(done.source, "Source of the weights"),
    )


def _versions(instruments: Iterable[Instrument]) -> list[tuple[Content, Content]]:
    return [
        (str(one.scene.instrument), ", ".join(f"{name} v{version}" for name, version in one.versions.items()))
        for one in instruments
    ]
