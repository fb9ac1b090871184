"""The page of a sweep: one self-contained HTML file in the look of the reports."""

import math
import shlex
from collections.abc import Iterator, Sequence
from importlib import resources

import numpy as np

from tallow.core.strategies import BUILT_IN
from tallow.domain.ranges import EVERYTHING, iso
from tallow.domain.sweep import Axis, SweepResult
from tallow.flows.report import figures, palette, svg, verdict
from tallow.flows.report.markup import Content, Markup, join, tag
from tallow.flows.report.page import shell, tools
from tallow.flows.report.tables import Column, empty, pairs, section, table
from tallow.flows.sweep.heat import heat_maps
from tallow.flows.sweep.luck import Luck, luck_of
from tallow.flows.sweep.neighbours import neighbours, plateau
from tallow.flows.sweep.plain import PER_CENT, SHOWN, heading, headings, shown, warning, written
from tallow.flows.venue_rules import rule_words

BEST_ROWS = 25
FAILED_ROWS = 20
_MEANINGS = {
    "bar_sharpe": "Mean / sample deviation of the returns from bar to bar, times the root of the bars in a year",
    "total_return": "Final equity / starting balance - 1, in per cent",
    "max_drawdown": "Deepest fall of the equity below its peak, in per cent",
    "trades": "Closed round trips",
    "fees": "Paid, in quote units",
    "return_over_drawdown": "Total return / deepest drawdown",
}
_SECTIONS = (
    ("map", "Heat-map", "Two parameters at a time: broad areas of the same colour are worth more than a single peak."),
    ("best", "Best combinations", "The best of many is partly luck: read it with the section on chance."),
    (
        "around",
        "Around the best",
        "One step aside on each parameter. A result that falls off at once was found by chance.",
    ),
    ("chance", "Chance", "What the best of as many trials without any edge would show."),
    ("spread", "All combinations", "How many combinations gave which return."),
    ("failures", "Failed combinations", "These gave no numbers and are not counted as trials."),
    ("reproduce", "Reproduce", "The same again gives the same numbers; finished combinations come from the records."),
)


def render(done: SweepResult, *, colours: str = "green-red") -> str:
    """Write the page; the same sweep gives the same bytes.

    Args:
        done: the sweep.
        colours: ``green-red``, ``red-green`` or ``blue-orange``; the reader can switch.

    Raises:
        UserError: UNKNOWN_PALETTE.
    """
    palette.check_palette(colours)
    luck = luck_of(done.result, done.trials, done.sharpes)
    bodies: dict[str, Content] = {
        "map": heat_maps(done),
        "best": best_table(done),
        "around": around(done),
        "chance": chance(done, luck),
        "spread": spread(done),
        "failures": failures(done),
        "reproduce": reproduce(done),
    }
    shown = [part for part in _SECTIONS if part[0] != "failures" or done.found.failed]
    links = (tag("li", tag("a", title, href=f"#{name}")) for name, title, _ in shown)
    first = tag("section", tag("h2", "Verdict", hidden=True), strip(done, luck), id="verdict", aria_label="Verdict")
    body = (
        _top(done, luck, colours),
        tag("nav", tag("ul", *links), aria_label="Sections"),
        tag("main", first, *(section(*part, bodies[part[0]]) for part in shown), class_="wrap"),
        tag("footer", _FOOT, class_="wrap"),
    )
    scene = done.scene
    title = f"Sweep of {scene.strategy} on {scene.instrument} {scene.timeframe}"
    return shell(title, body, resource("page.js"), colours, resource("page.css"))


_FOOT = "Made by tallow. All times are UTC. Past results, simulated or not, say little about the future."


def resource(name: str) -> str:
    """Read a static file of this package."""
    return resources.files("tallow.flows.sweep").joinpath(name).read_text("utf-8")


def _top(done: SweepResult, luck: Luck | None, colours: str) -> Markup:
    scene = done.scene
    where = f"{scene.instrument.symbol} · {scene.instrument.venue} · {scene.timeframe} · {_covered(done)}"
    worn = [] if done.result is None else [tag("li", name, title=text) for name, text in verdict.notices(done.result)]
    caution = "" if done.result is None else verdict.caution(done.result)
    bad = done.result is not None and verdict.judge(done.result.certificate).tone == "bad"
    title = tag("h1", f"Sweep of {scene.strategy}")
    return tag(
        "header",
        tag("div", title, tag("span", where, class_="where"), tools(colours), class_="line"),
        tag("ul", *worn, class_="badges") if worn else None,
        tag("p", caution, class_="callout bad", role="alert") if bad else None,
        tag("p", headline(done), class_="headline"),
        tag("p", caution, class_="callout warn") if caution and not bad else None,
        tag("p", join(warning(done), " ", deflation(luck)), class_="callout warn"),
        class_="top wrap",
    )


def _covered(done: SweepResult) -> str:
    if done.result is None:
        return figures.plural(done.bars, "bar")
    time = done.result.run.time
    end = int(time[-1]) + done.scene.timeframe.microseconds
    return f"{figures.moment(int(time[0]))} to {figures.moment(end)} UTC · {figures.plural(done.bars, 'bar')}"


def headline(done: SweepResult) -> str:
    """Say in one sentence what was found."""
    count = figures.plural(len(done.found), "combination")
    if done.best is None:
        return f"None of {count} has a {heading(done.search.goal)}."
    values = ", ".join(f"{name} {_value(value)}" for name, value in done.best_parameters.items())
    gain = figures.percent(100.0 * float(done.found.columns["total_return"][done.best]), 1, signed=True)
    return f"The best of {count} is {values}: {gain}."


def deflation(luck: Luck | None) -> str:
    """Say how sure one may be of the best, given how many were tried."""
    if luck is None:
        return "Its Sharpe ratio cannot be deflated: too few trials have one."
    return (
        f"Deflated for {luck.trials:,} trials, the confidence that it is better than luck is "
        f"{figures.percent(100.0 * luck.deflated, 1)}."
    )


def strip(done: SweepResult, luck: Luck | None) -> Markup:
    """Lay out the answers in the order in which a reader asks."""
    cells = []
    if done.best is not None:
        for name in dict.fromkeys((done.search.goal, "total_return", "max_drawdown")):
            value = float(shown(done, name)[done.best])
            unit = "\u00a0%" if name in PER_CENT else ""
            tone = figures.tone(value) if unit else ""
            title = capitalised(heading(name).removesuffix(" %"))
            cells.append(_cell(title, _number(name, value) + unit, _beside(done, name), "best", tone))
    failed = f"{len(done.found.failed):,} failed" if done.found.failed else "none failed"
    cells.append(_cell("Combinations", f"{len(done.found):,}", f"{done.search.method}, {failed}", "map"))
    cells.append(_cell("Trials on this data", f"{done.trials:,}", "of any strategy, ever", "chance"))
    if luck is not None:
        sure = "good" if luck.deflated >= 0.95 else "warn"
        answer = figures.percent(100.0 * luck.deflated, 1)
        cells.append(_cell("Better than luck", answer, "deflated Sharpe ratio", "chance", sure))
    judgement = verdict.judge(done.result.certificate if done.result else None)
    words = f"{judgement.symbol} {judgement.word}"
    certificate = done.result.certificate if done.result else None
    tested = f"{certificate.cuts:,} futures changed" if certificate else "no look-ahead check was run"
    cells.append(_cell("Causality of the best", words, tested, "reproduce", judgement.tone))
    return tag("div", *cells, class_="strip")


def _cell(name: str, answer: str, note: str, target: str, tone: str = "") -> Markup:
    return tag(
        "div",
        tag("h3", tag("a", name, href=f"#{target}", class_="term")),
        tag("p", tag("span", answer, class_=tone or None), class_="big"),
        tag("p", note, class_="note"),
    )


def _beside(done: SweepResult, name: str) -> str:
    if name == done.search.goal:
        mean = plateau(done, shown(done, name))
        return "no neighbours" if mean is None else f"{_number(name, mean)} on average around it"
    column = shown(done, name)
    known = column[np.isfinite(column)]
    return f"{_number(name, float(np.median(known)))} % in the middle of all" if len(known) else ""


def best_table(done: SweepResult) -> Markup:
    """List the best combinations."""
    ranking = done.ranking()[:BEST_ROWS]
    if not ranking:
        return empty(f"No combination has a {heading(done.search.goal)}.")
    return _rows(done, f"The {len(ranking)} best combinations", ((row, None) for row in ranking), headings(done))


def around(done: SweepResult) -> Markup:
    """List what lies beside the best."""
    found = neighbours(done)
    if done.best is None or not found:
        return empty("There is nothing beside the best.")
    rows = [(done.best, "the best"), *((one.row, one.step) for one in found)]
    goal = done.search.goal
    column = shown(done, goal)
    mean = plateau(done, column)
    words = "" if mean is None else (
        f"The neighbours have {_number(goal, mean)} on average ({heading(goal)}), "
        f"the best {_number(goal, float(column[done.best]))}."
    )  # fmt: skip
    names = tuple(dict.fromkeys((goal, *SHOWN[:3])))
    return join(_rows(done, "The best and its neighbours", iter(rows), names), tag("p", words, class_="lead"))


def _rows(done: SweepResult, caption: str, rows: Iterator[tuple[int, str | None]], names: Sequence[str]) -> Markup:
    columns = {name: shown(done, name) for name in names}
    body: list[Sequence[Content]] = []
    stepped = False
    for row, step in rows:
        values = [_value(value) for value in done.found.rows[row]]
        numbers = [_toned(name, float(columns[name][row])) for name in names]
        stepped = step is not None
        body.append([*([step] if step is not None else values), *numbers])
    first = [Column("Change", is_text=True)] if stepped else [Column(name) for name in done.found.names]
    heads = [*first, *(Column(capitalised(heading(name)), _MEANINGS.get(name, "")) for name in names)]
    return table(caption, heads, body)


def _toned(name: str, value: float) -> Markup:
    tone = figures.tone(value) if name == "total_return" else ""
    return tag("span", _number(name, value), class_=tone or None)


def _number(name: str, value: float) -> str:
    return figures.DASH if math.isnan(value) else written(name, value).replace("-", figures.MINUS)


def chance(done: SweepResult, luck: Luck | None) -> Markup:
    """Put the best beside what luck alone would show."""
    count = tag("p", warning(done), class_="lead")
    if luck is None:
        return join(empty(deflation(None)), count)
    year = math.sqrt(done.scene.timeframe.per_year)
    rows: list[tuple[Content, Content]] = [
        ("distinct trials on this data", f"{luck.trials:,}"),
        ("standard deviation of their Sharpe ratios", f"{luck.deviation * year:.3f} a year"),
        ("best of as many without edge", f"{luck.expected * year:.3f} a year"),
        ("this best", f"{luck.observed * year:.3f} a year"),
        ("deflated Sharpe ratio", figures.percent(100.0 * luck.deflated, 1)),
    ]
    words = (
        "The deflated Sharpe ratio is the confidence that the true ratio lies above what the best of as many trials "
        "without edge is expected to show (Bailey and López de Prado, 2014). All trials are taken as independent. "
        "From 95 % one may speak of an edge."
    )
    return join(pairs(rows), tag("p", words, class_="why"), count)


def spread(done: SweepResult) -> Markup:
    """Draw how often which return came out."""
    column = 100.0 * done.found.columns["total_return"]
    known = column[np.isfinite(column)]
    if len(known) < 2 or not np.any(known):
        return empty("Fewer than two combinations have a return.")
    reach = float(np.max(np.abs(known)))
    counts, edges = np.histogram(known[known != 0], bins=20, range=(-reach, reach))
    rows: tuple[tuple[Content, Content], ...] = (
        ("Gaining", f"{int((known > 0).sum()):,}"),
        ("Losing", f"{int((known < 0).sum()):,}"),
        ("Unchanged", f"{int((known == 0).sum()):,}"),
        ("Median", figures.percent(float(np.median(known)), signed=True)),
        ("Best", figures.percent(float(known.max()), signed=True)),
        ("Worst", figures.percent(float(known.min()), signed=True)),
    )
    words = f"Returns of {figures.plural(len(known), 'combination')} between {rows[5][1]} and {rows[4][1]}"
    return join(svg.histogram(words, counts, edges, 200, "combination"), pairs(rows, "facts inline"))


def failures(done: SweepResult) -> Markup:
    """List combinations that gave nothing, with the reasons."""
    columns = [*(Column(name) for name in done.found.names), Column("Reason", is_text=True)]
    some = list(done.found.failed.items())[:FAILED_ROWS]
    rows = [[*map(_value, done.found.rows[row]), reason] for row, reason in some]
    more = len(done.found.failed) - len(some)
    return join(
        table("Failed combinations", columns, rows),
        tag("p", f"{more:,} more failed.", class_="why") if more else None,
    )


def reproduce(done: SweepResult) -> Markup:
    """Say how to run the sweep again, and what it rests on."""
    rows: list[tuple[Content, Content]] = [("sweep", tag("code", done.key))]
    if done.result is not None:
        found = done.result
        rows += [
            ("result of the best", tag("code", found.key)),
            ("data digest", tag("code", found.data_digest)),
            ("strategy hash", tag("code", found.strategy_hash)),
            ("engine version", tag("code", found.engine_version)),
        ]
        judgement = verdict.judge(found.certificate)
        rows.append(("causality", f"{judgement.word}: {judgement.sentence}"))
    rows += [("seed", f"{done.search.seed}")] if done.search.method != "grid" else []
    rows += [("note", note) for note in done.notes]
    told = None
    if is_own(done):
        words = "The candles were handed over by the program and are in no lake: the same call needs the same candles."
        told = tag("p", words, class_="lead")
    return join(tag("p", tag("code", command(done)), class_="command"), told, pairs(rows, "facts wide"))


def is_own(done: SweepResult) -> bool:
    """Say whether the candles were those of the caller, in no lake."""
    return done.scene.instrument.venue == "own" if done.result is None else not done.result.table_versions


def command(done: SweepResult) -> str:
    """Write what runs this sweep: a command, for the caller's own candles a call; costs stand in the best's result."""
    if is_own(done):
        return _call(done)
    scene, search = done.scene, done.search
    file = scene.strategy if scene.strategy in BUILT_IN else f"{scene.strategy}.py"
    words = ["tallow sweep", shlex.quote(file), *(shlex.quote(axis_text(axis)) for axis in search.axes)]
    words += [f"-s {scene.instrument}", f"-t {scene.timeframe}"]
    if scene.range != EVERYTHING:
        words.append(f"--timerange {iso(scene.range.start)}..{iso(scene.range.end)}")
    if search.method != "grid":
        words.append(f"--method {search.method} --seed {search.seed}")
    words += [f"--trials {search.trials}"] if search.trials else []
    words += [f"--metric {search.goal}"] if search.goal != "bar_sharpe" else []
    words += [f"--constraint {shlex.quote(text)}" for text in search.constraints]
    words += rule_words(scene)
    fixed = {name: value for name, value in scene.parameters.items() if name not in search.names}
    return " ".join([*words, *(f"--set {name}={shlex.quote(str(value))}" for name, value in fixed.items())])


def _call(done: SweepResult) -> str:
    scene, search = done.scene, done.search
    code = repr(scene.strategy) if scene.strategy in BUILT_IN else scene.strategy
    grid = {axis.name: axis_text(axis).partition("=")[2] for axis in search.axes}
    words = [code, repr(grid), repr(scene.instrument.symbol), repr(str(scene.timeframe)), "data=candles"]
    fixed = {name: value for name, value in scene.parameters.items() if name not in search.names}
    words += [f"params={fixed!r}"] if fixed else []
    words += [f"method={search.method!r}, seed={search.seed}"] if search.method != "grid" else []
    words += [f"trials={search.trials}"] if search.trials else []
    words += [f"metric={search.goal!r}"] if search.goal != "bar_sharpe" else []
    words += [f"constraints={list(search.constraints)!r}"] if search.constraints else []
    return f"tallow.sweep({', '.join(words)})"


def axis_text(axis: Axis) -> str:
    """Write an axis as the command line reads it."""
    if axis.is_open:
        return f"{axis.name}={axis.low!r}..{axis.high!r}"
    numbers = [value for value in axis.values if isinstance(value, int) and not isinstance(value, bool)]
    steps = set(np.diff(numbers).tolist())
    if len(numbers) == len(axis.values) > 2 and len(steps) == 1 and min(steps) > 0:
        return f"{axis.name}={numbers[0]}..{numbers[-1]}:{steps.pop()}"
    return f"{axis.name}=" + ",".join(map(str, axis.values))


def capitalised(words: str) -> str:
    """Write the first letter as a capital and leave the others."""
    return words[:1].upper() + words[1:]


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
