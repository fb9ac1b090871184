"""A cross-validation as plain values and as plain text."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from tallow.domain.columns import Floats
from tallow.domain.scene import Value
from tallow.flows.report import figures, honesty, verdict
from tallow.flows.sweep.cross_filing import plain_path, plain_split
from tallow.flows.sweep.cross_values import CrossSplit, CrossValidationResult
from tallow.flows.sweep.page import axis_text, capitalised
from tallow.flows.sweep.plain import PER_CENT, heading, written

SHOWN_SPLITS = 20  # in a terminal
METRICS = (("sharpe", "Sharpe"), ("return_pct", "return %"), ("max_drawdown_pct", "max drawdown %"))


class Spread(NamedTuple):
    """How one number is spread over the paths; None everywhere when no path has it."""

    low: float | None
    quarter: float | None
    middle: float | None
    three_quarters: float | None
    high: float | None


def spread(values: Floats) -> Spread:
    """Find the least, the quartiles and the largest of what is known.

    Example:
        >>> spread(np.array([1.0, np.nan, 3.0, 2.0]))
        Spread(low=1.0, quarter=1.5, middle=2.0, three_quarters=2.5, high=3.0)
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return Spread(None, None, None, None, None)
    return Spread(*np.quantile(known, [0.0, 0.25, 0.5, 0.75, 1.0]).tolist())


def losing(done: CrossValidationResult) -> int:
    """Count the paths that lost money."""
    return int(np.sum(done.numbers("return_pct") < 0.0))


def kept(done: CrossValidationResult) -> float | None:
    """Give the mean number on the groups held out as a share of the mean on the training rows, by rows held out.

    None unless the mean on training is above 0: no share of a loss means anything.
    """
    known = [split for split in done.splits if not (math.isnan(split.trained) or math.isnan(split.tested))]
    if not known:
        return None
    rows = [sum(map(len, split.test)) for split in known]
    trained = float(np.average([split.trained for split in known], weights=rows))
    tested = float(np.average([split.tested for split in known], weights=rows))
    return tested / trained if trained > 0.0 else None


def choices(done: CrossValidationResult) -> list[tuple[dict[str, Value], int]]:
    """Give every combination that a split chose, with how many chose it, most first; empty ones chose none."""
    counted = Counter(tuple(split.parameters.items()) for split in done.splits)
    return [(dict(values), count) for values, count in counted.most_common()]


def describe(done: CrossValidationResult) -> dict[str, Any]:
    """Give a cross-validation as plain values; undefined numbers are None."""
    result = done.result
    return {
        "key": result.key,
        "kind": "cross-validation",
        "digest": result.digest,
        "scene": json.loads(result.scene.canonical()),
        "strategy": result.scene.strategy,
        "instrument": str(result.scene.instrument),
        "timeframe": str(result.scene.timeframe),
        "metric": done.search.goal,
        "method": done.search.method,
        "seed": done.search.seed,
        "axes": [axis_text(axis) for axis in done.search.axes],
        "constraints": list(done.search.constraints),
        **asdict(done.plan),
        "combinations": done.combinations,
        "computed": done.computed,
        "seconds": done.seconds,
        "spread": {name: spread(done.numbers(name))._asdict() for name, _ in METRICS},
        "losing_paths": losing(done),
        "kept": kept(done),
        "choices": [{"parameters": values or None, "splits": count} for values, count in choices(done)],
        "splits": [plain_split(split) for split in done.splits],
        "paths": [plain_path(path) for path in done.paths],
        "middle": done.middle,
        "metrics": dict(result.metrics),
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


def headline(done: CrossValidationResult) -> str:
    """Say in one sentence what came out."""
    found, lost, count = spread(done.numbers("sharpe")), losing(done), len(done.paths)
    lose = "loses" if lost == 1 else "lose"
    words = f"{lost:,} of {figures.plural(count, 'path')} {lose} money" if lost else (
        f"None of {figures.plural(count, 'path')} loses money"
    )  # fmt: skip
    if found.low is not None:
        low, middle, high = (figures.number(value) for value in (found.low, found.middle, found.high))
        words += f"; their Sharpe ratios go from {low} to {high}, {middle} in the middle"
    return f"{words}. {capitalised(kept_words(done))}"


def kept_words(done: CrossValidationResult) -> str:
    """Say what the groups held out kept of what training promised."""
    share = kept(done)
    if share is None:
        return "on training nothing was gained on average."
    return f"{left_words(share)} of what training promised was left."


def left_words(share: float) -> str:
    """Write a share; below 0 it is nothing."""
    return figures.percent(100.0 * share, 0) if share > 0.0 else "nothing"


def text(done: CrossValidationResult) -> str:
    """Write a cross-validation for a terminal."""
    result, plan = done.result, done.plan
    judgement = verdict.judge(result.certificate)
    more = len(done.splits) - SHOWN_SPLITS
    lines = [
        f"{result.scene.strategy} on {result.scene.instrument} {result.scene.timeframe}, cross-validation: "
        f"{plan.split_count:,} splits of {plan.groups} groups with {plan.test_groups} held out, "
        f"purge {figures.plural(plan.purge, 'bar')}, embargo {figures.plural(plan.embargo, 'bar')}; "
        f"{figures.plural(done.combinations, 'combination')} by {done.search.method}",
        *(f"note: {note}" for note in result.notes),
        "",
        *_table([_split_heads(done), *(split_cells(done, split) for split in done.splits[:SHOWN_SPLITS])]),
        *([f"and {more:,} more splits: --json has them all"] if more > 0 else []),
        "",
        *_table([_path_heads(), *(path_cells(done, number) for number in range(min(len(done.paths), SHOWN_SPLITS)))]),
        "",
        *_table(_spread_rows(done)),
        "",
        headline(done),
        f"  {judgement.symbol} causality of what was chosen most often {judgement.word.lower()}: {judgement.sentence}",
        "",
        f"The path in the middle, number {done.middle + 1}:",
        *_aligned([*honesty.plain_score(result), ("Assumption ladder", ""), *honesty.plain_ladder(result)]),
        "",
        f"  digest    {result.digest}",
        *([f"  repeat    tallow results replay {result.key[:12]}"] if result.table_versions else []),
    ]
    return "\n".join(lines).replace(figures.MINUS, "-").replace("\u00a0", " ")


def _split_heads(done: CrossValidationResult) -> list[str]:
    return ["held out", "chosen", f"trained {heading(done.search.goal)}", "tested", "return %"]


def split_cells(done: CrossValidationResult, split: CrossSplit) -> list[str]:
    """Write a split: groups counted from 1, what was chosen, the number on both sides, the return in per cent."""
    return [
        ", ".join(str(group + 1) for group in split.groups),
        chosen(split.parameters),
        scaled(done, split.trained),
        scaled(done, split.tested),
        written("total_return", 100.0 * split.test_return),
    ]


def chosen(parameters: Mapping[str, Value]) -> str:
    """Write a combination."""
    values = (
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in parameters.items()
    )
    return ", ".join(values) or "none: flat"


def scaled(done: CrossValidationResult, value: float) -> str:
    """Write the number looked for as people read it: in per cent, or a year."""
    goal = done.search.goal
    factor = 100.0 if goal in PER_CENT else 1.0
    if goal == "bar_sharpe":
        factor = math.sqrt(done.result.scene.timeframe.per_year)
    return written(goal, factor * value)


def _path_heads() -> list[str]:
    return ["path", "splits", *(label for _, label in METRICS), "trades"]


def path_cells(done: CrossValidationResult, number: int) -> list[str]:
    """Write a path: its number and the splits that traded its groups, from 1, and what it came to."""
    path = done.paths[number]
    taken = " ".join(str(split + 1) for split in path.splits)
    numbers = [figures.number(path.metrics.get(name)) for name, _ in METRICS]
    return [str(number + 1), taken, *numbers, figures.number(path.metrics.get("trades"), 0)]


def _spread_rows(done: CrossValidationResult) -> list[list[str]]:
    rows = [[label, *(figures.number(value) for value in spread(done.numbers(name)))] for name, label in METRICS]
    return [["over the paths", "least", "quarter", "middle", "three quarters", "most"], *rows]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]


def _aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"  {name:<{width}}  {words}".rstrip() for name, words in rows]
