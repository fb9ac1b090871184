"""The page of a cross-validation: every path, how their numbers are spread, and what each split chose."""

import shlex
from collections.abc import Sequence

import numpy as np

from tallow.domain.columns import Bars, Floats
from tallow.flows.report import figures, honesty, palette, proof, svg, verdict
from tallow.flows.report.axes import Axis, nice_ticks
from tallow.flows.report.markup import Content, Markup, join, tag
from tallow.flows.report.page import shell, tools
from tallow.flows.report.tables import Column, empty, pairs, section, table
from tallow.flows.report.verdict import Cell
from tallow.flows.sweep.cross_plain import (
    METRICS,
    choices,
    chosen,
    headline,
    kept,
    kept_words,
    left_words,
    losing,
    path_cells,
    split_cells,
    spread,
)
from tallow.flows.sweep.cross_values import CrossValidationResult
from tallow.flows.sweep.page import axis_text, capitalised, resource
from tallow.flows.sweep.plain import heading

MOST_LINES = 60  # paths drawn: more make one grey surface
MOST_ROWS = 500  # splits, or paths, in a table
_SECTIONS = (
    ("paths", "Paths", "Each line is one whole history: every group of bars traded with a choice made without it."),
    ("spread", "How the paths are spread", "One history is one draw. The spread says how much of it is luck."),
    ("choices", "Choices", "A rule that holds is chosen again and again, whatever is held out."),
    ("splits", "Splits", "What was chosen on the training rows, and what it did on the groups held out."),
    ("honesty", "Honest score", "Of the path in the middle: what is left of its Sharpe ratio."),
    ("costs", "Assumptions and costs", "The path in the middle under other executions and costs."),
    ("incidents", "Data incidents", "What was wrong with the data, and what the path in the middle earned across it."),
    ("reproduce", "Reproduce", "The same again gives the same numbers."),
)
_FOOT = "Made by tallow. All times are UTC. Past results, simulated or not, say little about the future."


def render(done: CrossValidationResult, bars: Bars, *, colours: str = "green-red") -> str:
    """Write the page; the same cross-validation gives the same bytes.

    Args:
        done: the cross-validation.
        bars: the whole market.
        colours: ``green-red``, ``red-green`` or ``blue-orange``; the reader can switch.

    Raises:
        UserError: UNKNOWN_PALETTE.
    """
    palette.check_palette(colours)
    result = done.result
    bodies: dict[str, Content] = {
        "paths": _paths(done, bars),
        "spread": _spread(done),
        "choices": _choices(done),
        "splits": _splits(done),
        "honesty": honesty.score_section(result),
        "costs": honesty.ladder_section(result),
        "incidents": proof.incidents(result),
        "reproduce": _reproduce(done),
    }
    links = (tag("li", tag("a", title, href=f"#{name}")) for name, title, _ in _SECTIONS)
    first = tag("section", tag("h2", "Verdict", hidden=True), _strip(done), id="verdict", aria_label="Verdict")
    body = (
        _top(done, bars, colours),
        tag("nav", tag("ul", *links), aria_label="Sections"),
        tag("main", first, *(section(*part, bodies[part[0]]) for part in _SECTIONS), class_="wrap"),
        tag("footer", _FOOT, class_="wrap"),
    )
    title = f"Cross-validation of {result.scene.strategy} on {result.scene.instrument} {result.scene.timeframe}"
    return shell(title, body, resource("page.js"), colours, resource("page.css"))


def _top(done: CrossValidationResult, bars: Bars, colours: str) -> Markup:
    result = done.result
    scene = result.scene
    where = (
        f"{scene.instrument.symbol} · {scene.instrument.venue} · {scene.timeframe} · "
        f"{figures.moment(int(bars.time[0]))} to {figures.moment(scene.timeframe.next(int(bars.time[-1])))} UTC · "
        f"{figures.plural(len(bars), 'bar')}"
    )
    worn = [tag("li", name, title=meaning) for name, meaning in verdict.notices(result)]
    caution = verdict.caution(result)
    tone = "bad" if verdict.judge(result.certificate).tone == "bad" else "warn"
    title = tag("h1", f"Cross-validation of {scene.strategy}")
    return tag(
        "header",
        tag("div", title, tag("span", where, class_="where"), tools(colours), class_="line"),
        tag("ul", *worn, class_="badges") if worn else None,
        tag("p", caution, class_=f"callout {tone}") if caution else None,
        tag("p", headline(done), class_="headline"),
        class_="top wrap",
    )


def _strip(done: CrossValidationResult) -> Markup:
    result, plan = done.result, done.plan
    judgement, found = verdict.judge(result.certificate), honesty.score_of(result)
    tone, symbol = honesty.tone_of(found)
    sharpes, gains = spread(done.numbers("sharpe")), spread(done.numbers("return_pct"))
    falls, lost, share = spread(done.numbers("max_drawdown_pct")), losing(done), kept(done)
    left = figures.DASH if share is None else left_words(share).capitalize()
    cells = (
        _cell("Sharpe of the paths", figures.number(sharpes.middle), f"{_ends(sharpes.low, sharpes.high)}", "spread"),
        _cell(
            "Return of the paths",
            figures.percent(gains.middle, 1, signed=True),
            _ends(gains.low, gains.high, " %"),
            "paths",
            figures.tone(gains.middle),
        ),
        _cell("Paths that lose", f"{lost:,} of {len(done.paths):,}", f"deepest fall {figures.percent(falls.low, 1)}",
              "paths", "warn" if lost else "good"),
        _cell("Left of training", left, f"mean of {heading(done.search.goal)}, tested / trained", "splits"),
        _cell("Causality check", f"{judgement.symbol} {judgement.word}", "of what was chosen most often", "reproduce",
              judgement.tone),
        _cell("Honest score", f"{symbol} {honesty.word_of(found)}", honesty.note_of(found), "honesty", tone),
        _cell("Splits", f"{plan.split_count:,}", f"{plan.test_groups} of {plan.groups} groups held out", "splits"),
        _cell("Digest", result.digest[:12], "of every number", "reproduce", "code"),
    )  # fmt: skip
    return tag("div", *cells, class_="strip eight")


def _cell(name: str, answer: str, note: str, target: str, tone: str = "") -> Markup:
    return Cell(name, tag("span", answer, class_=tone or None), note, target).write(linked=True)


def _ends(low: float | None, high: float | None, unit: str = "") -> str:
    return f"{figures.number(low)} to {figures.number(high)}{unit}"


def _paths(done: CrossValidationResult, bars: Bars) -> Content:
    curves = [path.equity for path in done.paths]
    known = np.concatenate(curves)
    known = known[np.isfinite(known)]
    if not len(known):
        return empty("No equity is known, so nothing to draw.")
    time, height = bars.time[done.rows], 360
    span = (int(bars.time[0]), int(bars.time[-1]) + done.result.scene.timeframe.microseconds)
    x = svg.places(time, *span)
    axis = Axis.around(float(known.min()), float(known.max()), height - svg.FOOT - 12, top=6)
    others = [curve for at, curve in enumerate(curves) if at != done.middle][: MOST_LINES - 1]
    cash = svg.rule(axis, done.result.scene.cash, "zero") if axis.low < done.result.scene.cash < axis.high else None
    lines = join(
        cash,
        *(svg.line(x, curve, axis, "path") for curve in others),
        svg.line(x, curves[done.middle], axis, "equity"),
    )
    ends = [curve[-1] for curve in curves]
    label = (
        f"Equity of {figures.plural(len(curves), 'path')}, ending between {figures.number(min(ends))} and "
        f"{figures.number(max(ends))}"
    )
    legend = [("equity", "The path in the middle"), ("path", "The others")]
    names = (
        tag("span", tag("svg", tag("path", d="M0,5H22", class_=kind), class_="swatch", aria_hidden="true"), name)
        for kind, name in legend
    )
    drawn = tag(
        "figure",
        tag("figcaption", *names, class_="legend"),
        svg.chart(label, [svg.Panel(axis, lines)], span, height),
        class_="figure",
    )
    hidden = len(curves) - 1 - len(others)
    return join(drawn, tag("p", f"{hidden:,} more paths are not drawn.", class_="why") if hidden > 0 else None)


def _spread(done: CrossValidationResult) -> Content:
    ratios = done.numbers("sharpe")
    if not np.isfinite(ratios).any():
        return empty("No path has a Sharpe ratio.")
    heads = ("Least", "Quarter", "Middle", "Three quarters", "Most")
    columns = (Column("Number", "", is_text=True), *(Column(name) for name in heads))
    rows = [
        [capitalised(label), *(figures.number(value) for value in spread(done.numbers(name)))]
        for name, label in METRICS
    ]
    paths = [path_cells(done, number) for number in range(min(len(done.paths), MOST_ROWS))]
    parts = (
        Column("Path"), Column("Splits", "Which split's choice traded each group, in order", is_text=True),
        *(Column(capitalised(label)) for _, label in METRICS), Column("Trades"),
    )  # fmt: skip
    return join(
        tag("h3", "Sharpe ratio of every path, with quartiles"),
        strip_plot(ratios, done.middle),
        table("Spread over the paths", columns, rows),
        table("Every path", parts, paths),
    )


def strip_plot(values: Floats, middle: int, height: int = 96) -> Markup:
    """Draw every value as a dot over a box from the lower to the upper quartile, with the median as a line."""
    known = values[np.isfinite(values)]
    found = spread(values)
    axis = Axis.around(min(0.0, float(known.min())), max(0.0, float(known.max())), 100.0, share=0.06)

    def place(value: float | None) -> float:
        return 100.0 * (float(value or 0.0) - axis.low) / (axis.high - axis.low)

    left, right, line = place(found.quarter), place(found.three_quarters), f"{place(found.middle):.2f}%"
    floor, row = height - svg.FOOT, (height - svg.FOOT) / 2
    box = tag("rect", x=f"{left:.2f}%", width=f"{max(0.2, right - left):.2f}%", y=row - 18, height=36, class_="box")
    ends = tag("line", x1=f"{place(found.low):.2f}%", x2=f"{place(found.high):.2f}%", y1=row, y2=row, class_="whisker")
    half = tag("line", x1=line, x2=line, y1=row - 18, y2=row + 18, class_="median")
    dots = [
        tag(
            "circle",
            tag("title", f"path {number + 1}: {figures.number(value)}"),
            cx=f"{place(value):.2f}%",
            # Dots side by side where many lie on one place: three rows, in turn.
            cy=f"{row + 9 * (number % 3 - 1):.1f}",
            r=5 if number == middle else 4,
            class_="dot middle" if number == middle else "dot",
        )
        for number, value in enumerate(values.tolist())
        if np.isfinite(value)
    ]
    ticks, decimals = nice_ticks(axis.low, axis.high, 6)
    labels = [
        tag("text", figures.number(tick, decimals), x=f"{place(tick):.2f}%", y=height - 6, class_="time")
        for tick in ticks
        if 4.0 < place(tick) < 96.0
    ]
    zero = f"{place(0.0):.2f}%"
    base = tag("line", x1="0", x2="100%", y1=floor, y2=floor, class_="floor")
    nought = tag("line", x1=zero, x2=zero, y1="0", y2=floor, class_="zero")
    words = f"Sharpe ratios of {figures.plural(len(known), 'path')} from {figures.number(found.low)} to "
    words += f"{figures.number(found.high)}, median {figures.number(found.middle)}"
    drawing = tag(
        "svg", base, nought, ends, box, half, *dots, *labels, height=height, width="100%", role="img", aria_label=words
    )
    return tag("div", drawing, class_="plot bare strip-plot")


def _choices(done: CrossValidationResult) -> Content:
    found = choices(done)
    rows: list[Sequence[Content]] = [
        [chosen(values), f"{count:,}", figures.percent(100.0 * count / len(done.splits), 0)]
        for values, count in found[:MOST_ROWS]
    ]
    columns = (Column("Combination", "", is_text=True), Column("Splits"), Column("Share"))
    words = f"{figures.plural(len(done.splits), 'split')} chose {figures.plural(len(found), 'combination')}."
    return join(table("What the splits chose", columns, rows), tag("p", words, class_="lead"))


def _splits(done: CrossValidationResult) -> Content:
    goal = capitalised(heading(done.search.goal))
    columns = (
        Column("Held out", "Groups, from 1", is_text=True),
        Column("Chosen", "Best on the training rows", is_text=True),
        Column(f"Trained: {goal}", "On the training rows; of several pieces the mean by rows"),
        Column("Tested", "The same on the groups held out"),
        Column("Return %", "Of the groups held out, one after the other"),
    )
    rows = []
    for split in done.splits[:MOST_ROWS]:
        held_out, values, *numbers = split_cells(done, split)
        trained, tested, gain = (cell.replace("-", figures.MINUS) for cell in numbers)
        shown = tag("span", gain, class_=figures.tone(split.test_return) or None)
        rows.append([held_out, values, trained, tested, shown])
    more = len(done.splits) - MOST_ROWS
    return join(
        table("Splits", columns, rows),
        tag("p", f"{more:,} more splits are not shown.", class_="why") if more > 0 else None,
        tag("p", capitalised(kept_words(done)), class_="lead"),
    )


def _reproduce(done: CrossValidationResult) -> Markup:
    result, plan = done.result, done.plan
    axes = " ".join(shlex.quote(axis_text(axis)) for axis in done.search.axes)
    judgement = verdict.judge(result.certificate)
    rows: list[tuple[Content, Content]] = [
        ("cross-validation", tag("code", result.key)),
        ("digest of all paths", tag("code", result.digest)),
        ("data digest", tag("code", result.data_digest)),
        ("strategy hash", tag("code", result.strategy_hash)),
        ("axes", tag("code", axes)),
        ("method", f"{done.search.method}, seed {done.search.seed}, {done.combinations:,} combinations a split"),
        ("constraints", "; ".join(done.search.constraints) or "none"),
        ("groups", f"{plan.groups}, of which {plan.test_groups} are held out: {plan.split_count:,} splits"),
        ("purge, embargo", f"{figures.plural(plan.purge, 'bar')}, {figures.plural(plan.embargo, 'bar')}"),
        *((name, f"version {version}") for name, version in sorted(result.table_versions.items())),
        ("causality", f"{judgement.word}: {judgement.sentence}"),
    ]
    facts = pairs([*rows, *(("note", note) for note in result.notes)], "facts wide")
    if not result.table_versions:
        words = "The candles were handed over by the program: the cross-validation is not stored."
        return join(tag("p", words, class_="lead"), facts)
    return join(tag("p", tag("code", f"tallow results replay {result.key[:12]}"), class_="command"), facts)
