"""A walk forward as plain values, as plain text and as a page."""

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from tallow.domain.columns import Bars
from tallow.domain.scene import Value
from tallow.domain.sweep import Fold, WalkForwardResult
from tallow.domain.timeframes import SECOND
from tallow.flows.report import figures, honesty, orders, palette, performance, proof, verdict
from tallow.flows.report.columns import is_drawable
from tallow.flows.report.markup import Content, Markup, join, tag
from tallow.flows.report.page import shell, tools
from tallow.flows.report.tables import Column, empty, pairs, section, table
from tallow.flows.sweep.page import axis_text, capitalised, resource
from tallow.flows.sweep.plain import PER_CENT, heading, written

_SECTIONS = (
    ("equity", "Equity", "The joined account: every bar was traded with parameters chosen before it."),
    ("folds", "Steps", "What was chosen on each training stretch, and what it did on the test that followed."),
    ("honesty", "Honest score", "What is left of the Sharpe ratio once trials, chance and length are counted."),
    ("costs", "Assumptions and costs", "The same decisions under other executions and costs."),
    ("months", "Monthly returns", "Return of each calendar month, in per cent."),
    ("drawdowns", "Worst drawdowns", "Falls below an earlier high."),
    ("incidents", "Data incidents", "What was wrong with the data inside the tests, and what was earned across it."),
    ("reproduce", "Reproduce", "The same again gives the same numbers."),
)
_FOOT = "Made by tallow. All times are UTC. Past results, simulated or not, say little about the future."


def describe(done: WalkForwardResult) -> dict[str, Any]:
    """Give a walk forward as plain values; undefined numbers are None."""
    result = done.result
    return {
        "key": result.key,
        "kind": "walk-forward",
        "digest": result.digest,
        "scene": json.loads(result.scene.canonical()),
        "train": done.train,
        "test": done.test,
        "strategy": result.scene.strategy,
        "instrument": str(result.scene.instrument),
        "timeframe": str(result.scene.timeframe),
        "metric": done.search.goal,
        "method": done.search.method,
        "seed": done.search.seed,
        "axes": [axis_text(axis) for axis in done.search.axes],
        "constraints": list(done.search.constraints),
        "anchored": done.anchored,
        "combinations": done.combinations,
        "computed": done.computed,
        "seconds": done.seconds,
        "kept": kept(done),
        "metrics": dict(result.metrics),
        "folds": [_plain(fold) for fold in done.folds],
        "orders": orders.order_states(result.orders),
        "score": result.score,
        "ladder": [asdict(rung) for rung in result.ladder],
        "table_versions": dict(result.table_versions),
        "data_digest": result.data_digest,
        "strategy_hash": result.strategy_hash,
        "engine_version": result.engine_version,
        "created": result.created,
        "certificate": result.certificate.to_dict() if result.certificate else None,
        "incidents": [asdict(incident) for incident in result.incidents],
        "notes": list(result.notes),
    }


def _plain(fold: Fold) -> dict[str, Any]:
    return {
        "train": [fold.train.start, fold.train.stop],
        "test": [fold.test.start, fold.test.stop],
        "parameters": dict(fold.parameters) or None,
        "trained": None if math.isnan(fold.trained) else fold.trained,
        "tested": None if math.isnan(fold.tested) else fold.tested,
        "test_return": fold.test_return,
    }


def kept(done: WalkForwardResult) -> float | None:
    """Give the mean number on the tests as a share of the mean on the training stretches, by the length of the tests.

    A short last test counts for as much as it is long. None unless the mean on training is above 0: no share of a loss
    means anything.
    """
    known = [fold for fold in done.folds if not (math.isnan(fold.trained) or math.isnan(fold.tested))]
    if not known:
        return None
    length = [len(fold.test) for fold in known]
    trained = float(np.average([fold.trained for fold in known], weights=length))
    tested = float(np.average([fold.tested for fold in known], weights=length))
    return tested / trained if trained > 0.0 else None


def headline(done: WalkForwardResult) -> str:
    """Say in one sentence what came out."""
    share = kept(done)
    words = verdict.headline(done.result)
    return words if share is None else f"{words} {capitalised(_share(share))} of what training promised was left."


def _share(share: float) -> str:
    return figures.percent(100.0 * share, 0) if share > 0.0 else "nothing"


def text(done: WalkForwardResult) -> str:
    """Write a walk forward for a terminal."""
    result = done.result
    metrics = result.metrics
    rows: list[Sequence[str]] = [("test from", "to", "chosen", f"trained {_goal(done)}", "tested", "return %")]
    rows += [tuple(_cells(done, fold)) for fold in done.folds]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    judgement = verdict.judge(result.certificate)
    lines = [
        f"{result.scene.strategy} on {result.scene.instrument} {result.scene.timeframe}, "
        f"{'anchored' if done.anchored else 'rolling'} walk forward in {len(done.folds)} steps of "
        f"{done.combinations:,} combinations by {done.search.method}",
        *(f"note: {note}" for note in result.notes),
        "",
        *("  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows),
        "",
        headline(done),
        f"  return {_metric(metrics, 'return_pct')} %, buy & hold {_metric(metrics, 'buy_hold_pct')} %, "
        f"max drawdown {_metric(metrics, 'max_drawdown_pct')} %, Sharpe {_metric(metrics, 'sharpe')}, "
        f"{metrics.get('trades'):,} trades",
        f"  {judgement.symbol} causality of the last choice {judgement.word.lower()}: {judgement.sentence}",
        "",
        *_aligned(
            [
                *[(f"Orders {end}", count) for end, count in orders.plain_orders(result)],
                *honesty.plain_score(result),
                ("Assumption ladder", ""),
                *honesty.plain_ladder(result),
            ]
        ),
        "",
        f"  digest    {result.digest}",
        *([f"  repeat    tallow results replay {result.key[:12]}"] if result.table_versions else []),
    ]
    return "\n".join(lines).replace(figures.MINUS, "-").replace("\u00a0", " ")


def _aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"  {name:<{width}}  {words}".rstrip() for name, words in rows]


def _metric(metrics: Mapping[str, float | int | None], name: str) -> str:
    return figures.number(metrics.get(name))


def _goal(done: WalkForwardResult) -> str:
    return heading(done.search.goal)


def _cells(done: WalkForwardResult, fold: Fold) -> list[str]:
    time, first = done.result.run.time, done.folds[0].test.start
    start, last = (int(time[row - first]) // SECOND * SECOND for row in (fold.test.start, fold.test.stop - 1))
    step = done.result.scene.timeframe.next(last)
    return [
        figures.moment(start),
        figures.moment(step),
        _chosen(fold.parameters),
        _scaled(done, fold.trained),
        _scaled(done, fold.tested),
        written("total_return", 100.0 * fold.test_return),
    ]


def _chosen(parameters: Mapping[str, Value]) -> str:
    values = (
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in parameters.items()
    )
    return ", ".join(values) or "none: flat"


def _scaled(done: WalkForwardResult, value: float) -> str:
    goal = done.search.goal
    factor = 100.0 if goal in PER_CENT else 1.0
    if goal == "bar_sharpe":
        factor = math.sqrt(done.result.scene.timeframe.per_year)
    return written(goal, factor * value)


def render(done: WalkForwardResult, bars: Bars, *, colours: str = "green-red") -> str:
    """Write the page; the same walk gives the same bytes.

    Args:
        done: the walk.
        bars: the whole market it walked over.
        colours: ``green-red``, ``red-green`` or ``blue-orange``; the reader can switch.

    Raises:
        UserError: UNKNOWN_PALETTE.
    """
    palette.check_palette(colours)
    result = done.result
    tested = bars[done.folds[0].test.start : done.folds[-1].test.stop]
    bodies: dict[str, Content] = {
        "equity": _equity(done, tested),
        "folds": join(_folds(done), orders.order_table(result)),
        "honesty": honesty.score_section(result),
        "costs": honesty.ladder_section(result),
        "months": performance.months(result),
        "drawdowns": performance.drawdown_table(result),
        "incidents": proof.incidents(result),
        "reproduce": _reproduce(done),
    }
    links = (tag("li", tag("a", title, href=f"#{name}")) for name, title, _ in _SECTIONS)
    answers = verdict.strip(result, linked=False)
    first = tag("section", tag("h2", "Verdict", hidden=True), answers, id="verdict", aria_label="Verdict")
    body = (
        _top(done, colours),
        tag("nav", tag("ul", *links), aria_label="Sections"),
        tag("main", first, *(section(*part, bodies[part[0]]) for part in _SECTIONS), class_="wrap"),
        tag("footer", _FOOT, class_="wrap"),
    )
    title = f"Walk forward of {result.scene.strategy} on {result.scene.instrument} {result.scene.timeframe}"
    return shell(title, body, resource("page.js"), colours, resource("page.css"))


def _top(done: WalkForwardResult, colours: str) -> Markup:
    result = done.result
    scene, time = result.scene, result.run.time
    where = (
        f"{scene.instrument.symbol} · {scene.instrument.venue} · {scene.timeframe} · "
        f"{figures.moment(int(time[0]))} to {figures.moment(scene.timeframe.next(int(time[-1])))} UTC · "
        f"{figures.plural(len(time), 'bar')}"
    )
    worn = [tag("li", name, title=meaning) for name, meaning in verdict.notices(result)]
    caution = verdict.caution(result)
    tone = "bad" if verdict.judge(result.certificate).tone == "bad" else "warn"
    title = tag("h1", f"Walk forward of {scene.strategy}")
    return tag(
        "header",
        tag("div", title, tag("span", where, class_="where"), tools(colours), class_="line"),
        tag("ul", *worn, class_="badges") if worn else None,
        tag("p", caution, class_=f"callout {tone}") if caution else None,
        tag("p", headline(done), class_="headline"),
        class_="top wrap",
    )


def _equity(done: WalkForwardResult, bars: Bars) -> Markup:
    result = done.result
    if not is_drawable(result, bars):
        return empty("No price is known, so nothing to draw.")
    legend = tag("figcaption", *performance.legend(result), class_="legend")
    return tag("figure", legend, performance.equity_chart(result, bars), class_="figure")


def _folds(done: WalkForwardResult) -> Markup:
    goal = capitalised(_goal(done))
    columns = (
        Column("Test from", is_text=True),
        Column("To", is_text=True),
        Column("Chosen", "Best on the training stretch", is_text=True),
        Column(f"Trained: {goal}", "On the training stretch"),
        Column("Tested", "The same on the test"),
        Column("Return %", "Of the joined account over the test"),
    )
    rows = []
    for fold in done.folds:
        *words, trained, tested, gain = (cell.replace("-", figures.MINUS) for cell in _cells(done, fold))
        moments = [word.replace(figures.MINUS, "-") for word in words]
        shown = tag("span", gain, class_=figures.tone(fold.test_return) or None)
        rows.append([*moments, trained, tested, shown])
    share = kept(done)
    words_ = "On training nothing was gained on average." if share is None else (
        f"The tests kept {_share(share)} of the mean number of the training stretches."
    )  # fmt: skip
    return join(table("Steps of the walk", columns, rows), tag("p", words_, class_="lead"))


def _reproduce(done: WalkForwardResult) -> Markup:
    result = done.result
    axes = " ".join(shlex.quote(axis_text(axis)) for axis in done.search.axes)
    judgement = verdict.judge(result.certificate)
    rows: list[tuple[Content, Content]] = [
        ("walk", tag("code", result.key)),
        ("digest", tag("code", result.digest)),
        ("data digest", tag("code", result.data_digest)),
        ("strategy hash", tag("code", result.strategy_hash)),
        ("axes", tag("code", axes)),
        ("method", f"{done.search.method}, seed {done.search.seed}, {done.combinations:,} combinations a step"),
        ("constraints", "; ".join(done.search.constraints) or "none"),
        ("stretches", f"train {done.train}, test {done.test}, {'anchored' if done.anchored else 'rolling'}"),
        *((name, f"version {version}") for name, version in sorted(result.table_versions.items())),
        ("causality", f"{judgement.word}: {judgement.sentence}"),
    ]
    facts = pairs([*rows, *(("note", note) for note in result.notes)], "facts wide")
    if not result.table_versions:
        return join(
            tag("p", "The candles were handed over by the program: the walk is not stored.", class_="lead"), facts
        )
    return join(tag("p", tag("code", f"tallow results replay {result.key[:12]}"), class_="command"), facts)
